"""How an operator decides: news in, orders out. Pure, so that its properties can be tested without a word of text.

It knows what an operator can see from outside: which of its accounts stopped answering, what is left of its list and
its money, and when the next model comes out. It knows nothing of why it was found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import msgspec

Aspect = Literal["addresses", "clients", "payment", "email", "parameters", "templates"]
HOUR_S = 3_600.0


class Reactions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done after an enforcement is noticed. The defaults do nothing.

    ``replace``: accounts opened for each one lost (above 1: more than were lost), ``replace_lag_h`` hours later, from
    ``stock``. ``resume``: items a lost
    account had left go on elsewhere, no account taking more than ``stretch`` times its first rate. ``rotate``: what is
    changed, on every live account and for new ones. ``cells``: clusters are split in two until there are so many, each
    with its own infrastructure and wording. ``slow``: factor on the rate of every account, each time. ``blend``: share
    of organic talk mixed in from then on. ``paraphrase``: another wording for every request. ``pass_challenge``: share
    of challenges passed. ``sleep``: silent for ``sleep_h`` hours, or until the next model comes out (``sleep_h`` where
    none is announced).
    """

    replace: float = 0.0
    replace_lag_h: float = 12.0
    stock: Literal["fresh", "aged"] = "fresh"
    resume: bool = False
    stretch: float = 1.5
    rotate: tuple[Aspect, ...] = ()
    cells: int = 1
    slow: float = 1.0
    blend: float = 0.0
    paraphrase: bool = False
    pass_challenge: float = 0.0
    sleep: Literal["never", "hours", "release"] = "never"
    sleep_h: float = 48.0


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator sees at ``at_s``: accounts ``lost`` and ``hindered`` (throttled, challenged) since last time.

    ``live`` accounts, ``cells`` they are divided into, ``left`` items not obtained, ``money`` left, and when the next
    model comes out.
    """

    at_s: float
    lost: int
    hindered: int
    live: int
    cells: int
    left: int
    money: float
    next_release_s: float | None = None


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. Orders are wishes: the crew carries out what budget and money allow."""

    replace: int = 0
    ready_s: float = math.inf
    rotate: tuple[Aspect, ...] = ()
    split: bool = False
    pace: float = 1.0
    blend: float = 0.0
    paraphrase: bool = False
    wake_s: float | None = None


Decide = Callable[[Reactions, News], Orders]


def react(reactions: Reactions, news: News) -> Orders:
    """The built-in way: after any loss or hindrance do everything the file says; otherwise nothing."""
    if not news.lost and not news.hindered:
        return Orders()
    wake = None
    if reactions.sleep != "never":
        wake = news.at_s + reactions.sleep_h * HOUR_S
        if reactions.sleep == "release" and news.next_release_s is not None:
            wake = news.next_release_s
    return Orders(
        replace=math.ceil(news.lost * reactions.replace),
        ready_s=news.at_s + reactions.replace_lag_h * HOUR_S,
        rotate=reactions.rotate,
        split=news.cells < reactions.cells,
        pace=reactions.slow,
        blend=reactions.blend,
        paraphrase=reactions.paraphrase,
        wake_s=wake,
    )


class Purse:
    """Money that cannot be overspent."""

    __slots__ = ("money", "spent")

    def __init__(self, money: float) -> None:
        self.money, self.spent = money, 0.0

    @property
    def left(self) -> float:
        return self.money - self.spent

    def covers(self, amount: float) -> bool:
        return self.spent + amount <= self.money

    def pay(self, amount: float) -> bool:
        """Pay if there is enough left."""
        if not self.covers(amount):
            return False
        self.spent += amount
        return True
