"""A pool of accounts resold: one operator, many unrelated customers behind it, load spread over the accounts.

Customers' talks move between accounts when one is busy. In some pools one customer harvests; the pool counts as
extraction only where that customer makes up more than three tenths of the calls.
"""

from __future__ import annotations

import msgspec

from stillwatch.compose import network
from stillwatch.compose.calendar import sessions, think_s
from stillwatch.compose.campaigns.payload import Payload
from stillwatch.compose.campaigns.plan import draw
from stillwatch.compose.campaigns.recruit import Recruiter
from stillwatch.compose.campaigns.registry import BY_NAME
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import Account, CampaignTruth, Ledger
from stillwatch.compose.text.grammar import Voice
from stillwatch.compose.text.words import AGENT_TOOLS, TOOLS

LIMIT = 0.3


class _Pool:
    def __init__(self, ledger: Ledger, dice: Dice, name: str, accounts: int) -> None:
        self.ledger, self.dice, self.name = ledger, dice, name
        self.plan = draw(dice, BY_NAME["coding_sweep"], ledger.suite, name, ledger.calendar.days)
        self.plan = msgspec.structs.replace(self.plan, pivot=0.0, blend=0.0)
        recruiter = Recruiter(ledger, dice, self.plan, accounts)
        self.accounts = [recruiter.account("resale") for _ in range(accounts)]
        self.passes_user = dice.chance(0.4)
        self.sticky = dice.pick((0.97, 0.9, 0.6))
        for account in self.accounts:
            account.created_s = min(account.created_s, ledger.calendar.end_s * 0.4)

    def serving(self, at: float, before: Account | None = None) -> Account:
        """The account that takes the next call: the same one while it lasts, else any that is open."""
        if before is not None and self.dice.chance(self.sticky):
            return before
        open_now = [account for account in self.dice.sample(self.accounts, 12) if account.created_s < at]
        return self.dice.pick(open_now or self.accounts)


def run(ledger: Ledger, dice: Dice, name: str, accounts: int, exchanges: int, *, plain: bool) -> None:
    """Compose one pool of ``accounts`` with about ``exchanges`` calls; a ``plain`` one never counts as extraction."""
    pool = _Pool(ledger, dice, name, accounts)
    harvest_share = dice.weighted((0.0, dice.between(0.08, 0.25), dice.between(0.4, 0.6)), (6, 3, 0 if plain else 1))
    verdict = "extraction" if harvest_share > LIMIT else "resale"
    truth = CampaignTruth(
        name=name, tactic="resale", verdict=verdict, capabilities={}, axes={"harvest_share": round(harvest_share, 3)}
    )
    ledger.campaigns.append(truth)
    for account in pool.accounts:
        account.verdict = verdict
    left = int(exchanges * (1.0 - harvest_share))
    while left > 0:
        left -= _customer(pool, min(left, int(dice.heavy(14.0, 1.2, 1, 900))))
    if harvest_share:
        truth.planned_harvest = _harvesting_customer(pool, int(exchanges * harvest_share))


def _customer(pool: _Pool, count: int) -> int:
    ledger, dice = pool.ledger, pool.dice
    country = network.country(dice)
    voice = Voice(dice, network.LANGUAGE[country], dice.pick((0.1, 0.4, 0.9)))
    user = dice.token(10) if pool.passes_user else None
    system = ledger.book.persona(dice) if dice.chance(0.4) else None
    tools = dice.weighted((None, AGENT_TOOLS, tuple(dice.sample(TOOLS, 4))), (6, 3, 1))
    made = 0
    for start in sessions(
        dice, count, ledger.calendar.days, network.OFFSET_H[country], dice.pick(("mixed", "evening", "office"))
    ):
        if made >= count:
            break
        length = min(count - made, max(1, int(dice.heavy(4.0, 0.9, 1, 40))))
        made += length
        _talk(pool, start, ledger.book.chat(dice, voice, length), system, tools, user)
    return count


def _talk(
    pool: _Pool, at: float, prompts: list[str], system: str | None, tools: tuple[str, ...] | None, user: str | None
) -> None:
    conversation = pool.ledger.conversation()
    account = pool.serving(at)
    for depth, prompt in enumerate(prompts, 1):
        if pool.dice.chance(0.02):
            pool.ledger.call(
                account,
                at,
                prompt,
                system=system,
                tools=tools,
                conversation=conversation,
                depth=depth,
                end_user=user,
                status=429,
            )
            at += pool.dice.between(0.5, 6.0)
            account = pool.dice.pick(pool.accounts)
        pool.ledger.call(
            account,
            at,
            prompt,
            task="follow" if depth > 1 else "chat",
            system=system,
            tools=tools,
            conversation=conversation,
            depth=depth,
            end_user=user,
        )
        at += think_s(pool.dice)
        account = pool.serving(at, account)


def _harvesting_customer(pool: _Pool, count: int) -> int:
    ledger, dice = pool.ledger, pool.dice
    payload = Payload(ledger.book, dice, pool.plan)
    items = payload.jobs(count)[:count]
    before = len(ledger.calls.at)
    starts = sessions(
        dice, len(items), ledger.calendar.days, pool.plan.operator_offset_h, dice.pick(("flat", "office"))
    )
    for at, (capability, item) in zip(starts, items, strict=True):
        account = pool.serving(at)
        job = payload.job(0, capability, item)
        ledger.call(
            account,
            at,
            job.turns[0],
            task=job.task,
            system=job.system,
            tools=job.tools,
            images=job.images,
            harvest=True,
            capability=capability,
        )
    return len(ledger.calls.at) - before
