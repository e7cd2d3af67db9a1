"""Accounts under one operator whose purpose stays unclear: farmed free credit, kept warm with small talk and tests."""

from __future__ import annotations

import msgspec

from stillwatch.compose.calendar import spread
from stillwatch.compose.campaigns.plan import draw
from stillwatch.compose.campaigns.recruit import Recruiter
from stillwatch.compose.campaigns.registry import BY_NAME
from stillwatch.compose.crowd import converse
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import CampaignTruth, Ledger
from stillwatch.compose.network import OFFSET_H
from stillwatch.compose.text.grammar import fill

_PINGS = (
    "hello",
    "test",
    "are you there?",
    "say hi",
    "what model are you?",
    "ping {n2}",
    "tell me something about {topic}",
    "1+{n}",
)


def run(ledger: Ledger, dice: Dice, name: str, accounts: int, exchanges: int) -> None:
    """Compose one farm of ``accounts``."""
    plan = draw(dice, BY_NAME["signup_wave"], ledger.suite, name, ledger.calendar.days)
    plan = msgspec.structs.replace(
        plan,
        bans=0.0,
        pivot=0.0,
        payment="none",
        infrastructure=dice.pick(("private_pool", "hosting_pool", "residential")),
    )
    recruiter = Recruiter(ledger, dice, plan, accounts)
    ledger.campaigns.append(CampaignTruth(name=name, tactic="credit_farming", verdict="coordinated", capabilities={}))
    for _ in range(accounts):
        account = recruiter.account("credit_farming")
        account.created_s = min(account.created_s, ledger.calendar.end_s * 0.6)
        account.verdict = "coordinated"
        quota = max(2, int(exchanges / accounts * dice.heavy(1.0, 0.5)))
        first = max(0.0, account.created_s)
        for at in spread(dice, quota // 2 + 1, ledger.calendar.days, OFFSET_H[account.country], "mixed", first):
            ledger.call(account, float(at), fill(dice, dice.pick(_PINGS)))
        converse(ledger, account, dice, quota // 2)
