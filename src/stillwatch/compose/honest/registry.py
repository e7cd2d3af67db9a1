"""The look-alike classes and how much of a world's honest part each brings. Adding one is one entry."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stillwatch.compose.dice import Dice
from stillwatch.compose.honest import automation, groups, people
from stillwatch.compose.ledger import Ledger

Composer = Callable[[Ledger, Dice, int, int], None]


class LookAlike(msgspec.Struct, frozen=True, kw_only=True):
    """``share`` of the honest accounts, ``traffic`` of the honest exchanges (both relative weights)."""

    name: str
    compose: Composer
    share: float
    traffic: float


def _row(name: str, compose: Composer, share: float, traffic: float) -> LookAlike:
    return LookAlike(name=name, compose=compose, share=share, traffic=traffic)


BUILTIN: tuple[LookAlike, ...] = (
    _row("individual", people.individuals, 190, 215),
    _row("casual", people.casual, 40, 8),
    _row("carrier_nat", people.carrier_nat, 50, 46),
    _row("vpn_user", people.vpn_users, 32, 32),
    _row("relay_user", people.relay_users, 24, 15),
    _row("traveller", people.travellers, 14, 10),
    _row("power_user", people.power_users, 55, 66),
    _row("script_user", people.script_users, 110, 110),
    _row("agent_client", people.agent_users, 90, 130),
    _row("viral_prompt", people.viral, 28, 22),
    _row("reopened", people.reopened, 8, 8),
    _row("red_team", people.red_team, 3, 7),
    _row("saas_backend", automation.saas, 14, 60),
    _row("batch_labelling", automation.labelling, 16, 50),
    _row("translation_batch", automation.translation, 7, 18),
    _row("eval_harness", automation.evaluations, 18, 60),
    _row("judge", automation.judges, 8, 18),
    _row("rewriting_desk", automation.rewriting_desks, 5, 8),
    _row("dataset_builder", automation.dataset_builders, 12, 32),
    _row("monitor", automation.monitors, 5, 12),
    _row("academic_group", groups.academics, 9, 22),
    _row("class", groups.classes, 28, 26),
    _row("hackathon", groups.hackathons, 24, 22),
    _row("conference", groups.conferences, 20, 18),
    _row("enterprise", groups.enterprises, 56, 66),
    _row("startup_team", groups.startups, 22, 26),
    _row("family", groups.families, 22, 14),
    _row("byok_product", groups.byok, 36, 32),
    _row("agency_client", groups.agencies, 13, 13),
    _row("aggregator", groups.aggregators, 0.8, 16),
    _row("hosted_workflow", groups.hosted_keys, 14, 18),
)


def compose(ledger: Ledger, dice: Dice, accounts: int, exchanges: int) -> None:
    """Fill the world with about ``accounts`` honest accounts and ``exchanges`` calls; shares vary with the seed."""
    wanted = ledger.suite.look_alikes
    chosen = [item for item in BUILTIN if not wanted or item.name in wanted]
    tilt = [dice.heavy(1.0, 0.3, 0.4, 2.5) if item.share < 40 else 1.0 for item in chosen]
    shares = sum(item.share * lean for item, lean in zip(chosen, tilt, strict=True))
    traffic = sum(item.traffic * lean for item, lean in zip(chosen, tilt, strict=True))
    for item, lean in zip(chosen, tilt, strict=True):
        count = max(1, round(accounts * item.share * lean / shares))
        item.compose(ledger, dice.child(item.name), count, max(count, round(exchanges * item.traffic * lean / traffic)))
