"""What the rules ask for, account by account, before caps: the wishes.

Protected accounts and those a person let go keep their wish as an observation, and it is said what they were spared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillwatch.model import Action, Mode
from stillwatch.policy.book import Book
from stillwatch.policy.dice import share_of
from stillwatch.policy.holding import holds, shields
from stillwatch.policy.outcome import Spared
from stillwatch.policy.rules import Policy, Rule, rank, touches
from stillwatch.policy.standing import Account, Standing


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A rule's action for an account. ``action`` is milder than the rule's where the account is spared."""

    rule: Rule
    standing: Standing
    action: Action
    simulated: bool
    note: str = ""  # why it is milder

    @property
    def value(self) -> float | None:
        return self.rule.value if self.action == self.rule.action else None

    @property
    def rank(self) -> tuple[int, float]:
        return rank(self.action, self.value)

    @property
    def counts(self) -> bool:
        """Whether it touches an account for real."""
        return not self.simulated and touches(self.action)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """How far decisions reach: ``mode``, and in ``staged`` the ``share`` of accounts, drawn by ``key``."""

    mode: Mode
    share: float
    key: bytes

    def simulates(self, account: Account) -> bool:
        """Whether decisions on this account are recorded only. Never so for a larger share and not for a smaller."""
        if self.mode == "staged":
            return share_of(self.key, "stage", *account) >= self.share
        return self.mode != "armed"


def wishes(
    policy: Policy, standings: Iterable[Standing], book: Book, now: datetime, stage: Stage
) -> tuple[dict[Account, list[Wish]], list[Spared]]:
    """Every account's wishes, strongest first, and what was spared (the strongest per account and reason).

    Of equally strong ones, one that has been decided before comes first, then the more certain.
    """
    found: defaultdict[Account, list[Wish]] = defaultdict(list)
    spared: dict[tuple[Account, str], Spared] = {}
    for rule, standing in _holding(policy, standings, book, now):
        account = standing.account
        note = _note(policy, rule, standing, book, now)
        action: Action = "observe" if note else rule.action
        simulated = not touches(action) or stage.simulates(account)
        wish = Wish(rule=rule, standing=standing, action=action, simulated=simulated, note=note)
        if note:
            _spare(spared, wish)
        found[account].append(wish)
    return {account: _sorted(found[account], book) for account in sorted(found)}, list(spared.values())


def _holding(
    policy: Policy, standings: Iterable[Standing], book: Book, now: datetime
) -> Iterable[tuple[Rule, Standing]]:
    """Rules and the standings they reach. Slack is given where the same was decided before."""
    of_campaign: defaultdict[str, list[Standing]] = defaultdict(list)
    met: dict[tuple[str, str], Rule] = {}
    for standing in standings:
        campaign_id = standing.campaign_id
        if campaign_id is None:
            continue
        of_campaign[campaign_id].append(standing)
        for rule in policy.rules:
            slack = policy.slack if book.acts_on(standing.account, campaign_id, rule.action) else 0.0
            if not holds(rule, standing, now, slack):
                continue
            if rule.scope == "campaign":
                met[campaign_id, rule.name] = rule
            else:
                yield rule, standing
    for (campaign_id, _), rule in sorted(met.items()):
        for standing in of_campaign[campaign_id]:
            if standing.accused or standing.recognised or not touches(rule.action):
                yield rule, standing


def _note(policy: Policy, rule: Rule, standing: Standing, book: Book, now: datetime) -> str:
    """Why the account is spared, empty where it is not."""
    if not touches(rule.action):
        return ""
    for protection in policy.protected:
        if shields(protection, standing, now):
            return f"protected until {protection.until.isoformat()}: {protection.reason}"
    undone = book.refused.get((standing.account, standing.campaign_id))
    if undone is None:
        return ""
    return f"{undone.undone_by} undid {undone.action} until {undone.expires_at.isoformat()}: {undone.undone_because}"


def _spare(spared: dict[tuple[Account, str], Spared], wish: Wish) -> None:
    rule, standing, key = wish.rule, wish.standing, (wish.standing.account, wish.note)
    if key in spared and rank(spared[key].action) >= rank(rule.action):
        return
    spared[key] = Spared(
        platform=standing.platform,
        account_id=standing.account_id,
        action=rule.action,
        rule=rule.name,
        campaign_id=standing.campaign_id,
        because=wish.note,
    )


def _sorted(found: Sequence[Wish], book: Book) -> list[Wish]:
    def order(wish: Wish) -> tuple[object, ...]:
        standing = wish.standing
        before = book.acts_on(standing.account, standing.campaign_id, wish.action)
        return wish.rank, before, standing.confidence, standing.probability, standing.campaign_id, wish.rule.name

    return sorted(found, key=order, reverse=True)
