"""Plans to undo: which decisions, and what undoing each restores and does not. Carrying one out is the store's.

Undoing one decision or a campaign's is a person's judgement about accounts: rules do not decide the same again until
the undone decision would have ended. Undoing a rule version or everything is a judgement about rules: once they are
armed again, they decide again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from stillwatch.model import ACTIONS, Decision
from stillwatch.policy.book import account_of, in_force
from stillwatch.policy.outcome import DISARMED
from stillwatch.policy.rules import INVERSES


class UndoPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What will be undone. ``ids`` and ``because`` are what to give the store.

    ``accounts``: how many are concerned; ``released``: how many of them are treated unlike others now. ``restores``:
    by action of the ladder, what undoing it restores. ``missing``: why there is nothing to undo, if so.
    """

    what: str
    ids: tuple[str, ...]
    because: str
    accounts: int
    released: int
    actions: dict[str, int]
    restores: dict[str, str]
    missing: str = ""


def undo_decision(decisions: Iterable[Decision], decision_id: str, now: datetime, because: str) -> UndoPlan:
    """Undo one decision, whoever made it."""
    found = [decision for decision in decisions if decision.decision_id == decision_id]
    return _plan(f"decision {decision_id}", found, now, because, lambda _: True)


def undo_campaign(decisions: Iterable[Decision], campaign_id: str, now: datetime, because: str) -> UndoPlan:
    """Undo everything decided for a campaign, held and simulated decisions too."""
    return _plan(f"campaign {campaign_id}", decisions, now, because, lambda d: d.campaign_id == campaign_id)


def undo_version(decisions: Iterable[Decision], rule_version: str, now: datetime, because: str) -> UndoPlan:
    """Undo everything a version of the rules decided; what persons decided stays."""
    text = f"{DISARMED}{because}"
    return _plan(
        f"rule version {rule_version}",
        decisions,
        now,
        text,
        lambda d: d.rule_version == rule_version and d.origin == "rule",
    )


def undo_everything(decisions: Iterable[Decision], now: datetime, because: str, *, persons: bool = True) -> UndoPlan:
    """Undo all that stands. ``persons``: what persons decided as well (``stillwatch disarm``), or the rules' alone."""
    return _plan(
        "everything" if persons else "everything that rules decided",
        decisions,
        now,
        f"{DISARMED}{because}",
        lambda d: persons or d.origin == "rule",
    )


def _plan(
    what: str, decisions: Iterable[Decision], now: datetime, because: str, ours: Callable[[Decision], bool]
) -> UndoPlan:
    asked = [decision for decision in decisions if ours(decision)]
    standing = [decision for decision in asked if decision.undone_at is None and decision.expires_at > now]
    standing.sort(key=lambda d: (d.made_at, d.decision_id))
    actions = Counter(decision.action for decision in standing)
    ended = f"all {len(asked)} are undone already, or ended by themselves"
    return UndoPlan(
        what=what,
        ids=tuple(decision.decision_id for decision in standing),
        because=because,
        accounts=len({account_of(decision) for decision in standing}),
        released=len({account_of(decision) for decision in standing if in_force(decision, now)}),
        actions={action: actions[action] for action in ACTIONS if actions[action]},
        restores={action: INVERSES[action] for action in ACTIONS if actions[action]},
        missing="" if standing else (ended if asked else "no such decision is known"),
    )
