"""Real coordinated accounts through the operator axis alone.

    python -m stillwatch.bench.real --data DIR [--out FILE] [--without network,payment] [--quick]

DIR is a checkout of github.com/hop-protocol/hop-airdrop: who was struck off an airdrop as the front of somebody else,
and who sent what to whom. Nothing of it comes with this project. What it cannot tell: how detection does on model
traffic. Wallets have no prompts, no clients and, in these files, no times of their transfers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from stillwatch import __version__
from stillwatch.bench.real.axis import Cluster, clusters, scores
from stillwatch.bench.real.composed import blindfolded
from stillwatch.bench.real.contract import COLUMNS, WITHHELD, Contract, contract_of, dealt_anew
from stillwatch.bench.real.hop import COMMIT, REPOSITORY, Airdrop, changed, read_airdrop
from stillwatch.bench.real.measure import CUTS, NAMED, by_cluster, by_size, calibration, cut_at, ranked, strata
from stillwatch.bench.real.neighbours import PEERS
from stillwatch.bench.real.reasons import ceiling, reasons, unread
from stillwatch.campaigns.weights import load_weights
from stillwatch.errors import StillwatchError

SHUFFLES = (1, 2, 3)


def measured(air: Airdrop, contract: Contract, without: frozenset[str]) -> tuple[list[Cluster], dict[str, Any]]:
    """The clusters of one run, and its figures without reasons."""
    found = clusters(*_tables(contract, without), air.names, WITHHELD)
    score = scores(found, len(air.names))
    top = int((score >= NAMED).sum())
    return found, {
        "without": sorted(without),
        "rank": ranked(air, score, NAMED, top) if top else None,
        "cuts": [cut_at(air, score, least) for least in CUTS],
        "calibration": calibration(air, score),
        "strata": strata(air, score),
        "by_cluster": by_cluster(air, found),
        "by_size": by_size(air, found),
    }


def outcome(folder: Path, *, quick: bool = False, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Everything that was measured on a checkout. Raises InputError where it cannot be read. Cost: minutes."""
    air = read_airdrop(folder)
    contract = contract_of(air)
    found, whole = measured(air, contract, without)
    top = whole["rank"].top if whole["rank"] else int(air.struck.sum())
    return {
        "version": __version__,
        "weights": load_weights().version,
        "data": _described(air, contract, folder),
        "withheld": sorted(WITHHELD),
        "unread": unread(found),
        "stillwatch": whole,
        "ceiling": ceiling(found),
        "reasons": reasons(air, found),
        "peers": {name: ranked(air, peer(contract), least, top) for name, (peer, least) in PEERS.items()},
        "less": {} if quick else {name: measured(air, contract, frozenset({name}))[1] for name in COLUMNS},
        "composed": [] if quick else blindfolded({name for cluster in found for name in cluster.x}),
        "shuffled": [] if quick else [_shuffled(contract, seed, top) for seed in SHUFFLES],
    }


def _shuffled(contract: Contract, seed: int, top: int) -> dict[str, Any]:
    """Who is named where families of values were dealt apart: everybody named is named by chance."""
    found = clusters(*_tables(dealt_anew(contract, seed)), contract.names, WITHHELD)
    score = scores(found, len(contract.names))
    return {
        "seed": seed,
        "clusters": len(found),
        "wallets_named": int((score >= NAMED).sum()),
        "highest_probability": round(float(score.max(initial=0.0)), 4),
        "instead_of": top,
    }


def _tables(contract: Contract, without: frozenset[str] = frozenset()) -> tuple[Iterator[pa.RecordBatch], pa.Table]:
    return contract.exchanges(without), contract.accounts(without)


def _described(air: Airdrop, contract: Contract, folder: Path) -> dict[str, Any]:
    touched = np.bincount(contract.wallet, minlength=len(air.names)) > 0
    return {
        "repository": REPOSITORY,
        "commit": COMMIT,
        "changed_files": changed(folder),
        "digest": air.digest,
        "wallets": len(air.names),
        "struck": int(air.struck.sum()),
        "struck_share": round(float(air.struck.mean()), 4),
        "transfers": air.transfers.num_rows,
        "exchanges": len(contract.wallet) + len(air.names),
        "wallets_with_transfers": int(touched.sum()),
        "struck_without_transfers": int((~touched & air.struck).sum()),
        "wallets_with_gas_funder": int((contract.funder >= 0).sum()),
    }


def _summary(found: dict[str, Any]) -> str:
    rows = {"stillwatch, operator axis": found["stillwatch"]["rank"], **found["peers"]}
    lines = [f"{found['data']['struck']} of {found['data']['wallets']} wallets were struck off"]
    for name, row in rows.items():
        if row is None:
            lines.append(f"{name}: no cluster reaches {NAMED}")
            continue
        lines.append(
            f"{name}: AUC {row.auc:.3f}, names {row.cut.named} at precision {row.cut.precision}, recall "
            f"{row.cut.recall}; of its {row.top} highest {row.top_precision:.1%} were struck off"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, measure, print a summary, write everything."""
    parser = argparse.ArgumentParser(
        prog="python -m stillwatch.bench.real",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help=f"checkout of github.com/{REPOSITORY}")
    parser.add_argument("--out", type=Path, help="JSON file for everything that was measured")
    parser.add_argument("--without", default="", help=f"columns to leave out, of {', '.join(COLUMNS)}")
    parser.add_argument("--quick", action="store_true", help="do not leave each column out in turn")
    chosen = parser.parse_args(arguments)
    without = frozenset(filter(None, chosen.without.split(",")))
    if unknown := without - set(COLUMNS):
        parser.error(f"no column named {', '.join(sorted(unknown))}; one of {', '.join(COLUMNS)}")
    try:
        found = outcome(chosen.data, quick=chosen.quick, without=without)
    except StillwatchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(_summary(found))
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
