"""The bench from end to end: plan -> tasks -> answers -> scorecard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stillwatch.bench.scorecard.ablations import ablation_figures
from stillwatch.bench.scorecard.assemble import calibration_figures, suite_figures
from stillwatch.bench.scorecard.assumptions import sweep_figures
from stillwatch.bench.scorecard.card import SCHEMA, Scorecard
from stillwatch.bench.scorecard.held_out import FAMILIES, FITTED, family_tasks, held_out_figures, refitted
from stillwatch.bench.scorecard.machine import provenance
from stillwatch.bench.scorecard.permuted import permutation_figures
from stillwatch.bench.scorecard.plan import Plan, skipped, tasks_of
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.work import Workers, answer, workers
from stillwatch.bench.scorecard.worth import detector_figures

Watch = Callable[[int, int, str], None]
Answers = dict[str, list[tuple[Task, Any]]]


def bench(plan: Plan, store: Path, watch: Watch) -> Scorecard:
    """Run what the plan asks for; answers found in ``store`` are not computed again."""
    plan = plan.checked()
    found: Answers = defaultdict(list)
    with workers(plan.jobs) as crew:
        tasks = [*tasks_of(plan), *_held_out(plan, store, crew, watch)]
        done = 0

        def told(says: str) -> None:
            watch(done, len(tasks), says)

        for i, got in crew.each(answer, [(task, plan.corpus, store) for task in tasks], told):
            found[tasks[i].kind].append((tasks[i], got))
            done += 1
    return scorecard(plan, found)


def _held_out(plan: Plan, store: Path, crew: Workers, watch: Watch) -> list[Task]:
    """Fits without each tactic family, and the worlds to measure them on."""
    if "held_out" not in plan.parts or plan.fit_cache is None:
        return []
    families = plan.families or tuple(FAMILIES)
    names = (FITTED, *families)
    calls = [(name, plan.fit_cache, store) for name in names]
    weights = {names[i]: got for i, got in crew.each(refitted, calls, lambda says: watch(0, len(names), says))}
    return list(family_tasks(families, weights, plan.few, plan.exchanges))


def scorecard(plan: Plan, found: Answers) -> Scorecard:
    """Everything that was answered, put together in a fixed order."""
    for answers in found.values():
        answers.sort(key=lambda one: (one[0].name, one[0].seed, one[0].value or 0.0, one[0].first, one[0].hidden))
    worlds = _by_name(found["suite"])
    every = [world for run in plan.runs for world in worlds.get(run, ())]
    asked = set(plan.parts)
    return Scorecard(
        schema=SCHEMA,
        made=provenance(plan.corpus),
        quick=plan.quick,
        seeds=plan.seeds,
        base=plan.base,
        base_seeds=plan.few,
        parts=plan.parts,
        skipped=skipped(plan),
        suites=tuple(suite_figures(run, worlds[run]) for run in plan.runs) if "suites" in asked else None,
        calibration=calibration_figures(every) if "calibration" in asked else None,
        sweeps=sweep_figures(found["sweep"]) if "sweeps" in asked else None,
        held_out=held_out_figures(found["tactic"], found["source"]) if "held_out" in asked else None,
        permutation=permutation_figures([got for _, got in found["permutation"]]) if "permutation" in asked else None,
        ablations=ablation_figures(found["ablation"]) if "ablations" in asked else None,
        detectors=detector_figures([got for _, got in found["detectors"]]) if "detectors" in asked else None,
    )


def _by_name(found: Sequence[tuple[Task, Any]]) -> dict[str, list[Any]]:
    by_name: dict[str, list[Any]] = defaultdict(list)
    for task, got in found:
        by_name[task.name].append(got)
    return by_name
