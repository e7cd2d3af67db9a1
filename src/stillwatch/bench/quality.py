"""Detection quality on composed worlds that nothing was fitted on.

    python -m stillwatch.bench.quality [--corpus DIR] [--suites full,no_network,...] [--seeds 1,2] [--out FILE]

Composes each world, scans it as the command line would, and holds the answer against the truth. Fitting uses seeds from
1000 on, this uses seeds below 1000. What it cannot tell: how a world that this composer did not write would go.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from stillwatch.api import scan
from stillwatch.compose import compose, write_world
from stillwatch.config import Config, Detection
from stillwatch.model import ScanResult
from stillwatch.report import Report

# suite, and evidence families switched off
RUNS = {
    "full": ("full", ()),
    "honest": ("honest", ()),
    "no_network": ("no_network", ()),
    "features_only": ("features_only", ()),
    "blend80": ("blend80", ()),
    "no_signup": ("no_signup", ()),
    "no_lexical": ("full", ("lexical",)),
    "no_accounts": ("no_accounts", ()),
    "unfamiliar": ("unfamiliar", ()),
    "small": ("small", ()),
}
LARGEST_SEED = 1000
Account = tuple[str, str]


class Grade(msgspec.Struct, kw_only=True):
    """One world's outcome. ``honest_named``: look-alike class -> honest accounts in an extraction campaign."""

    run: str
    seed: int
    recall: float | None
    precision: float | None
    honest_accounts: int
    honest_named: dict[str, int]
    honest_in_other_verdicts: dict[str, int]
    extraction_campaigns: int
    resale_recall: float | None
    resale_pools_recognised: float | None
    capability_right: float | None
    pivots_found: float | None
    harvest_estimate_ratio: float | None
    campaign_recall: dict[str, float]
    seconds: float


def grade(run: str, seed: int, report: Report, truth_dir: Path, seconds: float = 0.0) -> Grade:
    """Hold a report against the truth beside a world."""
    result = report.result
    truth = {
        (row["platform"], row["account_id"]): row
        for row in pq.read_table(truth_dir / "truth_accounts.parquet").to_pylist()
    }
    planned = json.loads((truth_dir / "truth_campaigns.json").read_text(encoding="utf-8"))
    harvesters = {name for name, row in truth.items() if row["verdict"] == "extraction"}
    resellers = {name for name, row in truth.items() if row["verdict"] == "resale"}
    honest = {name for name, row in truth.items() if row["kind"] == "honest"}
    named = {kind: _named(result, kind) for kind in ("extraction", "resale", "coordinated")}
    accused = named["extraction"]
    per_campaign = _per_campaign(truth, accused)
    return Grade(
        run=run,
        seed=seed,
        recall=_share(len(accused & harvesters), len(harvesters)),
        precision=_share(len(accused & harvesters), len(accused)),
        honest_accounts=len(honest),
        honest_named=_classes(truth, accused & honest),
        honest_in_other_verdicts=_classes(truth, (named["resale"] | named["coordinated"]) & honest),
        extraction_campaigns=sum(c.verdict == "extraction" for c in result.campaigns),
        resale_recall=_share(len(named["resale"] & resellers), len(resellers)),
        resale_pools_recognised=_pools(truth, named["resale"]),
        capability_right=_capabilities(result, truth, planned),
        pivots_found=_pivots(result, truth, planned),
        harvest_estimate_ratio=_harvest_ratio(result, planned),
        campaign_recall=per_campaign,
        seconds=round(seconds, 1),
    )


def _named(result: ScanResult, verdict: str) -> set[Account]:
    return {(m.platform, m.account_id) for c in result.campaigns if c.verdict == verdict for m in c.roster if m.accused}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _classes(truth: dict[Account, dict[str, str]], names: set[Account]) -> dict[str, int]:
    return dict(Counter(truth[name]["look_alike_class"] for name in sorted(names)).most_common())


def _per_campaign(truth: dict[Account, dict[str, str]], accused: set[Account]) -> dict[str, float]:
    members: dict[str, list[Account]] = {}
    for name, row in truth.items():
        if row["verdict"] == "extraction":
            members.setdefault(f"{row['campaign']} {row['tactic']} ({{}})", []).append(name)
    return {
        label.format(len(names)): round(sum(name in accused for name in names) / len(names), 3)
        for label, names in sorted(members.items())
    }


