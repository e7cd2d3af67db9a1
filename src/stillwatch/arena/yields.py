"""What a run comes to: how much of the harvest was got, whom enforcement touched, how soon replacements were known."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from stillwatch.arena.crew import Crew, Worker
from stillwatch.arena.enforcement import HOUR_S, Account
from stillwatch.arena.policy import Decision


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """State at the end of one period; counts but ``answered`` and ``decided`` are of the run so far."""

    day: float
    answered: int
    harvested: float
    live: int
    opened: int
    spent: float
    decided: int
    honest_touched: int


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """How accounts came to be acted on: of ``accounts`` that called at all, ``named`` were.

    Medians over those named: their own exchanges before the decision, hours from the first of them to it; None where
    none was named.
    """

    accounts: int
    named: int
    exchanges: float | None
    hours: float | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """``harvested``: the yield, the share (0..1) of the planned items whose answers the operator got in full.

    ``honest_touched``: honest accounts that anything stronger than ``observe`` was done to, also per 100,000 honest
    accounts. ``spent`` in the unit of the operator's prices; ``price`` is that per item obtained, None where none was.
    """

    operator: str
    harvested: float
    items: int
    obtained: int
    accounts_opened: int
    accounts_lost: int
    spent: float
    price: float | None
    honest_touched: int
    honest_touched_per_100k: float
    first: Recognition
    replacements: Recognition
    touched: tuple[Decision, ...]
    periods: tuple[Period, ...]


def outcome(crew: Crew, periods: Sequence[Period], touched: dict[Account, Decision], honest_accounts: int) -> Outcome:
    """Sum a finished run up."""
    got = int(crew.obtained.sum())
    called = [worker for worker in crew.workers if worker.first_call_s is not None]
    return Outcome(
        operator=crew.operator.name,
        harvested=round(crew.harvested(), 6),
        items=len(crew.items),
        obtained=got,
        accounts_opened=len(crew.workers),
        accounts_lost=sum(not worker.alive for worker in crew.workers),
        spent=round(crew.purse.spent, 4),
        price=round(crew.purse.spent / got, 4) if got else None,
        honest_touched=len(touched),
        honest_touched_per_100k=round(1e5 * len(touched) / max(1, honest_accounts), 1),
        first=_recognition([worker for worker in called if not worker.replacement]),
        replacements=_recognition([worker for worker in called if worker.replacement]),
        touched=tuple(touched[name] for name in sorted(touched)),
        periods=tuple(periods),
    )


def _recognition(workers: Sequence[Worker]) -> Recognition:
    exchanges, hours = list[int](), list[float]()
    for worker in workers:
        if worker.named_s is not None and worker.named_after is not None and worker.first_call_s is not None:
            exchanges.append(worker.named_after)
            hours.append((worker.named_s - worker.first_call_s) / HOUR_S)
    return Recognition(
        accounts=len(workers),
        named=len(exchanges),
        exchanges=median(exchanges) if exchanges else None,
        hours=round(median(hours), 2) if hours else None,
    )
