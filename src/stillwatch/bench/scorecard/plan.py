"""What was asked of the bench, and the tasks that follow from it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stillwatch.bench.quality import LARGEST_SEED, RUNS
from stillwatch.bench.scorecard.ablations import ablation_tasks
from stillwatch.bench.scorecard.assumptions import sweep_tasks
from stillwatch.bench.scorecard.held_out import source_tasks
from stillwatch.bench.scorecard.permuted import permutation_tasks
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.worth import worth_tasks
from stillwatch.compose import SUITES
from stillwatch.errors import ConfigError

PARTS = ("suites", "calibration", "sweeps", "held_out", "permutation", "ablations", "detectors")
BASE_SEEDS = 3


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """``runs``: suites, some with evidence switched off. ``exchanges``: size of every world, None as its suite says.

    Sweeps, held-out sources, permutations, ablations and detectors use worlds of ``base`` with the first
    ``base_seeds`` of ``seeds``. ``values``: how many of each assumption's; ``pairs``: ablations in pairs too.
    ``fit_cache``: measurements of the fitting worlds, for tactic families held out; None leaves them out.
    """

    runs: tuple[str, ...] = tuple(RUNS)
    seeds: tuple[int, ...] = (1, 2)
    parts: tuple[str, ...] = PARTS
    base: str = "small"
    base_seeds: int = BASE_SEEDS
    permutations: int = 20
    values: int | None = None
    pairs: bool = True
    fit_cache: Path | None = None
    families: tuple[str, ...] = ()
    corpus: Path | None = None
    jobs: int = 1
    quick: bool = False
    exchanges: int | None = None

    @property
    def few(self) -> tuple[int, ...]:
        """Seeds of the parts that ask many questions of one world."""
        return self.seeds[: self.base_seeds]

    def checked(self) -> Plan:
        """Itself, or a ConfigError that says what is wrong with it."""
        known = {*RUNS, *SUITES}
        for name in (*self.runs, self.base):
            if name not in known:
                raise ConfigError(
                    f"no suite named {name!r}", where="--suite", hint=f"one of {', '.join(sorted(known))}"
                )
        for name in self.parts:
            if name not in PARTS:
                raise ConfigError(f"no part named {name!r}", where="--parts", hint=f"one of {', '.join(PARTS)}")
        if not self.seeds or not all(0 <= seed < LARGEST_SEED for seed in self.seeds):
            hint = f"seeds from {LARGEST_SEED} on belong to fitting: measuring on them would flatter"
            raise ConfigError(f"seeds must lie from 0 to {LARGEST_SEED - 1}", where="--seeds", hint=hint)
        return self


def quick(plan: Plan) -> Plan:
    """Small worlds and one seed: shows within minutes that the bench works, and nothing about detection."""
    return msgspec.structs.replace(
        plan,
        quick=True,
        runs=("small", "honest"),
        seeds=plan.seeds[:1],
        base_seeds=1,
        permutations=2,
        values=2,
        pairs=False,
        exchanges=10_000,
    )


def suite_tasks(plan: Plan) -> list[Task]:
    """One world per run and seed, seed by seed, so that an early stop leaves whole rounds."""
    return [_suite_task(plan, run, seed) for seed in plan.seeds for run in plan.runs]


def _suite_task(plan: Plan, run: str, seed: int) -> Task:
    suite, off = RUNS.get(run, (run, ()))
    return Task(kind="suite", name=run, suite=SUITES[suite], seed=seed, off=off, exchanges=plan.exchanges)


def tasks_of(plan: Plan) -> list[Task]:
    """Tasks of all parts that need no weights but the shipped ones."""
    base, size, tasks = SUITES[plan.base], plan.exchanges, list[Task]()
    if {"suites", "calibration"} & set(plan.parts):
        tasks += suite_tasks(plan)
    if "permutation" in plan.parts:
        for i, seed in enumerate(plan.few):  # as many of each world as make the whole number
            count = len(range(i, plan.permutations, len(plan.few)))
            tasks += permutation_tasks(base, seed, count, size)
    for seed in plan.few:
        if "detectors" in plan.parts:
            tasks += worth_tasks(base, seed, size)
        if "ablations" in plan.parts:
            tasks += ablation_tasks(base, seed, size, pairs=plan.pairs)
    if "sweeps" in plan.parts:
        tasks += sweep_tasks(base, plan.few, size, plan.values)
    if "held_out" in plan.parts and plan.corpus is not None:
        tasks += source_tasks(plan.corpus, plan.few, size)
    return tasks


def skipped(plan: Plan) -> dict[str, str]:
    """Part -> why it did not run, or not all of it."""
    found = {name: "not asked for" for name in PARTS if name not in plan.parts}
    if "held_out" in plan.parts:
        if plan.fit_cache is None:
            found["held_out, tactic families"] = "no fitting cache given: --held-out --fit-cache DIR"
        if plan.corpus is None:
            found["held_out, prompt sources"] = "no corpus given: --corpus DIR"
    return found
