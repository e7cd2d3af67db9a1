"""Judging again from what was measured before says what a scan says."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillwatch import pipeline
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.worlds import Prepared, prepared
from stillwatch.bench.scorecard.worth import Memory, Remembered, Worth, detector_figures, loss
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.campaigns.weights import load_weights
from stillwatch.compose import SUITES
from stillwatch.config import Detection
from stillwatch.detectors import BUILTIN


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    task = Task(kind="detectors", name="small", suite=SUITES["small"], seed=515, exchanges=6_000)
    return prepared(task, None, Path(tmp_path_factory.mktemp("store")))


def test_remembered_measurements_reach_the_same_verdicts_as_a_scan(world: Prepared) -> None:
    scanned = world.scan()[0]
    scene = pipeline.build(world.prints, world.side, load_weights())
    suspects = find_suspects(scene)
    memory = Memory(suspects)
    asked = [Remembered(detector, memory) for detector in BUILTIN]
    judged, opinions = pipeline.detect(suspects, load_weights(), asked)
    named = pipeline.name(judged, opinions, load_weights(), asked, Detection())
    assert scanned.campaigns
    assert [(c.verdict, c.confidence, len(c.roster)) for c in scanned.campaigns] == [
        (one.kind, round(one.confidence, 4), len(one.members.accounts)) for one in named
    ]


def test_loss_is_a_bit_where_nothing_is_known_and_grows_with_false_certainty() -> None:
    assert loss(0.0, 0.0) == loss(0.0, 1.0) == 1.0
    assert loss(5.0, 1.0) < 0.1
    assert loss(5.0, 0.0) > 5.0
    assert loss(1e9, 0.0) == pytest.approx(20.0, abs=1e-3)


def judged(name: str, recall: float, honest: int, surprise: float) -> Worth:
    return Worth(name=name, measured=0.5, recall=recall, honest=honest, resale=None, surprise=surprise)


def test_a_detector_earns_by_what_is_lost_without_it_and_else_nothing() -> None:
    names = [detector.name for detector in BUILTIN]
    whole = judged("", 0.8, 2, 1.0)
    same = [judged(name, 0.8, 2, 1.0) for name in names[4:]]
    changed = [
        judged(names[0], 0.7, 2, 1.0),
        judged(names[1], 0.8, 3, 1.0),
        judged(names[2], 0.8, 2, 1.2),
        judged(names[3], 0.9, 1, 0.9),
    ]
    found = {figures.name: figures for figures in detector_figures([(whole, *changed, *same)])}
    assert [found[name].earns for name in names[:5]] == [True, True, True, False, False]
    assert found[names[1]].honest_added == 1
    lost = found[names[0]].recall_lost
    assert lost is not None
    assert lost.mean == pytest.approx(0.1)
