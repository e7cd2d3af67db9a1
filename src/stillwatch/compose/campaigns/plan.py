"""One campaign's plan: a value on every axis, drawn independently within what its tactic allows."""

from __future__ import annotations

import msgspec

from stillwatch.compose.campaigns.registry import Tactic
from stillwatch.compose.dice import Dice
from stillwatch.compose.knobs import Suite

# axis: values and weights. None of these shares is public (THREATS 3B): they are swept, not fitted.
AXES: dict[str, tuple[tuple[object, ...], tuple[float, ...]]] = {
    "infrastructure": (
        ("private_pool", "residential", "hosting_pool", "vpn", "mixture", "ordinary"),
        (4, 4, 3, 2, 3, 1),
    ),
    "payment": (("few_cards", "own", "virtual", "none"), (4, 3, 3, 2)),
    "born": (("burst", "spread", "aged"), (4, 3, 4)),
    "email": (("shape", "catchall", "freemail"), (3, 2, 5)),
    "wrapper": (("verbatim", "several", "per_account", "per_request", "bare", "system"), (3, 3, 3, 3, 3, 2)),
    "language": (("en", "en", "other", "several"), (6, 1, 1, 1)),
    "allocation": (("partition", "levelled", "resample"), (5, 3, 4)),
    "timing": (("flat", "office", "synchronised", "human", "slow", "served"), (3, 3, 3, 4, 1, 2)),
    "params": (("fixed", "jitter", "defaults"), (3, 4, 4)),
    "pivot": ((0.0, 0.5), (6, 4)),
    "bans": ((0.0, 0.08, 0.25), (4, 4, 3)),
    "failover": ((0.0, 0.01, 0.04), (4, 4, 3)),
    "blend": ((0.0, 0.1, 0.3, 0.8), (5, 2, 3, 2)),
    "platforms": (("api", "several"), (7, 3)),
    "clients": (("one", "few", "own"), (3, 4, 4)),
    "life": (("whole", "staggered", "short"), (5, 3, 3)),
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Axis values of one campaign; ``mix`` are its capabilities, ``draws`` how often an item is asked again."""

    name: str
    tactic: str
    mix: dict[str, float]
    turns: tuple[int, int]
    trace: bool
    infrastructure: str
    payment: str
    born: str
    email: str
    wrapper: str
    language: str
    allocation: str
    timing: str
    params: str
    pivot: float
    bans: float
    failover: float
    blend: float
    platforms: str
    clients: str
    life: str
    draws: int
    start_s: float
    operator_offset_h: float
    bank: str = "a"


def draw(dice: Dice, tactic: Tactic, suite: Suite, name: str, days: int) -> Plan:
    """Draw a plan for ``tactic``: allowed values where it names them, every value otherwise."""
    values: dict[str, object] = {}
    for axis, (options, weights) in AXES.items():
        allowed = tactic.axes.get(axis)
        values[axis] = dice.pick(allowed) if allowed else dice.weighted(options, weights)
    if suite.blend is not None:
        values["blend"] = suite.blend
    if not tactic.single:
        values |= suite.assumed.axes()
    early = dice.chance(0.65)
    return msgspec.convert(
        {
            **values,
            "name": name,
            "tactic": tactic.name,
            "mix": dice.pick(tactic.mixes),
            "turns": tactic.turns,
            "trace": tactic.trace,
            "draws": dice.whole(2, 8),
            "start_s": 0.0 if early else dice.between(0.5, days * 0.4) * 86_400.0,
            "operator_offset_h": dice.pick((8.0, 8.0, 3.0, 1.0, 5.5, -5.0, 0.0)),
            "bank": suite.wrapper_bank,
        },
        Plan,
    )
