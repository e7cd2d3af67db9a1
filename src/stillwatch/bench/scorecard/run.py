"""The bench from end to end: parts -> tasks -> answers -> scorecard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.bench.quality import LARGEST_SEED, RUNS
from stillwatch.bench.scorecard.assemble import calibration_figures, suite_figures
from stillwatch.bench.scorecard.card import SCHEMA, Scorecard
from stillwatch.bench.scorecard.machine import provenance
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.work import answers
from stillwatch.compose import SUITES
from stillwatch.errors import ConfigError

PARTS = ("suites", "calibration", "sweeps", "held_out", "permutation", "ablations", "detectors")
Watch = Callable[[int, int, str], None]
Answers = dict[str, list[tuple[Task, Any]]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. ``exchanges``: size of every world, None as its suite says."""

    runs: tuple[str, ...] = tuple(RUNS)
    seeds: tuple[int, ...] = (1, 2)
    parts: tuple[str, ...] = PARTS
    corpus: Path | None = None
    jobs: int = 1
    quick: bool = False
    exchanges: int | None = None

    def checked(self) -> Plan:
        """Itself, or a ConfigError that says what is wrong with it."""
        known = {*RUNS, *SUITES}
        if wrong := [name for name in self.runs if name not in known]:
            raise ConfigError(
                f"no suite named {wrong[0]!r}", where="--suite", hint=f"one of {', '.join(sorted(known))}"
            )
        if wrong := [name for name in self.parts if name not in PARTS]:
            raise ConfigError(f"no part named {wrong[0]!r}", where="--parts", hint=f"one of {', '.join(PARTS)}")
        if not self.seeds or not all(0 <= seed < LARGEST_SEED for seed in self.seeds):
            hint = f"seeds from {LARGEST_SEED} on belong to fitting: measuring on them would flatter"
            raise ConfigError(f"seeds must lie from 0 to {LARGEST_SEED - 1}", where="--seeds", hint=hint)
        return self


def suite_tasks(plan: Plan) -> list[Task]:
    """One world per run and seed, seed by seed, so that an early stop leaves whole rounds."""
    return [_suite_task(plan, run, seed) for seed in plan.seeds for run in plan.runs]


def _suite_task(plan: Plan, run: str, seed: int) -> Task:
    suite, off = RUNS.get(run, (run, ()))
    return Task(kind="suite", name=run, suite=SUITES[suite], seed=seed, off=off, exchanges=plan.exchanges)


def bench(plan: Plan, store: Path, watch: Watch) -> Scorecard:
    """Run what the plan asks for; answers found in ``store`` are not computed again."""
    plan = plan.checked()
    tasks, skipped = tasks_of(plan)
    found: Answers = defaultdict(list)
    watch(0, len(tasks), "starting")
    done = 0
    for task, got in answers(tasks, plan.corpus, store, plan.jobs, lambda task: watch(done, len(tasks), _says(task))):
        found[task.kind].append((task, got))
        done += 1
        watch(done, len(tasks), _says(task))
    return scorecard(plan, found, skipped)


def tasks_of(plan: Plan) -> tuple[list[Task], dict[str, str]]:
    """Tasks of all parts, and why a part has none."""
    tasks: list[Task] = []
    skipped: dict[str, str] = {name: "not asked for" for name in PARTS if name not in plan.parts}
    if {"suites", "calibration"} & set(plan.parts):
        tasks += suite_tasks(plan)
    return tasks, skipped


def _says(task: Task) -> str:
    return f"{task.kind} {task.name}, seed {task.seed}"


def scorecard(plan: Plan, found: Answers, skipped: dict[str, str]) -> Scorecard:
    """Everything that was answered, put together in a fixed order."""
    worlds = _by_name(found["suite"])
    every = [world for own in worlds.values() for world in own]
    return Scorecard(
        schema=SCHEMA,
        made=provenance(plan.corpus),
        quick=plan.quick,
        seeds=plan.seeds,
        parts=plan.parts,
        skipped=skipped,
        suites=tuple(suite_figures(run, worlds[run]) for run in plan.runs if run in worlds)
        if "suites" in plan.parts
        else None,
        calibration=calibration_figures(every) if "calibration" in plan.parts and every else None,
    )


def _by_name(found: Sequence[tuple[Task, Any]]) -> dict[str, list[Any]]:
    by_name: dict[str, list[Any]] = defaultdict(list)
    for task, got in sorted(found, key=lambda one: (one[0].name, one[0].seed)):
        by_name[task.name].append(got)
    return by_name
