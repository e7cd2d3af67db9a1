"""How much may be touched before a second person has to look: caps on accounts, traffic and revenue.

A campaign's new decisions by one rule go or wait as a whole: to act on a part of a campaign shows the rest that it
was seen. What a person approved does not use up the caps; what is not known of an account is not taken for zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from stillwatch.model import Decision
from stillwatch.policy.book import Book, account_of, enforced, was_held
from stillwatch.policy.rules import Cap, Policy
from stillwatch.policy.standing import Account, Standing
from stillwatch.policy.wishes import Wish

Group = tuple[str | None, str]  # campaign, rule
SHARES: tuple[tuple[str, str], ...] = (("traffic_share", "traffic"), ("revenue_share", "revenue"))


class Caps:
    """What has been touched so far, and what still may be; it adds up from call to call.

    An account touched before of which there is no standing counts as an account, and with no share: it was not seen
    in the window that shares are of.
    """

    def __init__(self, policy: Policy, book: Book, standings: Iterable[Standing]) -> None:
        self._policy = policy
        self._standing: dict[Account, Standing] = {}
        for standing in standings:
            self._standing.setdefault(standing.account, standing)
        since = book.now - timedelta(hours=policy.cap.window_h)
        standing_for = [d for ds in book.by_rule.values() for d in ds]
        self._waiting = {(d.campaign_id, d.rule) for d in standing_for if d.held}
        acting = [d for d in standing_for if enforced(d)]
        fresh = [d for d in acting if d.made_at > since and not was_held(d)]
        self._all = _Used.of(acting, fresh, lambda _: True)
        self._rules = {rule.name: _Used.of(acting, fresh, _by(rule.name)) for rule in policy.rules}

    def held(self, wishes: Sequence[Wish]) -> dict[Group, tuple[str, bool]]:
        """Of new wishes that touch accounts: which groups wait, why, and whether nothing milder may go either."""
        groups: defaultdict[Group, list[Wish]] = defaultdict(list)
        for wish in wishes:
            groups[wish.standing.campaign_id, wish.rule.name].append(wish)
        order = sorted(groups, key=lambda g: (-groups[g][0].standing.confidence, g[0] or "", g[1]))
        return {group: why for group in order if (why := self._weigh(group, groups[group]))}

    def _weigh(self, group: Group, wishes: Sequence[Wish]) -> tuple[str, bool] | None:
        accounts = {wish.standing.account for wish in wishes}
        rule, used = wishes[0].rule, self._rules[group[1]]
        if group in self._waiting:
            return "others of its campaign wait by the same rule", False
        over = self._all.over(self._policy.cap, accounts, self._standing)
        if over:
            return f"all rules together would touch {over}", True
        over = used.over(rule.cap, accounts, self._standing)
        if over:
            return f"rule {rule.name} would touch {over}", False
        self._all.add(accounts)
        used.add(accounts)
        return None


def _by(name: str) -> Callable[[Decision], bool]:
    return lambda decision: decision.rule == name


@dataclass
class _Used:
    """``known``: accounts already touched, whenever: they are not touched anew. ``recent``: those that count."""

    known: set[Account]
    recent: set[Account]

    @staticmethod
    def of(acting: Iterable[Decision], fresh: Iterable[Decision], ours: Callable[[Decision], bool]) -> _Used:
        return _Used({account_of(d) for d in acting if ours(d)}, {account_of(d) for d in fresh if ours(d)})

    def add(self, accounts: set[Account]) -> None:
        self.recent |= accounts - self.known
        self.known |= accounts

    def over(self, cap: Cap, accounts: set[Account], standing: Mapping[Account, Standing]) -> str:
        """What would go past the cap, empty where nothing does."""
        more = accounts - self.known
        if not more:
            return ""
        count = len(self.recent | more)
        if cap.accounts is not None and count > cap.accounts:
            return f"{count} accounts, {cap.accounts} may be"
        for name, what in SHARES:
            most = getattr(cap, name)
            says = "" if most is None else self._share(name, what, most, more, standing)
            if says:
                return says
        return ""

    def _share(
        self, name: str, what: str, most: float, more: set[Account], standing: Mapping[Account, Standing]
    ) -> str:
        shares = [getattr(standing[account], name) for account in more]
        unknown = sum(share is None for share in shares)
        if unknown:
            return f"{unknown} accounts whose share of {what} is not known, and {most:g} may be"
        before = (getattr(standing[a], name) for a in self.recent - more if a in standing)
        total = sum(shares) + sum(share for share in before if share is not None)
        return f"{total:.4g} of {what}, {most:g} may be" if total > most else ""
