"""Which campaigns a world holds and how large: drawn by seed, within the suite's knobs."""

from __future__ import annotations

from stillwatch.compose.campaigns import coordinated, resale
from stillwatch.compose.campaigns.plan import draw
from stillwatch.compose.campaigns.registry import BUILTIN, HELD_OUT, Tactic
from stillwatch.compose.campaigns.run import Campaign
from stillwatch.compose.dice import Dice
from stillwatch.compose.ledger import Ledger
from stillwatch.errors import ConfigError

LEAST = 9.0  # harvesting calls an account makes on average at least; the disclosed campaigns made hundreds


def tactics(ledger: Ledger) -> list[Tactic]:
    """The tactics this suite may use."""
    suite, known = ledger.suite, (*BUILTIN, *HELD_OUT)
    unknown = (set(suite.tactics) | set(suite.held_out_tactics)) - {tactic.name for tactic in known}
    if unknown:
        names = ", ".join(sorted(tactic.name for tactic in known))
        raise ConfigError(f"no tactic named {min(unknown)!r}", where="tactics", hint=f"one of {names}")
    chosen = [tactic for tactic in known if tactic.name not in suite.held_out_tactics]
    if suite.tactics:
        chosen = [tactic for tactic in known if tactic.name in suite.tactics]
    if not chosen:
        raise ConfigError("every tactic is held out", where="tactics", hint="hold out fewer")
    return chosen


def _lineup(dice: Dice, pool: list[Tactic], count: int) -> list[Tactic]:
    """Different tactics first, repeats only when there are more campaigns than tactics; one or two single accounts."""
    groups = [tactic for tactic in pool if not tactic.single] or pool
    singles = [tactic for tactic in pool if tactic.single]
    alone = min(count - 1, dice.whole(1, 2)) if singles and len(groups) > 1 and count > 3 else 0
    line: list[Tactic] = [dice.pick(singles) for _ in range(alone)]
    while len(line) < count:
        line += dice.shuffled(groups)[: count - len(line)]
    return line


def compose(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> tuple[int, int]:
    """Run the world's campaigns; how many accounts and calls they took."""
    suite = ledger.suite
    count = dice.whole(*suite.campaigns)
    if count:
        _extraction(ledger, dice, count, accounts, exchanges)
    for number in range(suite.resale_pools):
        size = max(4, int(accounts * dice.between(0.008, 0.02)))
        resale.run(
            ledger,
            dice.child(f"resale-{number}"),
            f"campaign-r{number + 1}",
            size,
            int(exchanges * dice.between(0.012, 0.03)),
            plain=number == 0,
        )
    for number in range(suite.coordinated):
        size = max(6, int(accounts * dice.between(0.004, 0.012)))
        coordinated.run(
            ledger, dice.child(f"coordinated-{number}"), f"campaign-c{number + 1}", size, size * dice.whole(6, 16)
        )
    return len(ledger.accounts), len(ledger.calls.at)


def _extraction(ledger: Ledger, dice: Dice, count: int, accounts: int, exchanges: int) -> None:
    suite = ledger.suite
    line = _lineup(dice, tactics(ledger), count)
    pool = accounts * dice.between(*suite.campaign_share)
    traffic = exchanges * dice.between(*suite.traffic_share)
    sizes = [0.0 if tactic.single else dice.between(*tactic.size) * dice.heavy(1.0, 0.45) for tactic in line]
    scale = pool / max(sum(sizes), 0.01)
    heads = [1 if tactic.single else max(3, int(size * scale)) for tactic, size in zip(line, sizes, strict=True)]
    rates = [dice.between(*tactic.rate) for tactic in line]
    alone = [traffic * dice.between(0.008, 0.035) if tactic.single else 0.0 for tactic in line]
    wanted = sum(head * rate for head, rate, tactic in zip(heads, rates, line, strict=True) if not tactic.single)
    per_call = (traffic - sum(alone)) / max(wanted, 1.0)
    for number, (tactic, head, rate, single) in enumerate(zip(line, heads, rates, alone, strict=True), 1):
        stream = dice.child(f"{number}-{tactic.name}")
        name = f"campaign-{number:02d}"
        plan = draw(stream, tactic, suite, name, ledger.calendar.days)
        calls = int(single) if tactic.single else int(head * max(rate * per_call, LEAST / (1.0 - plan.blend)))
        Campaign(ledger, stream, plan, head, calls).run()
