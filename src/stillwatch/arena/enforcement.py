"""What is in force against which account at which moment; and what that lets through.

Times are seconds from the start of the run. A closure is final. A challenge holds until it is passed; a throttle lets
a few calls a day through. Knows nothing of who an account belongs to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from stillwatch.arena.policy import Decision, Policy

HOUR_S, DAY_S = 3_600.0, 86_400.0
Account = tuple[str, str]


@dataclass(slots=True)
class Standing:
    """One account's: from when what is in force (None: never)."""

    closed_s: float | None = None
    challenged_s: float | None = None
    throttled_s: float | None = None
    passed_s: float | None = None
    days: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))


class Enforcement:
    """Takes decisions, answers for every call whether it is let through."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._standing: defaultdict[Account, Standing] = defaultdict(Standing)

    def take(self, decisions: Iterable[Decision], at_s: float) -> None:
        """Put decisions made at ``at_s`` into force once their lag is over; the earlier of two closures counts."""
        effect = at_s + self._policy.effect_lag_h * HOUR_S
        for decision in decisions:
            standing = self._standing[decision.account]
            if decision.action == "close" and standing.closed_s is None:
                standing.closed_s = effect
            elif decision.action == "challenge" and standing.challenged_s is None:
                lately = self._policy.challenge_again_days * DAY_S
                if standing.passed_s is None or at_s - standing.passed_s > lately:
                    standing.challenged_s = effect
            elif decision.action == "throttle" and standing.throttled_s is None:
                standing.throttled_s = effect

    def closed_s(self, account: Account) -> float | None:
        """When the account's closure takes or took effect."""
        return self._standing[account].closed_s if account in self._standing else None

    def challenged(self, account: Account, at_s: float) -> bool:
        since = self._standing[account].challenged_s if account in self._standing else None
        return since is not None and at_s >= since

    def throttled(self, account: Account, at_s: float) -> bool:
        since = self._standing[account].throttled_s if account in self._standing else None
        return since is not None and at_s >= since

    def passed(self, account: Account, at_s: float) -> None:
        """The account has proved what it was asked to prove."""
        standing = self._standing[account]
        standing.challenged_s, standing.passed_s = None, at_s

    def admit(self, account: Account, at_s: float) -> bool:
        """Whether a call of this account at this moment is answered. Counts it against a throttle if so."""
        if account not in self._standing:
            return True
        standing = self._standing[account]
        if standing.closed_s is not None and at_s >= standing.closed_s:
            return False
        if standing.challenged_s is not None and at_s >= standing.challenged_s:
            return False
        if standing.throttled_s is not None and at_s >= standing.throttled_s:
            day = int(at_s // DAY_S)
            if standing.days[day] >= self._policy.throttle_per_day:
                return False
            standing.days[day] += 1
        return True
