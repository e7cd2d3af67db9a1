"""One cluster of an operator's accounts: what they share, how they are opened, what they ask and when.

A cell is a composed campaign that is carried out piece by piece, so that an operator's traffic looks as composed
campaigns do; what is new here is that a cell can change its infrastructure and its wording under way.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stillwatch.arena.conduct import Aspect
from stillwatch.compose import network
from stillwatch.compose.calendar import DAY_S, HOUR_S
from stillwatch.compose.campaigns.payload import Payload
from stillwatch.compose.campaigns.plan import Plan
from stillwatch.compose.campaigns.recruit import Recruiter
from stillwatch.compose.campaigns.run import Campaign, Items
from stillwatch.compose.crowd import converse
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import Account, Ledger
from stillwatch.compose.signup import created
from stillwatch.compose.text.grammar import Voice

_ALL: tuple[Aspect, ...] = ("addresses", "clients", "payment", "email", "parameters")


class Cell(Campaign):
    """``size`` accounts are what its shared infrastructure is made for; times are seconds from the start."""

    def __init__(self, ledger: Ledger, dice: Dice, plan: Plan, size: int) -> None:
        super().__init__(ledger, dice, plan, size, 0)
        self._changed: dict[Aspect, Recruiter] = {}

    @property
    def blend(self) -> float:
        """Share of organic talk planned from the start."""
        return self._plan.blend

    @property
    def mix(self) -> dict[str, float]:
        """Capabilities it is after, and their shares."""
        return self._plan.mix

    def shares(self, exchanges: int) -> list[Items]:
        """The whole list, dealt: about ``exchanges`` calls, one share per account."""
        dice = self._dice
        spread_sd = dice.pick((0.15, 0.5, 0.9))
        quotas = [max(1, int(1_000 * dice.heavy(1.0, spread_sd, 0.05))) for _ in range(self._size)]
        return self._payload.deal(self._payload.jobs(exchanges), self._size, quotas)

    def staff(self, accounts: Iterable[Account]) -> None:
        """The accounts that stand in for each other."""
        self._members = list(accounts)

    def first(self, latest_s: float) -> Account:
        """An account of the opening stock, no younger than ``latest_s``."""
        account = self._open(None)
        account.created_s = min(account.created_s, latest_s)
        return account

    def replacement(self, ready_s: float, stock: str) -> Account:
        """One that works from ``ready_s`` on: opened for the purpose, or bought aged; with whatever was rotated."""
        dice = self._dice
        if stock == "aged":
            drawn = created(dice, 1) if dice.chance(0.8) else -dice.heavy(400.0, 0.5) * DAY_S
            born = min(drawn, ready_s - DAY_S)
        else:
            born = ready_s - dice.heavy(0.05, 1.0, 0.001, 0.5) * DAY_S
        account = self._open(born)
        self.refit(account, tuple(self._changed))
        return account

    def rotate(self, aspects: Iterable[Aspect]) -> None:
        """Another stock to draw these from, for accounts opened or refitted from now on."""
        wanted = set(aspects)
        if "templates" in wanted:
            self._payload = Payload(self._ledger.book, self._dice, self._plan)
        fresh = Recruiter(self._ledger, self._dice, self._plan, self._size)
        self._changed |= dict.fromkeys((aspect for aspect in _ALL if aspect in wanted), fresh)

    def paraphrase(self) -> None:
        """Another wording for every request from now on."""
        if self._plan.wrapper != "per_request":
            self._plan = msgspec.structs.replace(self._plan, wrapper="per_request")
            self._payload = Payload(self._ledger.book, self._dice, self._plan)

    def refit(self, account: Account, aspects: Iterable[Aspect]) -> None:
        """Give an account what the cell draws these aspects from now; e-mail and age cannot be changed later."""
        donors: dict[int, Account] = {}
        for aspect in aspects:
            source = self._changed.get(aspect)
            if source is None:
                continue
            if id(source) not in donors:
                donors[id(source)] = source.account(self._plan.tactic)
            _transplant(account, donors[id(source)], aspect)

    def adopt(self, account: Account) -> None:
        """Take an account over from another cell: it moves to this one's infrastructure and habits."""
        donor = self._recruiter.account(self._plan.tactic)
        for aspect in ("addresses", "clients", "parameters"):
            _transplant(account, donor, aspect)

    def moments(self, account: Account, count: int, first_s: float, last_s: float) -> list[float]:
        """When ``count`` items are asked, as the campaign's timing has it; at ``first_s`` or later, sorted."""
        if not count:
            return []
        start = min(max(first_s, account.created_s), last_s - 1.0)
        begin, end = self._life(start, last_s) if last_s - start > 2 * HOUR_S else (start, last_s)
        drawn = self._clumped(self._times(account, count, begin, end), end)
        return sorted(min(max(at, start), last_s) for at in drawn)

    def settle(self, dice: Dice) -> float:
        """Seconds an account of the opening stock waits before it works."""
        return dice.heavy(0.15, 1.2, 0.0, 3.0) * DAY_S

    def ask(self, account: Account, at_s: float, capability: str, item: str) -> None:
        """Ask one item, follow-ups and fail-over included, into the ledger."""
        self._ask(account, at_s, self._payload.job(account.index, capability, item))

    def chat(self, account: Account, count: int, first_s: float) -> None:
        """``count`` organic calls from ``first_s`` to the end of the world's window, into the ledger."""
        dice, really = self._dice, account.created_s
        account.created_s = max(first_s, really)  # talk begins no earlier than the account
        crowd = dice.chance(0.5)
        while count > 0:
            part = min(count, dice.whole(3, 30)) if crowd else count
            where = network.country(dice) if crowd else account.country
            voice = Voice(dice, network.LANGUAGE[where])
            converse(self._ledger, account, dice, part, voice=voice, curve=dice.pick(("mixed", "evening", "office")))
            count -= part
        account.created_s = really


def _transplant(account: Account, donor: Account, aspect: Aspect) -> None:
    theirs = donor.signup
    if aspect == "addresses":
        account.egress, account.sticky_s = donor.egress, donor.sticky_s
    elif aspect == "clients" and account.platform == donor.platform:
        # as many as before: what else an account does with each of its clients is settled when it first calls
        account.clients = tuple(donor.clients[i % len(donor.clients)] for i in range(len(account.clients)))
    elif aspect == "payment":
        account.signup = msgspec.structs.replace(
            account.signup,
            payment=theirs.payment,
            billing_country=theirs.billing_country,
            plan=theirs.plan,
            verification=theirs.verification,
        )
    elif aspect == "email":
        account.signup = msgspec.structs.replace(
            account.signup, email_domain=theirs.email_domain, email_shape=theirs.email_shape
        )
    elif aspect == "parameters":
        account.habit = donor.habit
