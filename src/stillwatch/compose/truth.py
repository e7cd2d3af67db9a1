"""What was really so: labels per account, exchange and campaign, kept apart from the tables a scan may see."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from stillwatch.compose.calendar import DAY_S
from stillwatch.compose.habits import NEW_MODELS
from stillwatch.compose.ledger import Account, CampaignTruth, Ledger

TRUTH_ACCOUNTS = pa.schema(
    [
        (name, pa.string())
        for name in (
            "platform",
            "account_id",
            "kind",
            "campaign",
            "tactic",
            "look_alike_class",
            "verdict",
            "organisation",
        )
    ]
)
TRUTH_EXCHANGES = pa.schema(
    [("exchange_id", pa.string()), ("harvest", pa.bool_()), ("campaign", pa.string()), ("capability", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Truth:
    accounts: pa.Table
    exchanges: pa.Table
    campaigns: list[dict[str, object]]


def of(ledger: Ledger, table: pa.Table, order: np.ndarray) -> Truth:
    """The truth of a composed ledger; ``order`` is the call behind each row of ``table``."""
    calls = ledger.calls
    owners = [ledger.accounts[calls.account[call]] for call in order.tolist()]
    harvest = [calls.harvest[call] for call in order.tolist()]
    capability = [calls.capability[call] for call in order.tolist()]
    exchanges = pa.table(
        {
            "exchange_id": table["exchange_id"].combine_chunks(),
            "harvest": pa.array(harvest),
            "campaign": pa.array([owner.campaign for owner in owners], pa.string()),
            "capability": pa.array(capability),
        },
        schema=TRUTH_EXCHANGES,
    )
    return Truth(
        accounts=_accounts(ledger, sorted({owner.index for owner in owners})),
        exchanges=exchanges,
        campaigns=[_campaign(ledger, campaign, table, order) for campaign in ledger.campaigns],
    )


def _row(ledger: Ledger, account: Account) -> dict[str, str | None]:
    ours = account.campaign is not None
    return {
        "platform": account.platform,
        "account_id": ledger.names.of("account", account.index),
        "kind": "campaign" if ours else "honest",
        "campaign": account.campaign,
        "tactic": account.label if ours else None,
        "look_alike_class": None if ours else account.label,
        "verdict": account.verdict,
        "organisation": account.organisation,
    }


def _accounts(ledger: Ledger, active: list[int]) -> pa.Table:
    rows = [_row(ledger, ledger.accounts[index]) for index in active]
    rows.sort(key=lambda row: (str(row["platform"]), str(row["account_id"])))
    return pa.Table.from_pylist(rows, schema=TRUTH_ACCOUNTS)


def _pivots(ledger: Ledger, models: list[tuple[float, str]]) -> list[dict[str, object]]:
    """A new model that took at least a third of the campaign's calls within a day of its release."""
    found = []
    for model, release in zip(NEW_MODELS, ledger.calendar.releases, strict=False):
        after = [name for at, name in models if release <= at < release + DAY_S]
        share = after.count(model) / len(after) if len(after) >= 10 else 0.0
        if share >= 0.33:
            first = min(at for at, name in models if name == model)
            found.append({"at": ledger.calendar.at(first).isoformat(), "to_model": model, "share": round(share, 4)})
    return found


def _campaign(ledger: Ledger, campaign: CampaignTruth, table: pa.Table, order: np.ndarray) -> dict[str, object]:
    calls = ledger.calls
    request_models = table["request_model"].to_pylist()
    mix: Counter[str] = Counter()
    models: list[tuple[float, str]] = []
    members: dict[int, int] = defaultdict(int)
    for row, call in enumerate(order.tolist()):
        owner = ledger.accounts[calls.account[call]]
        if owner.campaign != campaign.name:
            continue
        members[owner.index] += 1
        models.append((calls.at[call], str(request_models[row])))
        if calls.harvest[call]:
            mix[calls.capability[call]] += 1
    harvested = sum(mix.values())

    def name(index: int) -> list[str]:
        return [ledger.accounts[index].platform, ledger.names.of("account", index)]

    return {
        "name": campaign.name,
        "tactic": campaign.tactic,
        "verdict": campaign.verdict,
        "capabilities": {key: round(value / harvested, 4) for key, value in mix.most_common()},
        "top_capability": mix.most_common(1)[0][0] if mix else None,
        "pivots": _pivots(ledger, models),
        "successions": [
            {
                "closed": name(old),
                "successor": name(new),
                "closed_at": ledger.calendar.at(when).isoformat(),
                "resumed_at": ledger.calendar.at(then).isoformat(),
            }
            for old, new, when, then in campaign.successions
            if old in members and new in members
        ],
        "planned_harvest": campaign.planned_harvest,
        "exchanges": sum(members.values()),
        "harvest_exchanges": harvested,
        "axes": campaign.axes,
        "accounts": sorted(name(index) for index in members),
    }


def about(ledger: Ledger, seed: int, exchanges: int, *, corpus: bool, version: str) -> dict[str, object]:
    """``world.json``: how to compose this world again."""
    return {
        "seed": seed,
        "suite": ledger.suite.name,
        "exchanges_asked": exchanges,
        "corpus": corpus,
        "composer": version,
        "start": ledger.calendar.start.isoformat(),
        "days": ledger.calendar.days,
        "releases": {
            model: ledger.calendar.at(at).isoformat()
            for model, at in zip(NEW_MODELS, ledger.calendar.releases, strict=False)
        },
        "knobs": msgspec.to_builtins(ledger.suite),
    }