def _pools(truth: dict[Account, dict[str, str]], named: set[Account]) -> float | None:
    pools: dict[str, list[bool]] = {}
    for name, row in truth.items():
        if row["verdict"] == "resale":
            pools.setdefault(row["campaign"], []).append(name in named)
    return _share(sum(sum(p) * 2 > len(p) for p in pools.values()), len(pools))


def _matches(result: ScanResult, truth: dict[Account, dict[str, str]]) -> dict[str, list[int]]:
    """Planned campaign -> found extraction campaigns that are mostly it."""
    found: dict[str, list[int]] = {}
    for i, campaign in enumerate(result.campaigns):
        owners = Counter(truth[m.platform, m.account_id]["campaign"] or "" for m in campaign.roster if m.accused)
        if campaign.verdict == "extraction" and owners:
            name, count = owners.most_common(1)[0]
            if name and count * 2 > sum(owners.values()):
                found.setdefault(name, []).append(i)
    return found


def _capabilities(result: ScanResult, truth: dict[Account, dict[str, str]], planned: Sequence[dict]) -> float | None:
    top = {plan["name"]: plan["top_capability"] for plan in planned}
    pairs = [
        next(iter(result.campaigns[max(found, key=lambda i: result.campaigns[i].exchanges)].capabilities)) == top[name]
        for name, found in _matches(result, truth).items()
    ]
    return _share(sum(pairs), len(pairs))


def _pivots(result: ScanResult, truth: dict[Account, dict[str, str]], planned: Sequence[dict]) -> float | None:
    """Of the pivots of campaigns that were found at all, the share found within a day."""
    matches = _matches(result, truth)
    hits = [
        any(
            p.to_model == pivot["to_model"] and abs(p.at - datetime.fromisoformat(pivot["at"])) <= timedelta(days=1)
            for i in matches[plan["name"]]
            for p in result.campaigns[i].model_pivots
        )
        for plan in planned
        if plan["name"] in matches
        for pivot in plan["pivots"]
    ]
    return _share(sum(hits), len(hits))


def _harvest_ratio(result: ScanResult, planned: Sequence[dict]) -> float | None:
    estimated = sum(c.extraction_exchanges for c in result.campaigns if c.verdict == "extraction")
    real = sum(plan["harvest_exchanges"] for plan in planned if plan["verdict"] == "extraction")
    return round(estimated / real, 3) if real else None


def run_one(run: str, seed: int, corpus: Path | None, keep: Path | None = None) -> Grade:
    """Compose, scan, grade."""
    suite, off = RUNS[run]
    with tempfile.TemporaryDirectory() as temporary:
        world = (keep or Path(temporary)) / f"{suite}-{seed}"
        if not (world / "exchanges.parquet").exists():
            write_world(compose(suite, seed, corpus), world)
        accounts = world / "accounts.parquet"
        started = time.perf_counter()
        report = scan(
            world / "exchanges.parquet",
            accounts=accounts if accounts.exists() else None,
            config=Config(detection=Detection(disabled_families=off)),
        )
        return grade(run, seed, report, world / "truth", time.perf_counter() - started)


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade the runs asked for and print one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="directory of real prompts; without it the composer's own grammar")
    parser.add_argument("--suites", default=",".join(RUNS), help=f"of {', '.join(RUNS)}")
    parser.add_argument("--seeds", default="1,2", help="below 1000, comma-separated")
    parser.add_argument("--out", type=Path, help="JSON file for the grades")
    parser.add_argument("--keep", type=Path, help="directory in which composed worlds are kept and reused")
    chosen = parser.parse_args(arguments)
    grades = []
    for seed in (int(s) for s in chosen.seeds.split(",")):
        for run in chosen.suites.split(","):
            found = run_one(run, seed, chosen.corpus, chosen.keep)
            grades.append(found)
            sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
            sys.stdout.flush()
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_bytes(msgspec.json.format(msgspec.json.encode(grades)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
