"""Which campaigns a world holds: thin."""

from __future__ import annotations

from stillwatch.compose.campaigns import registry, run
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import Ledger


def compose(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> tuple[int, int]:
    """Run the world's campaigns; how many accounts and calls they took."""
    suite = ledger.suite
    count = dice.whole(*suite.campaigns)
    if not count:
        return 0, 0
    share_a, share_e = dice.between(*suite.campaign_share) / count, dice.between(*suite.traffic_share) / count
    for number in range(count):
        run.run(
            ledger,
            dice.child(str(number)),
            dice.pick(registry.BUILTIN),
            f"campaign-{number + 1:02d}",
            max(3, int(accounts * share_a)),
            int(exchanges * share_e),
        )
    return len(ledger.accounts), len(ledger.calls.at)
