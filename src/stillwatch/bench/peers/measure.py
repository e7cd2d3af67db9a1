"""One peer on the evaluation worlds: tuned apart from them, scored in processes of its own, held against the truth."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from stillwatch.bench.peers.log import Bool, Labelled, read_labelled, read_log
from stillwatch.bench.peers.protocol import Peer
from stillwatch.bench.peers.tuning import Cut, Trial, Tuned, settings_of, tune

T = TypeVar("T")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table, over all evaluation worlds together.

    ``variant``: "published" settings and threshold, "tuned" on the fitting worlds, the same
    for F1 alone where that differs, or "shipped". ``precision``: None
    where nobody is accused; accounts of resellers and coordinated operators count as wrong, as honest ones do, but only
    honest ones are in ``honest_accused``. ``honest_classes``, ``tactics``: kind -> (accused, all). ``cpu_s``: reading
    and scoring one world, mean. ``peak_mb``: of the process that does it, interpreter and libraries included.
    """

    peer: str
    variant: str
    settings: dict[str, Any]
    threshold: float
    recall: float
    precision: float | None
    f1: float
    accused: int
    honest_accused: int
    honest_per_100k: float
    honest_classes: dict[str, tuple[int, int]]
    tactics: dict[str, tuple[int, int]]
    cpu_s: float
    peak_mb: float


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The settings and threshold tuning came to, with what they reached on the fitting worlds."""

    settings: dict[str, Any]
    cut: Cut


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What was tuned: every trial with what it reached on the fitting worlds, and what the tuning cost."""

    peer: str
    source: str
    replaces: str
    trials: tuple[Trial, ...]
    chosen: Chosen
    chosen_any_precision: Chosen
    cpu_s: float


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One world scored."""

    values: Any  # float64[accounts]
    cpu_s: float
    peak_mb: float


def peak_mb() -> float:
    """The most memory this process ever held, MB.

    Linux hands ``getrusage``'s peak on to whatever a process starts; the one of /proc begins anew.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    scale = 1024**2 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def apart(work: Callable[..., T], *arguments: Any) -> T:
    """``work(*arguments)`` in a fresh process, so that neither memory nor what libraries set is carried on."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def score_world(peer: Peer, world: Path) -> Score:
    """Read and score a written world. CPU counts from here: imports are not the method's."""
    started = time.process_time()
    values = peer.score(read_log(world))
    return Score(values=values, cpu_s=time.process_time() - started, peak_mb=peak_mb())


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A peer ready to score, and the threshold it accuses at."""

    name: str
    peer: Any  # a Peer
    threshold: float


def prepare(peer: Peer, worlds: Sequence[Path]) -> tuple[list[Variant], Tuned, float]:
    """(what to measure, with its history; what tuning found; CPU seconds of both)."""
    started = time.process_time()
    read = [read_labelled(world) for world in worlds]
    tuned = tune(peer, read)
    found: list[tuple[str, Peer, float]] = []
    if peer.published is not None:
        found.append(("published", peer, peer.published))
    found.append(("tuned", tuned.peer, tuned.cut.threshold))
    if tuned.differs:
        found.append(("tuned, any precision", tuned.any_precision_peer, tuned.any_precision.threshold))
    variants = [Variant(name=name, peer=chosen.learn(read), threshold=cut) for name, chosen, cut in found]
    return variants, tuned, time.process_time() - started


def rows_of(peer: Peer, fitting: Sequence[Path], evaluation: Sequence[Path]) -> tuple[list[Row], Effort]:
    """A row for each variant of a peer, and what was tuned."""
    variants, tuned, cpu_s = apart(prepare, peer, fitting)
    rows = [row(variant.peer, variant.name, variant.threshold, evaluation) for variant in variants]
    effort = Effort(
        peer=peer.name,
        source=peer.source,
        replaces=peer.replaces,
        trials=tuned.trials,
        chosen=Chosen(settings=settings_of(tuned.peer), cut=tuned.cut),
        chosen_any_precision=Chosen(settings=settings_of(tuned.any_precision_peer), cut=tuned.any_precision),
        cpu_s=round(cpu_s, 2),
    )
    return rows, effort


def row(peer: Peer, variant: str, threshold: float, evaluation: Sequence[Path]) -> Row:
    """One variant over the evaluation worlds."""
    scores = [apart(score_world, peer, world) for world in evaluation]
    worlds = [read_labelled(world) for world in evaluation]
    accused = [score.values >= threshold for score in scores]
    return graded(peer, variant, threshold, accused, worlds, scores)


def graded(
    peer: Peer,
    variant: str,
    threshold: float,
    accused: Sequence[Bool],
    worlds: Sequence[Labelled],
    scores: Sequence[Score],
) -> Row:
    """Hold who is accused against the truth, all worlds together."""
    named = np.concatenate(accused)
    harvests = np.concatenate([world.harvests for world in worlds])
    honest = np.concatenate([world.honest for world in worlds])
    kinds = [kind for world in worlds for kind in world.kinds]
    right = int((named & harvests).sum())
    return Row(
        peer=peer.name,
        variant=variant,
        settings=settings_of(peer),
        threshold=threshold,
        recall=_share(right, int(harvests.sum())) or 0.0,
        precision=_share(right, int(named.sum())),
        f1=_share(2 * right, int(named.sum() + harvests.sum())) or 0.0,
        accused=int(named.sum()),
        honest_accused=int((named & honest).sum()),
        honest_per_100k=round(1e5 * float((named & honest).sum()) / max(1, int(honest.sum())), 1),
        honest_classes=_kinds(kinds, named, honest),
        tactics=_kinds(kinds, named, harvests),
        cpu_s=round(float(np.mean([score.cpu_s for score in scores])), 2),
        peak_mb=round(max(score.peak_mb for score in scores), 1),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _kinds(kinds: Sequence[str], named: Bool, among: Bool) -> dict[str, tuple[int, int]]:
    """Kind -> (accused, all) among some accounts, most accused first."""
    whole = Counter(kind for kind, counts in zip(kinds, among, strict=True) if counts)
    hit = Counter(kind for kind, counts in zip(kinds, among & named, strict=True) if counts)
    return {kind: (hit[kind], whole[kind]) for kind in sorted(whole, key=lambda kind: (-hit[kind], kind))}
