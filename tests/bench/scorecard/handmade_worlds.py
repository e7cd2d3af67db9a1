"""A world and a scan of it, made by hand, so that every figure is known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.compose.truth import TRUTH_ACCOUNTS, TRUTH_EXCHANGES
from stillwatch.model import Campaign, InputSummary, Member, ModelPivot, ScanResult
from stillwatch.report import Report
from stillwatch.tables import ACCOUNT_SCORES

START = datetime(2026, 3, 1, tzinfo=UTC)
RELEASE = START + timedelta(days=5)


def account(name: str, **known: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(TRUTH_ACCOUNTS.names)
    return row | {
        "platform": "api",
        "account_id": name,
        "kind": "campaign" if "campaign" in known else "honest",
        **known,
    }


def ring(name: str, tactic: str, verdict: str, count: int) -> list[dict[str, Any]]:
    return [account(f"{name}-{i}", campaign=name, tactic=tactic, verdict=verdict) for i in range(count)]


def honest(kind: str, count: int, organisation: str | None = None) -> list[dict[str, Any]]:
    more = {} if organisation is None else {"organisation": organisation}
    return [account(f"{kind}-{i}", look_alike_class=kind, **more) for i in range(count)]


def planned(name: str, tactic: str, verdict: str, *, pivots: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "tactic": tactic,
        "verdict": verdict,
        "capabilities": {"coding": 0.75, "reasoning": 0.25},
        "top_capability": "coding",
        "pivots": [{"at": RELEASE.isoformat(), "to_model": "new", "share": 0.5}] if pivots else [],
        "harvest_exchanges": 0,
    }


def write_world(folder: Path, accounts: list[dict[str, Any]], campaigns: list[dict[str, Any]]) -> Path:
    """Two exchanges of every account; those of campaigns harvest with one of them."""
    (folder / "truth").mkdir(parents=True)
    exchanges, marks = [], []
    for row in accounts:
        for part in range(2):
            name = f"{row['account_id']}/{part}"
            exchanges.append({"exchange_id": name, "platform": "api", "account_id": row["account_id"]})
            harvest = part == 0 and row["verdict"] == "extraction"
            marks.append({"exchange_id": name, "harvest": harvest, "campaign": row["campaign"], "capability": None})
    for plan in campaigns:
        plan["harvest_exchanges"] = sum(mark["harvest"] for mark in marks if mark["campaign"] == plan["name"])
    pq.write_table(pa.Table.from_pylist(accounts, TRUTH_ACCOUNTS), folder / "truth" / "truth_accounts.parquet")
    pq.write_table(pa.Table.from_pylist(marks, TRUTH_EXCHANGES), folder / "truth" / "truth_exchanges.parquet")
    pq.write_table(pa.Table.from_pylist(exchanges), folder / "exchanges.parquet")
    (folder / "truth" / "truth_campaigns.json").write_text(json.dumps(campaigns))
    return folder


def member(name: str, probability: float = 1.0) -> Member:
    return Member(
        platform="api",
        account_id=name,
        probability=probability,
        accused=probability >= 0.9,
        exchanges=2,
        harvest_exchanges=1,
        first_seen=START,
        last_seen=START,
    )


def campaign(verdict: str, members: list[Member], confidence: float = 0.9, **more: Any) -> Campaign:
    plain: dict[str, Any] = {"extraction_exchanges": sum(m.accused for m in members), "model_pivots": ()}
    return Campaign(
        campaign_id="-".join([verdict, *(m.account_id for m in members)]),
        verdict=verdict,
        confidence=confidence,
        roster=tuple(members),
        exchanges=2 * len(members),
        first_seen=START,
        last_seen=START,
        platforms={"api": 1},
        models={"new": 1},
        capabilities={"coding": 0.5, "reasoning": 0.5},
        evidence=(),
        operator_bits=5.0,
        harvest_bits=5.0,
        **{**plain, **more},
    )


def pivot(model: str = "new", hours: float = 0.0) -> ModelPivot:
    return ModelPivot(at=RELEASE + timedelta(hours=hours), to_model=model, share=0.5)


def report(*campaigns: Campaign) -> Report:
    summary = InputSummary(exchanges=1, accounts=1, quarantined=0, first=START, last=START, missing_columns=())
    result = ScanResult(input=summary, campaigns=campaigns, lookalikes=(), not_applicable=(), model_first_seen={})
    return Report(result, pa.Table.from_pylist([], ACCOUNT_SCORES))
