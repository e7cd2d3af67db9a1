"""What has been decided before, as deciding needs it: by account, by campaign, and what a person took back.

The book is read from the store's decisions and written nowhere. ``applied`` says what it holds after an outcome, so
that a replay keeps it without a store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from stillwatch.model import Decision
from stillwatch.policy.outcome import DISARMED, HELD, LAPSED, Outcome
from stillwatch.policy.rules import rank, touches
from stillwatch.policy.standing import Account

POLICY = "policy"  # who takes back what no longer holds


def account_of(decision: Decision) -> Account:
    """Whom it is about."""
    return decision.platform, decision.account_id


def in_force(decision: Decision, now: datetime) -> bool:
    """Whether a gateway acts on it, now or as soon as its jitter is over."""
    return enforced(decision) and decision.undone_at is None and decision.expires_at > now


def enforced(decision: Decision) -> bool:
    """Whether it is meant for gateways, and touches the account."""
    return not decision.simulated and not decision.held and touches(decision.action)


def stays_undone(decision: Decision) -> bool:
    """Whether a person took this decision back and meant it: not a lapse, and not part of a disarm."""
    because = decision.undone_because or ""
    return decision.undone_at is not None and not because.startswith((LAPSED, DISARMED))


def was_held(decision: Decision) -> bool:
    """Whether it had to wait for a second person, approved since or not."""
    return any(says.startswith(HELD) for says in decision.because)


@dataclass(frozen=True)
class Book:
    """``by_rule``, ``by_person``: decisions that stand, by account. ``refused``: what a person took back, until when.

    ``ids``: of every decision that was handed in, whatever became of it.
    """

    now: datetime
    by_rule: defaultdict[Account, list[Decision]] = field(default_factory=lambda: defaultdict(list))
    by_person: defaultdict[Account, list[Decision]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[tuple[Account, str | None], Decision] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    @staticmethod
    def of(decisions: Iterable[Decision], now: datetime) -> Book:
        """Of the decisions that have not expired, those that were undone included. Cost: O(decisions)."""
        book = Book(now)
        for decision in sorted(decisions, key=lambda d: (d.made_at, d.decision_id)):
            book.ids.add(decision.decision_id)
            if decision.expires_at <= now:
                continue
            account = account_of(decision)
            if decision.undone_at is None:
                (book.by_person if decision.origin == "person" else book.by_rule)[account].append(decision)
            elif stays_undone(decision) and touches(decision.action):
                book.refused[account, decision.campaign_id] = decision
        return book

    def rules_of(self, account: Account) -> Sequence[Decision]:
        return self.by_rule.get(account, ())

    def acts_on(self, account: Account, campaign_id: str | None, action: str) -> bool:
        """Whether a rule has already given this account this action for this campaign."""
        return any(d.campaign_id == campaign_id and d.action == action for d in self.rules_of(account))

    def covered(self, account: Account, least: tuple[int, float]) -> bool:
        """Whether a person has decided at least as strongly already."""
        return any(
            enforced(decision) and rank(decision.action, decision.value) >= least
            for decision in self.by_person.get(account, ())
        )


def applied(decisions: Iterable[Decision], outcome: Outcome, now: datetime) -> tuple[Decision, ...]:
    """The decisions as they stand after an outcome: what lapsed is undone, what is new is there; none is lost."""
    because = {lapse.decision_id: lapse.because for lapse in outcome.lapse}
    kept = [
        msgspec.structs.replace(decision, undone_at=now, undone_by=POLICY, undone_because=because[decision.decision_id])
        if decision.decision_id in because
        else decision
        for decision in decisions
    ]
    return (*kept, *outcome.new)
