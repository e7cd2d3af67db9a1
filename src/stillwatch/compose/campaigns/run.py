"""Carry a campaign out: thin."""

from __future__ import annotations

from stillwatch.compose import habits, network
from stillwatch.compose.calendar import DAY_S, spread
from stillwatch.compose.campaigns.registry import Tactic
from stillwatch.compose.crowd import found
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import CampaignTruth, Ledger
from stillwatch.compose.text import wrappers


def run(ledger: Ledger, dice: Dice, tactic: Tactic, name: str, accounts: int, exchanges: int) -> None:
    truth = CampaignTruth(name=name, tactic=tactic.name, verdict="extraction", capabilities=dict(tactic.capabilities))
    ledger.campaigns.append(truth)
    capability = max(tactic.capabilities, key=lambda key: tactic.capabilities[key])
    _, items = ledger.book.items(dice, capability, exchanges)
    dress = wrappers.dress(dice, capability)
    pool = [network.proxy_line(dice, network.country(dice)) for _ in range(max(2, accounts // 6))]
    habit = habits.own(dice)
    share = max(1, len(items) // accounts)
    for number in range(accounts):
        account = found(ledger, dice, tactic.name, egress=(dice.pick(pool),), kinds=("sdk", "raw"), habit=habit,
                        created_s=dice.between(-20, 4) * DAY_S)  # fmt: skip
        account.campaign, account.verdict = name, "extraction"
        account.closed_s = None
        part = items[number * share : (number + 1) * share]
        for at, item in zip(
            spread(dice, len(part), ledger.calendar.days, 0, "flat", max(0, account.created_s)), part, strict=True
        ):
            ledger.call(
                account,
                float(at),
                dress.put_on(item),
                task="reason",
                system=dress.system,
                harvest=True,
                capability=capability,
            )
            truth.planned_harvest += 1
