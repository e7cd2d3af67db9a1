"""How soon: a labelled world replayed in simulated time, from its first exchange to the decisions.

``python -m stillwatch.bench.replay WORLD``: what a service that mined on a schedule would have known and when. It
measures recognition of new accounts, the harvest a campaign had when first decided on, and how fast history replays.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.api import read_fingerprints
from stillwatch.config import Config, Ingest
from stillwatch.live.replay import Event, Pace, Played, events, play
from stillwatch.policy.backtest import Terms
from stillwatch.policy.compile import policy_text

Account = tuple[str, str]


def measure(world: Path, pace: Pace, policy: str) -> dict[str, Any]:
    """The figures of one world. Raises InputError where it is not a composed one."""
    config = Config(ingest=Ingest(salt="bench"))
    prints, side = read_fingerprints([world / "exchanges.parquet"], accounts=world / "accounts.parquet", config=config)
    began = time.perf_counter()
    history = list(events(prints, side, config, pace))
    played = play(history, side, policy_text(policy), Terms(mode="shadow", key=b"bench"))
    took = time.perf_counter() - began
    truth = pq.read_table(world / "truth" / "truth_accounts.parquet").to_pylist()
    owner: dict[Account, str | None] = {(row["platform"], row["account_id"]): row["campaign"] for row in truth}
    harvest = _harvest(prints, world)
    simulated_s = (history[-1].at - history[0].at).total_seconds()
    return {
        "exchanges": prints.num_rows,
        "simulated_days": round(simulated_s / 86_400, 2),
        "wall_s": round(took, 1),
        "times_faster": round(simulated_s / took),
        "minings": sum(event.mined is not None for event in history),
        "recognition": recognition(played, owner),
        "first_decision": first_decisions(played, owner, harvest),
    }


def _harvest(prints: pa.Table, world: Path) -> dict[str, list[datetime]]:
    """Times of every harvesting exchange, by true campaign, in order."""
    rows = pq.read_table(world / "truth" / "truth_exchanges.parquet", columns=["exchange_id", "harvest", "campaign"])
    joined = prints.select(["exchange_id", "at"]).join(rows, "exchange_id").sort_by("at").to_pylist()
    found: dict[str, list[datetime]] = {}
    for row in joined:
        if row["harvest"] and row["campaign"]:
            found.setdefault(row["campaign"], []).append(row["at"])
    return found


def recognition(played: Played, owner: dict[Account, str | None]) -> dict[str, Any]:
    """Accounts recognised between minings: after how many of their exchanges, and how many of them are honest."""
    found = [one for _, turn in played.turns for one in turn.recognised]
    right = [one for one in found if owner.get((one.platform, one.account_id))]
    after = sorted(one.after_exchanges for one in right)
    return {
        "recognised": len(found),
        "of_campaigns": len(right),
        "honest": len(found) - len(right),
        "exchanges_median": statistics.median(after) if after else None,
        "exchanges_p90": after[int(0.9 * (len(after) - 1))] if after else None,
    }


def first_decisions(
    played: Played, owner: dict[Account, str | None], harvest: dict[str, list[datetime]]
) -> dict[str, Any]:
    """By true campaign: the share of its harvest that was done when the first of its accounts was decided on."""
    first: dict[str, datetime] = {}
    for decision in sorted(played.decisions, key=lambda d: d.made_at):
        campaign = owner.get((decision.platform, decision.account_id))
        if campaign and decision.verdict == "extraction":
            first.setdefault(campaign, decision.made_at)
    shares = {
        name: sum(at <= first[name] for at in times) / len(times) for name, times in harvest.items() if name in first
    }
    return {
        "campaigns": len(harvest),
        "decided_on": len(shares),
        "share_of_harvest_median": round(statistics.median(shares.values()), 4) if shares else None,
        "shares": {name: round(share, 4) for name, share in sorted(shares.items())},
        "harvest": {name: len(times) for name, times in sorted(harvest.items())},
    }


def main(arguments: Sequence[str]) -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m stillwatch.bench.replay", description=__doc__)
    parser.add_argument("world", type=Path, help="directory written by `stillwatch compose`")
    parser.add_argument("--mine-every-h", type=float, default=6.0)
    parser.add_argument("--slice-h", type=float, default=0.5)
    parser.add_argument("--policy", default="standard")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    pace = Pace(slice=timedelta(hours=args.slice_h), mine_every=timedelta(hours=args.mine_every_h))
    found = measure(args.world, pace, args.policy)
    text = json.dumps(found, indent=1)
    sys.stdout.write(text + "\n")
    if args.out:
        args.out.write_text(text + "\n", encoding="utf-8")
    return 0


__all__ = ["Event", "main", "measure"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
