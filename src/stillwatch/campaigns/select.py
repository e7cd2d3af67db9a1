"""Which suspects become campaigns, and with which verdict.

Suspects overlap, because the same cluster is found in several views. The one that names most accounts for the risk of
naming a wrong one takes them; what is left of another is judged again, by itself. A group of checked organisations is
nobody's campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.weights import probability
from stillwatch.config import Detection
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Verdict
from stillwatch.operators.affinity import affinity
from stillwatch.operators.communities import MIN_NODES

WHOLE_SHARE = 0.9  # of a suspect that must be left, to name it as it is
REST_SHARE = 0.2  # of a suspect that must be left, to judge the rest by itself
VOUCHED_SHARE = 0.5
Named = tuple[Judged, Verdict, float]


def verdict(judged: Judged, settings: Detection) -> tuple[Verdict, float] | None:
    """The verdict and its confidence, or None where none is certain enough."""
    if judged.suspect.vouched_share >= VOUCHED_SHARE:
        return None
    if judged.solo:
        alone = probability(judged.harvest)
        return ("extraction", alone) if alone >= settings.min_alone else None
    kind = judged.leans
    confidence, operator = judged.confidence.get(kind, 0.0), probability(judged.operator)
    if confidence >= settings.min_confidence and operator >= settings.min_operator:
        return kind, confidence
    return ("coordinated", operator) if operator >= settings.min_coordinated else None


def select(judged: Sequence[Judged], settings: Detection, again: Callable[[Suspect], Judged]) -> list[Named]:
    """Non-overlapping campaigns. ``again`` judges what is left of a suspect. Ties are settled in a fixed order."""
    named: list[Named] = []
    for item in judged:
        reached = verdict(item, settings)
        if reached is not None:
            named.append((item, *reached))
    named.sort(key=lambda one: _order(one, settings))
    taken = np.zeros(len(judged[0].suspect.members) if judged else 0, dtype=bool)
    chosen: list[Named] = []
    for item, kind, confidence in named:
        members = item.suspect.members
        # in accounts: one declared organisation may be most of a group
        size = item.suspect.scene.roster.node_size
        left = float(size[members & ~taken].sum() / size[members].sum())
        found: Named | None = None
        if left >= WHOLE_SHARE:
            free = item if left == 1.0 else replace(item, suspect=replace(item.suspect, members=members & ~taken))
            found = (free, kind, confidence)
        if found is None and left >= REST_SHARE:
            rest = _rest(item, members & ~taken, settings, again)
            found = rest if rest is not None and rest[1] == kind else None
        if found is not None:
            chosen.append(found)
            taken |= found[0].suspect.members
    return chosen


def _rest(item: Judged, left: np.ndarray, settings: Detection, again: Callable[[Suspect], Judged]) -> Named | None:
    if left.sum() < MIN_NODES:
        return None
    suspect = item.suspect
    rest = Suspect(
        scene=suspect.scene,
        members=left,
        affinity=affinity(suspect.scene.views, left),
        found_in=suspect.found_in,
        held_out_p=suspect.held_out_p,
    )
    judged = again(rest)
    found = verdict(judged, settings)
    return (judged, *found) if found else None


def _order(named: Named, settings: Detection) -> tuple[bool, float, list[int]]:
    """Coordinated last, since it says least; else by what naming it is worth.

    A right account is worth 1. A wrong one costs as many right ones as make the least confidence break even.
    """
    item, kind, confidence = named
    least = settings.min_alone if item.solo else settings.min_confidence
    cost = least / (1.0 - least) if least < 1 else 0.0
    worth = len(item.suspect.accounts) * (confidence - cost * (1.0 - confidence))
    return kind == "coordinated", -round(worth, 6), item.suspect.nodes.tolist()
