"""Runs in miniature: small operators, and providers whose decisions a test writes down instead of a scan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pyarrow as pa

from stillwatch.arena.conduct import Reactions
from stillwatch.arena.loop import Setting, play
from stillwatch.arena.operator import Budget, Cast, Harvest, Operator
from stillwatch.arena.policy import Action, Decision, Policy
from stillwatch.arena.provider import honest_suite
from stillwatch.arena.yields import Outcome

Choose = Callable[[int, list[tuple[str, str]]], dict[tuple[str, str], Action]]


class Scripted:
    """``choose`` gets the number of the scan and every account seen so far, and says what is done to which."""

    def __init__(self, choose: Choose, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.answered: list[tuple[datetime, tuple[str, str], str]] = []
        self.closed: dict[tuple[str, str], datetime] = {}
        self._choose, self._scans = choose, 0

    def log(self, exchanges: pa.Table) -> None:
        rows = exchanges.select(["started_at", "platform", "account_id", "exchange_id"]).to_pylist()
        self.answered += [(r["started_at"], (r["platform"], r["account_id"]), r["exchange_id"]) for r in rows]

    def review(self, now: datetime, accounts: pa.Table) -> list[Decision]:
        assert set(accounts["account_id"].to_pylist()) == {name[1] for _, name, _ in self.answered}
        known = {(row["platform"], row["account_id"]): row["closed_at"] for row in accounts.to_pylist()}
        assert {name: at for name, at in known.items() if at} == {n: at for n, at in self.closed.items() if at <= now}
        self._scans += 1
        seen = sorted({name for _, name, _ in self.answered})
        chosen = self._choose(self._scans, seen)
        for name, action in chosen.items():
            if action == "close":
                self.closed.setdefault(name, now + timedelta(hours=self.policy.effect_lag_h))
        return [decision(name, action) for name, action in sorted(chosen.items())]


def decision(name: tuple[str, str], action: Action) -> Decision:
    return Decision(
        platform=name[0],
        account_id=name[1],
        action=action,
        verdict="extraction",
        campaign_id="campaign-1",
        confidence=0.99,
        probability=0.99,
    )


def nobody(_: int, __: list[tuple[str, str]]) -> dict[tuple[str, str], Action]:
    return {}


def operator(
    reactions: Reactions | None = None, money: float = 1_000.0, most: int = 9, **axes: str | float
) -> Operator:
    """Six accounts and some sixty items."""
    chosen = {"timing": "flat", "life": "whole", "failover": 0.0, "blend": 0.0, "platforms": "api", **axes}
    return Operator(
        name="small",
        says="for tests",
        harvest=Harvest(exchanges=60, accounts=6, axes=chosen),
        budget=Budget(accounts=most, money=money),
        reactions=reactions or Reactions(),
    )


def setting(seed: int = 5, days: int = 4) -> Setting:
    return Setting(seed=seed, days=days, suite=honest_suite(days, 0.01), honest_accounts=1_000)


def run(chosen: Operator, provider: Scripted, seed: int = 5, days: int = 4) -> Outcome:
    return play(Cast(operator=chosen), provider, setting(seed, days))


def same(outcome: Outcome) -> bytes:
    return msgspec.json.encode(outcome, order="deterministic")
