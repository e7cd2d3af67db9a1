"""When the rules touch too many who look honest, they go back to shadow by themselves.

Nobody knows who is honest; these are signs of it. A sign an attacker can make (a passed challenge) has a larger
budget than one that a person checked (a granted appeal). What is not reported is not counted: where nobody enters
appeals, that budget protects nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from stillwatch.model import Decision
from stillwatch.policy.book import account_of, enforced
from stillwatch.policy.outcome import fell_away
from stillwatch.policy.rules import Budget
from stillwatch.policy.standing import Account, Standing
from stillwatch.policy.undo import UndoPlan, undo_everything

SignKind = Literal["appeals_won", "challenges_passed", "fell_away", "vouched"]
SAYS: dict[SignKind, str] = {
    "appeals_won": "won an appeal",
    "challenges_passed": "passed a challenge",
    "fell_away": "lost their verdict at a later mining",
    "vouched": "have an enterprise plan or a verified organisation",
}


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """Something that speaks for the honesty of an account that was touched."""

    kind: SignKind
    platform: str
    account_id: str
    at: datetime


class Disarm(msgspec.Struct, frozen=True, kw_only=True):
    """Go back to shadow: why, over which accounts, and what to undo."""

    because: str
    accounts: tuple[Account, ...]
    touched: int
    undo: UndoPlan


def signs_of(decisions: Iterable[Decision], standings: Iterable[Standing], now: datetime) -> list[Sign]:
    """The signs that can be told without anybody reporting them: fallen verdicts, and vouched accounts touched.

    Appeals and passed challenges come from whoever hears of them. A decision that never began touched nobody.
    """
    vouched = {standing.account for standing in standings if standing.vouched}
    found: list[Sign] = []
    for decision in decisions:
        if not _touched(decision, now):
            continue
        platform, account_id = account = account_of(decision)
        if decision.undone_at is not None and fell_away(decision):
            found.append(Sign(kind="fell_away", platform=platform, account_id=account_id, at=decision.undone_at))
        if account in vouched:
            found.append(Sign(kind="vouched", platform=platform, account_id=account_id, at=decision.starts_at))
    return sorted(found, key=lambda sign: (sign.at, sign.kind, sign.platform, sign.account_id))


def disarm(budget: Budget, decisions: Sequence[Decision], signs: Iterable[Sign], now: datetime) -> Disarm | None:
    """Whether the budget is spent: then why, and the plan that undoes what rules enforce. None: all is well.

    ``decisions``: all that were made in the window, undone ones too. Signs about accounts that rules did not touch in
    the window are passed over, so that nobody disarms by appealing against nothing.
    """
    since = now - timedelta(hours=budget.window_h)
    touched = {account_of(d) for d in decisions if d.origin == "rule" and _touched(d, now) and _ended(d) > since}
    seen: defaultdict[SignKind, set[Account]] = defaultdict(set)
    for sign in signs:
        account = sign.platform, sign.account_id
        if since < sign.at <= now and account in touched:
            seen[sign.kind].add(account)
    because = _spent(budget, seen, len(touched))
    if not because:
        return None
    plan = undo_everything(decisions, now, because, persons=False)
    accounts = tuple(sorted(set().union(*seen.values())))
    return Disarm(because=because, accounts=accounts, touched=len(touched), undo=plan)


def _touched(decision: Decision, now: datetime) -> bool:
    """Whether an account was treated unlike others because of it, at any time until now."""
    begun = enforced(decision) and decision.starts_at <= now
    return begun and (decision.undone_at is None or decision.undone_at > decision.starts_at)


def _ended(decision: Decision) -> datetime:
    return min(decision.expires_at, decision.undone_at or decision.expires_at)


def _spent(budget: Budget, seen: dict[SignKind, set[Account]], touched: int) -> str:
    """What is over budget, empty where nothing is."""
    over: list[str] = []
    for kind in get_args(SignKind):
        most, count = getattr(budget, kind), len(seen.get(kind, ()))
        if most is not None and count > most:
            over.append(f"{count} accounts {SAYS[kind]}, {most} may")
    counted = [accounts for kind, accounts in seen.items() if getattr(budget, kind) is not None]
    every = len(set().union(*counted))
    if budget.accounts is not None and every > budget.accounts:
        over.append(f"{every} touched accounts look honest, {budget.accounts} may")
    if budget.share is not None and touched >= max(1, budget.share_from) and every > budget.share * touched:
        over.append(f"{every} of {touched} touched accounts look honest, a share of {budget.share:g} may")
    return "; ".join(over)
