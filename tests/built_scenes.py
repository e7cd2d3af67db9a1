"""Small logs written by hand, and what the stages before detection make of them. No corpus, no files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch import pipeline
from stillwatch.campaigns.weights import Weights
from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.operators.affinity import affinity
from stillwatch.tables import ACCOUNTS, EXCHANGES
from stillwatch.tally.facts import Facts, build_facts
from stillwatch.tally.roster import Roster, build_roster
from stillwatch.text import load_model

START = datetime(2026, 3, 2, tzinfo=UTC)
Row = dict[str, Any]


def exchange(number: int, account: str, hour: float, **columns: Any) -> Row:
    """One exchange ``hour`` hours after ``START``; what is not given is null."""
    return {
        "exchange_id": f"x{number:06d}",
        "started_at": START + timedelta(hours=hour),
        "platform": "api",
        "account_id": account,
        "request_model": "frontier-1",
        **columns,
    }


def exchanges_of(rows: Iterable[Row]) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in EXCHANGES.names} for row in rows], schema=EXCHANGES)


def accounts_of(rows: Iterable[Row]) -> pa.Table:
    return pa.Table.from_pylist(
        [{"platform": "api", **{name: None for name in ACCOUNTS.names if name != "platform"}, **row} for row in rows],
        schema=ACCOUNTS,
    )


def prints_of(exchanges: pa.Table, batch: int = 65_536) -> pa.Table:
    """Fingerprints, batch by batch."""
    return pipeline.fingerprints(exchanges.to_batches(max_chunksize=batch), load_model(), b"test")


def roster_of(prints: pa.Table, accounts: pa.Table | None = None) -> Roster:
    names = {name: prints.column(name).cast(pa.string()) for name in ("platform", "account_id")}
    return build_roster(pa.table({**names, "org_key": prints.column("org_key")}), accounts)


def facts_of(rows: Iterable[Row]) -> Facts:
    prints = prints_of(exchanges_of(rows))
    return build_facts(prints, roster_of(prints))


def scene_of(rows: Iterable[Row], accounts: Sequence[Row] | None = None, weights: Weights | None = None) -> Scene:
    side = accounts_of(accounts) if accounts is not None else None
    return pipeline.build(prints_of(exchanges_of(rows)), side, weights)


def suspect_of(scene: Scene, accounts: Iterable[str], found_in: str = "network", **held_out_p: float) -> Suspect:
    """The cluster of the nodes of these accounts."""
    names = scene.roster.names.column("account_id").to_pylist()
    wanted = set(accounts)
    members = np.zeros(len(scene.roster.node_size), dtype=bool)
    members[scene.roster.node[[i for i, name in enumerate(names) if name in wanted]]] = True
    return Suspect(
        scene=scene,
        members=members,
        affinity=affinity(scene.views, members),
        found_in=found_in,
        held_out_p=held_out_p,
    )
