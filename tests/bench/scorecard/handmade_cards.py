"""A scorecard with every part in it, made by hand."""

from __future__ import annotations

from pathlib import Path

from handmade_worlds import campaign, honest, member, planned, report, ring, write_world

from stillwatch.bench.scorecard.assemble import calibration_figures, suite_figures
from stillwatch.bench.scorecard.card import (
    SCHEMA,
    AblationFigures,
    DetectorFigures,
    HeldOutFigures,
    PermutationFigures,
    Scorecard,
    SweepFigures,
    SweepPoint,
)
from stillwatch.bench.scorecard.grading import WorldGrade, grade_world
from stillwatch.bench.scorecard.machine import provenance
from stillwatch.bench.scorecard.statistics import rate, spread

HOSTILE = '<script>alert("x")</script>|'


def worlds(folder: Path) -> list[WorldGrade]:
    accounts = [*ring("red", HOSTILE, "extraction", 10), *honest("campus", 30, "university")]
    world = write_world(folder / "world", accounts, [planned("red", HOSTILE, "extraction")])
    named = [member(f"red-{i}") for i in range(6)]
    return [
        grade_world("full", 1, report(campaign("extraction", named)), world),
        grade_world("full", 2, report(campaign("extraction", [*named, member("campus-1")])), world),
    ]


def card(folder: Path) -> Scorecard:
    graded = worlds(folder)
    point = {"recall": spread([0.5, 0.7]), "precision": spread([1.0, 0.9]), "honest_accused": rate(1, 100)}
    swept = SweepFigures(
        name="blend",
        says="Organic exchanges",
        unit="share",
        points=(SweepPoint(value=0.0, **point), SweepPoint(value=0.95, **point)),
    )
    held = {"without_recall": None, "without_precision": None, "fitted_recall": None, "fitted_precision": None}
    detector = {
        "family": "style",
        "measured": 0.5,
        "recall_lost": spread([0.1]),
        "resale_lost": None,
        "honest_added": 0,
    }
    return Scorecard(
        schema=SCHEMA,
        made=provenance(None),
        quick=False,
        seeds=(1, 2),
        base="small",
        base_seeds=(1,),
        parts=("suites",),
        skipped={"sweeps": "not asked for"},
        suites=(suite_figures("full", graded),),
        calibration=calibration_figures(graded),
        sweeps=(swept,),
        held_out=(
            HeldOutFigures(
                name="coding", what="tactic family", members=(), unseen=True, honest_accused=rate(0, 0), **held
            ),
        ),
        permutation=PermutationFigures(
            permutations=20,
            with_campaign=1,
            campaigns=1,
            by_verdict={"resale": 1},
            alone=0,
            accused=0,
            unpermuted=9,
            with_campaign_at_most=0.2161,
        ),
        ablations=(AblationFigures(without=("payment",), recall_lost=spread([0.2]), **point),),
        detectors=(
            DetectorFigures(name="useful", surprise=spread([0.1]), earns=True, **detector),
            DetectorFigures(name="idle", surprise=spread([-0.1]), earns=False, **detector),
        ),
    )
