"""Fair tuning: every peer tries the same number of settings on the same fitting worlds under the same aim.

The aim is the best F1 over accounts among thresholds whose precision is at least 0.9, or the best F1 of all where no
threshold is that precise. A peer may reach that precision on a handful of accounts and be worth more without it, so the
best F1 at any precision is kept beside it. Thresholds are not part of the budget: all of them are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from stillwatch.bench.peers.log import Bool, Float, Labelled
from stillwatch.bench.peers.protocol import BUDGET, Peer

AIM = 0.9


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold (accused: score at or above it) and what it did where it was chosen."""

    threshold: float
    precision: float
    recall: float
    f1: float

    @property
    def rank(self) -> tuple[bool, float]:
        """Precise enough first, then F1."""
        return self.precision >= AIM, self.f1


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate on the fitting worlds: ``cut`` by the aim, ``any_precision`` by F1 alone."""

    settings: dict[str, Any]
    cut: Cut
    any_precision: Cut


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """The candidate that did best, with its threshold; the same by F1 alone; and every trial that led to them."""

    peer: Any  # a Peer; a Protocol cannot be the type of a field
    cut: Cut
    any_precision_peer: Any
    any_precision: Cut
    trials: tuple[Trial, ...]

    @property
    def differs(self) -> bool:
        """Whether precision costs anything at all."""
        return (self.peer, self.cut) != (self.any_precision_peer, self.any_precision)


def best_cut(scores: Float, harvests: Bool, aim: float = AIM) -> Cut:
    """The threshold with the best F1 at a precision of at least ``aim``, else the best F1.

    ``scores``: float64[n], ``harvests``: bool[n]. Equal scores fall on the same side. Accusing everybody is no
    threshold. Where nobody harvests, or all scores are equal, nothing can be learned, and the threshold accuses nobody.
    It lies half-way to the next lower score, so that it does not hang on the last digit of one account of the fitting
    worlds. Cost: one sort.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], np.cumsum(harvests[order])
    ends = np.flatnonzero(ranked[1:] < ranked[:-1])  # last of each run of equal scores but the lowest
    if not harvests.any() or not len(ends):
        return Cut(threshold=float(scores.max(initial=0.0)) + 1, precision=0.0, recall=0.0, f1=0.0)
    precision = right[ends] / (ends + 1)
    recall = right[ends] / harvests.sum()
    f1 = 2 * right[ends] / (ends + 1 + harvests.sum())
    usable = precision >= aim
    place = int(np.argmax(np.where(usable, f1, -1.0) if usable.any() else f1))
    here, lower = ranked[ends[place]], ranked[ends[place] + 1]
    middle = (here + lower) / 2
    return Cut(
        threshold=float(middle if middle > lower else here),
        precision=float(precision[place]),
        recall=float(recall[place]),
        f1=float(f1[place]),
    )


def settings_of(peer: Any) -> dict[str, Any]:
    """The plain settings among a peer's fields: what it learned from history is not one."""
    values = {name: getattr(peer, name) for name in peer.__struct_fields__}
    return {name: value for name, value in values.items() if isinstance(value, bool | int | float | str | tuple)}


def tune(peer: Peer, worlds: Sequence[Labelled]) -> Tuned:
    """Try the peer's candidates on the fitting worlds. The first of equals wins, and the published settings are first.

    Cost: ``BUDGET`` scorings of every world.
    """
    candidates = peer.candidates()
    assert 0 < len(candidates) <= BUDGET, f"{peer.name} asks for {len(candidates)} trials of {BUDGET}"
    harvests = np.concatenate([world.harvests for world in worlds])
    found: list[tuple[Peer, Cut, Cut]] = []
    for candidate in candidates:
        ready = candidate.learn(worlds)
        scores = np.concatenate([ready.score(world.log) for world in worlds])
        found.append((candidate, best_cut(scores, harvests), best_cut(scores, harvests, aim=0.0)))
    precise = max(found, key=lambda trial: trial[1].rank)
    loose = max(found, key=lambda trial: trial[2].f1)
    return Tuned(
        peer=precise[0],
        cut=precise[1],
        any_precision_peer=loose[0],
        any_precision=loose[2],
        trials=tuple(Trial(settings=settings_of(p), cut=c, any_precision=f) for p, c, f in found),
    )
