"""Single people: chatters, script writers."""

from __future__ import annotations

from stillwatch.compose.crowd import converse, found
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import Account, Ledger
from stillwatch.compose.text import wrappers
from stillwatch.compose.calendar import burst, spread
from stillwatch.compose.network import OFFSET_H


def quotas(dice: Dice, accounts: int, exchanges: int, sd: float = 1.25) -> list[int]:
    """Heavy-tailed shares of ``exchanges`` over ``accounts``, at least one each."""
    raw = dice.array.lognormal(0.0, sd, max(1, accounts))
    return [max(1, int(value)) for value in raw / raw.sum() * exchanges]


def individuals(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    for quota in quotas(dice, accounts, exchanges):
        account = found(ledger, dice, "individual", kinds=("browser", "browser", "sdk"))
        converse(ledger, account, dice, quota, curve=dice.pick(("mixed", "evening", "office")))


def sweep(
    ledger: Ledger, account: Account, dice: Dice, prompts: list[str], *, task: str, system: str | None = None
) -> None:
    """Run a list through the model in a few machine-paced runs."""
    left = list(prompts)
    while left:
        part, left = left[: (size := dice.whole(5, max(6, len(prompts))))], left[size:]
        start = float(
            spread(
                dice, 1, ledger.calendar.days, OFFSET_H.get(account.country, 0.0), "mixed", max(0.0, account.created_s)
            )[0]
        )
        for at, prompt in zip(
            burst(dice, len(part), start, dice.heavy(6, 1.0, 0.4, 300), dice.pick((0.7, 2.0, 9.0))), part, strict=True
        ):
            ledger.call(account, float(at), prompt, task=task, system=system)


def script_users(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    for quota in quotas(dice, accounts, exchanges, 1.5):
        account = found(ledger, dice, "script_user", kinds=("sdk", "raw", "framework"))
        capability = dice.pick(("reasoning", "coding", "instruction_following", "data_analysis"))
        _, items = ledger.book.items(dice, capability, quota)
        dress = wrappers.personal(dice) if dice.chance(0.5) else wrappers.Dress()
        sweep(ledger, account, dice, [dress.put_on(item) for item in items], task="reason", system=dress.system)
