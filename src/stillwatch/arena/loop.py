"""The clock: the operator works, the provider scans and decides, decisions take effect, the operator reacts.

Everything happens in simulated time and follows from the seed. The operator looks around every ``TICK_H`` hours, the
provider scans as often as its policy says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from stillwatch.arena.crew import Crew
from stillwatch.arena.enforcement import HOUR_S, Enforcement
from stillwatch.arena.operator import Cast
from stillwatch.arena.policy import Decision, Policy
from stillwatch.arena.provider import Backdrop, Provider, Scanning
from stillwatch.arena.yields import Outcome, Period, outcome
from stillwatch.compose.calendar import DAY_S
from stillwatch.compose.dice import Dice
from stillwatch.compose.knobs import Suite
from stillwatch.compose.ledger import Ledger
from stillwatch.compose.traces import Traces
from stillwatch.compose.world import book_of

TICK_H = 6.0
Progress = Callable[[int, int], None]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """When and where a run takes place; ``suite`` is that of the honest world, ``honest_accounts`` how many it has."""

    seed: int
    days: int
    suite: Suite
    honest_accounts: int
    corpus: Path | None = None


def match(cast: Cast, policy: Policy, honest: Backdrop, progress: Progress | None = None) -> Outcome:
    """``play`` against a provider that really scans, in front of an honest world."""
    setting = Setting(
        seed=honest.seed,
        days=honest.days,
        suite=honest.suite,
        honest_accounts=honest.accounts.num_rows,
        corpus=honest.corpus,
    )
    return play(cast, Scanning(policy, honest), setting, progress)


def play(cast: Cast, provider: Provider, setting: Setting, progress: Progress | None = None) -> Outcome:
    """One run. Raises ConfigError for an operator that cannot be played. Cost: one scan per period, little else."""
    ledger = own_ledger(setting)
    end_s = setting.days * DAY_S
    crew, gate = Crew(cast, ledger, setting.seed, end_s), Enforcement(provider.policy)
    periods: list[Period] = []
    touched: dict[tuple[str, str], Decision] = {}
    edges = moments(end_s, provider.policy.scan_every_h * HOUR_S)
    for number, (start, stop, scan) in enumerate(edges, 1):
        answered = crew.act(start, stop, gate)
        provider.log(answered)
        looks = scan and stop < end_s  # what the last day's scan says would come too late
        decisions = provider.review(ledger.calendar.at(stop), crew.accounts(stop, gate)) if looks else []
        stronger = [decision for decision in decisions if decision.action != "observe"]
        _note(crew, stronger, stop, touched)
        gate.take(decisions, stop)
        crew.adapt(stop, gate)
        periods.append(
            Period(
                day=stop / DAY_S,
                answered=answered.num_rows,
                harvested=round(crew.harvested(), 6),
                live=len(crew.live()),
                opened=len(crew.workers),
                spent=round(crew.purse.spent, 4),
                decided=len(stronger),
                honest_touched=len(touched),
            )
        )
        if progress is not None:
            progress(number, len(edges))
    return outcome(crew, periods, touched, setting.honest_accounts)


def own_ledger(setting: Setting) -> Ledger:
    """The operator's book: the honest world's calendar, releases and shared networks, none of its accounts."""
    book = book_of(setting.suite, setting.corpus)
    return Ledger(setting.suite, Dice(setting.seed, "world"), setting.seed, book, Traces(setting.corpus))


def moments(end_s: float, scan_s: float) -> list[tuple[float, float, bool]]:
    """(start, stop, scanned at its end) of every period: ticks, cut where a scan falls."""
    ticks = {min(end_s, number * TICK_H * HOUR_S) for number in range(1, int(end_s // (TICK_H * HOUR_S)) + 2)}
    scans = {number * scan_s for number in range(1, int(end_s // scan_s) + 1)}
    stops = sorted(ticks | {scan for scan in scans if scan <= end_s})
    return [(start, stop, stop in scans) for start, stop in zip([0.0, *stops], stops, strict=False)]


def _note(crew: Crew, decisions: list[Decision], at_s: float, touched: dict[tuple[str, str], Decision]) -> None:
    """Whom a decision hits: an account of the operator is recognised now, any other is an honest one touched."""
    for decision in decisions:
        worker = crew.worker(decision.account)
        if worker is None:
            touched.setdefault(decision.account, decision)
        elif worker.named_s is None:
            worker.named_s, worker.named_after = at_s, worker.calls
