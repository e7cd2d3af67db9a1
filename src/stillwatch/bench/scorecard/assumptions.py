"""Assumptions about campaigns that no publication settles, swept: what detection owes to each of them.

Each value makes otherwise equal worlds in which every group campaign has it; the worlds of one seed share their honest
part's shares, not its exchanges. What it cannot tell: which value is the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from stillwatch.bench.scorecard.assemble import honest_accused
from stillwatch.bench.scorecard.card import SweepFigures, SweepPoint
from stillwatch.bench.scorecard.grading import WorldGrade
from stillwatch.bench.scorecard.statistics import spread
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.compose import Suite
from stillwatch.compose.knobs import Assumed


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """``values``: swept, mildest first. ``set``: a suite in which every campaign has the value."""

    name: str
    says: str
    unit: str
    values: tuple[float, ...]
    set: Callable[[Suite, float], Suite]


def _blend(suite: Suite, value: float) -> Suite:
    return msgspec.structs.replace(suite, blend=value)


def _assume(make: Callable[[float], Assumed]) -> Callable[[Suite, float], Suite]:
    def put(suite: Suite, value: float) -> Suite:
        return msgspec.structs.replace(suite, assumed=make(value))

    return put


ASSUMPTIONS = (
    Assumption(
        name="blend",
        says="Organic exchanges on the campaigns' accounts",
        unit="share of all their exchanges",
        values=(0.0, 0.3, 0.6, 0.8, 0.95),
        set=_blend,
    ),
    Assumption(
        name="payment_reuse",
        says="Accounts that pay with one card",
        unit="accounts per card",
        values=(1, 2, 5, 15, 50),
        set=_assume(lambda value: Assumed(accounts_per_card=int(value))),
    ),
    Assumption(
        name="replacement_lag",
        says="How long until a closed account's work goes on (a quarter are closed)",
        unit="hours, median",
        values=(0.1, 1.0, 6.0, 24.0, 96.0),
        set=_assume(lambda value: Assumed(replacement_lag_h=value)),
    ),
    Assumption(
        name="account_life",
        says="How long an account is worked",
        unit="days, median",
        values=(0.5, 1.0, 3.0, 7.0, 14.0),
        set=_assume(lambda value: Assumed(life_days=value)),
    ),
    Assumption(
        name="address_sharing",
        says="Accounts that share a way out to the internet",
        unit="accounts per line of the operator's pool",
        values=(1, 2, 4, 8, 16),
        set=_assume(lambda value: Assumed(accounts_per_line=int(value))),
    ),
)
BY_NAME = {assumption.name: assumption for assumption in ASSUMPTIONS}


def sweep_tasks(suite: Suite, seeds: Sequence[int], exchanges: int | None, most: int | None = None) -> list[Task]:
    """Every assumption at every value. ``most``: only so many values of each, from the first to the last."""
    return [
        Task(
            kind="sweep",
            name=assumption.name,
            suite=assumption.set(suite, value),
            seed=seed,
            value=float(value),
            exchanges=exchanges,
        )
        for seed in seeds
        for assumption in ASSUMPTIONS
        for value in thinned(assumption.values, most)
    ]


def thinned(values: Sequence[float], most: int | None) -> list[float]:
    """At most so many of the values, the first and the last among them."""
    if most is None or most >= len(values):
        return list(values)
    if most <= 1:
        return [values[-1]]
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def sweep_figures(found: Sequence[tuple[Task, WorldGrade]]) -> tuple[SweepFigures, ...]:
    """Per assumption its values in order."""
    made = []
    for assumption in ASSUMPTIONS:
        by_value: dict[float, list[WorldGrade]] = {}
        for task, world in found:
            if task.name == assumption.name and task.value is not None:
                by_value.setdefault(task.value, []).append(world)
        if by_value:
            points = tuple(_point(value, by_value[value]) for value in sorted(by_value))
            made.append(SweepFigures(name=assumption.name, says=assumption.says, unit=assumption.unit, points=points))
    return tuple(made)


def _point(value: float, worlds: Sequence[WorldGrade]) -> SweepPoint:
    return SweepPoint(
        value=value,
        recall=spread(world.grade.recall for world in worlds),
        precision=spread(world.grade.precision for world in worlds),
        honest_accused=honest_accused(worlds),
    )
