"""Two backtests side by side, as rows: one table for a terminal, a page, or JSON."""

from __future__ import annotations

from collections.abc import Callable

from stillwatch.model import ACTIONS
from stillwatch.policy.backtest import Report, Row, Value

Measure = tuple[str, str, Callable[[Report], Value]]
MEASURES: tuple[Measure, ...] = (
    ("policy", "", lambda r: r.version),
    ("digest", "", lambda r: r.digest),
    ("harvest prevented", "exchanges", lambda r: r.prevented),
    ("harvest behind a challenge", "exchanges", lambda r: r.asked),
    ("harvest marked or without reasoning", "exchanges", lambda r: r.weakened),
    ("harvest let through", "exchanges", lambda r: r.let_through),
    ("campaigns seen", "campaigns", lambda r: r.campaigns),
    ("campaigns acted on", "campaigns", lambda r: r.campaigns_acted_on),
    ("time to act, median", "hours", lambda r: r.median_hours_to_act),
    ("harvest obtained before action", "exchanges", lambda r: r.obtained_before),
    ("accounts touched", "accounts", lambda r: r.touched),
    ("accounts newly touched in a day, at most", "accounts", lambda r: r.largest_day),
    ("accounts touched that look honest", "accounts", lambda r: r.honest_touched),
    ("accounts touched that are honest", "accounts", lambda r: r.innocent_touched),
    ("exchanges refused to honest accounts", "exchanges", lambda r: r.honest_exchanges_refused),
    ("revenue of touched accounts", "as given", lambda r: r.revenue_touched),
    ("decisions held for a second person", "decisions", lambda r: r.held),
    ("decisions taken back", "decisions", lambda r: r.lapsed),
    ("accounts spared", "accounts", lambda r: r.spared),
)


def rows(candidate: Report, active: Report | None = None) -> tuple[Row, ...]:
    """Every measure of both, then actions by kind, then touched accounts by class and by label."""
    found = [
        Row(measure=name, unit=unit, candidate=of(candidate), active=None if active is None else of(active))
        for name, unit, of in MEASURES
    ]
    found += _tally("decisions: ", "decisions", candidate, active, lambda r: r.decisions, ACTIONS)
    found += _tally("touched, looks honest: ", "accounts", candidate, active, lambda r: r.honest)
    return (*found, *_tally("touched, labelled: ", "accounts", candidate, active, lambda r: r.by_truth))


def _tally(
    prefix: str,
    unit: str,
    candidate: Report,
    active: Report | None,
    of: Callable[[Report], dict[str, int]],
    order: tuple[str, ...] = (),
) -> list[Row]:
    ours, theirs = of(candidate), {} if active is None else of(active)
    names = [n for n in order if n in ours or n in theirs] if order else sorted({*ours, *theirs})
    return [
        Row(
            measure=f"{prefix}{name}",
            unit=unit,
            candidate=ours.get(name, 0),
            active=None if active is None else theirs.get(name, 0),
        )
        for name in names
    ]
