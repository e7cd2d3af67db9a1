"""What a composed world knows of itself, as the grader reads it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Account = tuple[str, str]
# honest classes that are one developer with a keyboard and a script
SOLO_DEVELOPERS = ("power_user", "script_user", "agent_client")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """``accounts``: (platform, account id) -> its row of ``truth_accounts``. ``planned``: ``truth_campaigns.json``.

    ``harvest_of``: exchanges of each account that harvest, empty where the exchanges were not there to count.
    """

    accounts: dict[Account, dict[str, Any]]
    planned: tuple[dict[str, Any], ...]
    harvest_of: dict[Account, int]

    @cached_property
    def members(self) -> dict[str, frozenset[Account]]:
        """Campaign -> its accounts, whatever it is about."""
        found: dict[str, set[Account]] = defaultdict(set)
        for name, row in self.accounts.items():
            if row["campaign"]:
                found[row["campaign"]].add(name)
        return {name: frozenset(own) for name, own in sorted(found.items())}

    @cached_property
    def about(self) -> dict[str, tuple[str, str]]:
        """Campaign -> (tactic, verdict)."""
        found = {}
        for name, own in self.members.items():
            row = self.accounts[min(own)]
            found[name] = (str(row["tactic"] or ""), str(row["verdict"] or ""))
        return found

    def of_verdict(self, verdict: str) -> frozenset[Account]:
        return frozenset(name for name, row in self.accounts.items() if row["verdict"] == verdict)

    @cached_property
    def honest(self) -> frozenset[Account]:
        return frozenset(name for name, row in self.accounts.items() if row["kind"] == "honest")

    @cached_property
    def organisations(self) -> dict[str, frozenset[Account]]:
        """Honest organisations and their accounts."""
        found: dict[str, set[Account]] = defaultdict(set)
        for name in self.honest:
            if self.accounts[name]["organisation"]:
                found[self.accounts[name]["organisation"]].add(name)
        return {name: frozenset(own) for name, own in found.items()}


def read_truth(world: Path) -> Truth:
    """From a world's directory."""
    rows = pq.read_table(world / "truth" / "truth_accounts.parquet").to_pylist()
    planned = json.loads((world / "truth" / "truth_campaigns.json").read_text(encoding="utf-8"))
    return Truth(
        accounts={(row["platform"], row["account_id"]): row for row in rows},
        planned=tuple(planned),
        harvest_of=_harvest_of(world),
    )


def _harvest_of(world: Path) -> dict[Account, int]:
    exchanges, marks = world / "exchanges.parquet", world / "truth" / "truth_exchanges.parquet"
    if not (exchanges.exists() and marks.exists()):
        return {}
    owner = pq.read_table(exchanges, columns=["exchange_id", "platform", "account_id"])
    harvest = pq.read_table(marks, columns=["exchange_id", "harvest"])
    joined = owner.join(harvest.filter(pc.field("harvest")), keys="exchange_id", join_type="inner")
    counted = joined.group_by(["platform", "account_id"]).aggregate([("exchange_id", "count")])
    platform, account, count = (
        counted.column(name).cast(kind).to_pylist()
        for name, kind in (("platform", pa.string()), ("account_id", pa.string()), ("exchange_id_count", pa.int64()))
    )
    return dict(zip(zip(platform, account, strict=True), count, strict=True))
