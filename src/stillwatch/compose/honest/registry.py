"""The look-alike classes and how many of a world's honest accounts each brings. Adding one is one entry."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stillwatch.compose.dice import Dice
from stillwatch.compose.honest import people
from stillwatch.compose.ledger import Ledger

Composer = Callable[[Ledger, Dice, int, int], None]


class LookAlike(msgspec.Struct, frozen=True, kw_only=True):
    """``share`` of the honest accounts, ``traffic`` of the honest exchanges (both relative weights)."""

    name: str
    compose: Composer
    share: float
    traffic: float


BUILTIN: tuple[LookAlike, ...] = (
    LookAlike(name="individual", compose=people.individuals, share=60, traffic=40),
    LookAlike(name="script_user", compose=people.script_users, share=20, traffic=25),
)


def compose(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Fill the world with ``accounts`` honest accounts and about ``exchanges`` calls."""
    chosen = [item for item in BUILTIN if not ledger.suite.look_alikes or item.name in ledger.suite.look_alikes]
    shares, traffic = sum(item.share for item in chosen), sum(item.traffic for item in chosen)
    for item in chosen:
        count = max(1, round(accounts * item.share / shares))
        item.compose(ledger, dice.child(item.name), count, max(count, round(exchanges * item.traffic / traffic)))
