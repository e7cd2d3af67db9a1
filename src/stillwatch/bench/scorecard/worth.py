"""Each detector's own worth: what is lost when it alone is not asked.

Detectors are measured once per suspect; judging again without one reads the same measurements, so that sixty scans cost
little more than one. Weights stay as fitted, and their trees average over what they are not told. A detector whose
absence loses no account, no pool and no precision on any world earned nothing there; ``surprise`` is finer: by how many
bits per suspect the odds on one operator and on harvest get worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from stillwatch import pipeline
from stillwatch.bench.scorecard.card import DetectorFigures
from stillwatch.bench.scorecard.statistics import lost, share, spread
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.truth import Account, Truth, read_truth
from stillwatch.bench.scorecard.worlds import prepared
from stillwatch.campaigns.judge import Judged, measure
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.campaigns.weights import Weights, load_weights
from stillwatch.compose import Suite
from stillwatch.config import Detection
from stillwatch.detectors import BUILTIN, Detector, Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

MOST_ODDS = 20.0  # log2; beyond, one suspect would be the whole mean


class Memory:
    """Measurements of suspects, by object; what was not foreseen is measured when it is first asked for."""

    def __init__(self, suspects: Sequence[Suspect]) -> None:
        self._suspects = suspects  # kept alive: an id is only its own as long as its object lives
        self._known = {id(suspect): measure(suspect, BUILTIN) for suspect in suspects}
        self._rests: dict[bytes, dict[str, Measurement]] = {}

    def of(self, suspect: Suspect) -> dict[str, Measurement]:
        """All measurements of a suspect."""
        if id(suspect) in self._known:
            return self._known[id(suspect)]
        key = suspect.members.tobytes() + repr((suspect.found_in, sorted(suspect.held_out_p.items()))).encode()
        if key not in self._rests:
            self._rests[key] = measure(suspect, BUILTIN)
        return self._rests[key]

    def share_measured(self, name: str) -> float | None:
        """Of the suspects, those that a detector could say something of."""
        return share(sum(name in found for found in self._known.values()), len(self._known))


@dataclass(frozen=True)
class Remembered:
    """A detector that looks up what was measured before."""

    detector: Detector
    memory: Memory = field(repr=False)

    @property
    def name(self) -> str:
        return self.detector.name

    @property
    def family(self) -> str:
        return self.detector.family

    @property
    def axis(self) -> Axis:
        return self.detector.axis

    @property
    def needs(self) -> Sequence[str]:
        return self.detector.needs

    def measure(self, suspect: Suspect) -> Measurement | None:
        return self.memory.of(suspect).get(self.detector.name)


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """One world judged without one detector; ``name`` "" is with all of them. ``surprise``: bits per suspect."""

    name: str
    measured: float | None
    recall: float | None
    honest: int
    resale: float | None
    surprise: float | None


def worth_tasks(suite: Suite, seed: int, exchanges: int | None) -> list[Task]:
    """One task per world: its suspects are measured once."""
    return [Task(kind="detectors", name=suite.name, suite=suite, seed=seed, exchanges=exchanges)]


def worths(task: Task, corpus: Path | None, store: Path) -> tuple[Worth, ...]:
    """The world judged with every detector, then without each in turn."""
    world = prepared(task, corpus, store)
    weights, truth = load_weights(), read_truth(world.folder)
    scene = pipeline.build(world.prints, world.side, weights)
    suspects = find_suspects(scene)
    memory = Memory(suspects)
    asked = tuple(Remembered(detector, memory) for detector in BUILTIN)
    names = [(row["platform"], row["account_id"]) for row in scene.roster.names.to_pylist()]
    found = [_judged("", suspects, asked, weights, truth, names)]
    for one in asked:
        rest = tuple(other for other in asked if other is not one)
        own = _judged(one.name, suspects, rest, weights, truth, names)
        found.append(msgspec.structs.replace(own, measured=memory.share_measured(one.name)))
    return tuple(found)


def _judged(
    name: str,
    suspects: Sequence[Suspect],
    detectors: Sequence[Detector],
    weights: Weights,
    truth: Truth,
    names: Sequence[Account],
) -> Worth:
    judged, opinions = pipeline.detect(suspects, weights, detectors)
    said: dict[str, set[Account]] = {"extraction": set(), "resale": set(), "coordinated": set()}
    for one in pipeline.name(judged, opinions, weights, detectors, Detection()):
        said[one.kind] |= {names[i] for i in one.members.accounts[one.members.accused].tolist()}
    harvesters, resellers = truth.of_verdict("extraction"), truth.of_verdict("resale")
    return Worth(
        name=name,
        measured=None,
        recall=share(len(said["extraction"] & harvesters), len(harvesters)),
        honest=len(said["extraction"] & truth.honest),
        resale=share(len(said["resale"] & resellers), len(resellers)),
        surprise=_surprise(judged, truth, names),
    )


def _surprise(judged: Sequence[Judged], truth: Truth, names: Sequence[Account]) -> float | None:
    """Mean log2 loss of both axes over groups, by the shares of their accounts of one campaign, and that harvest."""
    campaign = np.array([truth.accounts[name]["campaign"] or "" for name in names])
    harvests = np.array([truth.accounts[name]["verdict"] == "extraction" for name in names])
    losses = []
    for item in judged:
        if item.solo:
            continue
        own = campaign[item.suspect.accounts]
        _, count = np.unique(own[own != ""], return_counts=True)
        together = float(count.max() / len(own)) if len(count) else 0.0
        losses.append(loss(item.operator, together) + loss(item.harvest, float(harvests[item.suspect.accounts].mean())))
    return round(float(np.mean(losses)), 5) if losses else None


def loss(odds: float, right: float) -> float:
    """Log2 loss of log2 odds against a share that is right."""
    odds = float(np.clip(odds, -MOST_ODDS, MOST_ODDS))
    return float(np.logaddexp2(0.0, odds) - right * odds)


def detector_figures(answers: Sequence[tuple[Worth, ...]]) -> tuple[DetectorFigures, ...]:
    """Per detector over worlds, the most valuable first."""
    made = [_figures(detector, answers) for detector in BUILTIN]
    return tuple(sorted(made, key=lambda f: (-(f.surprise.mean if f.surprise else 0.0), f.name)))


def _figures(detector: Detector, answers: Sequence[tuple[Worth, ...]]) -> DetectorFigures:
    pairs = [(answer[0], one) for answer in answers for one in answer if one.name == detector.name]
    recall = spread(lost(whole.recall, one.recall) for whole, one in pairs)
    pools = spread(lost(whole.resale, one.resale) for whole, one in pairs)
    surprise = spread(lost(one.surprise, whole.surprise) for whole, one in pairs)
    honest = sum(one.honest - whole.honest for whole, one in pairs)
    means = [figure.mean for figure in (recall, pools, surprise) if figure is not None]
    measured = spread(one.measured for _, one in pairs)
    return DetectorFigures(
        name=detector.name,
        family=detector.family,
        measured=measured.mean if measured else None,
        recall_lost=recall,
        honest_added=honest,
        resale_lost=pools,
        surprise=surprise,
        earns=honest > 0 or any(mean > 0 for mean in means),
    )
