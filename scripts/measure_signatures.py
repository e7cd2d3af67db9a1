"""How soon signatures recognise a known campaign's new accounts, on worlds cut in two, and whom they accuse wrongly.

    python scripts/measure_signatures.py [--corpus DIR] [--cache out/signed] [--true] SUITE:SEED ...

The first part of each world is mined (``--true``: the campaigns as they were instead, to tell the mining's misses from
the signatures'), the second is played in order of time in batches of 500. Seeds are ones that nothing was fitted on.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fit_signatures import mine, named, parts, seen
from stillwatch.campaigns.recognise import Recogniser, settled_keys
from stillwatch.campaigns.signature import Census
from stillwatch.campaigns.signature_null import signatures
from stillwatch.campaigns.weighing import load_weighing
from stillwatch.tables import ACCOUNTS
from worlds import _prints

Name = tuple[str, str]
BATCH = 500
NEVER = 10**9


class Outcome(msgspec.Struct):
    """Of one suite or all: exchanges until recognition of each account, and who else was recognised.

    ``of_well_mined``: of those whose campaign the mining had found at least half of.
    """

    until: list[int] = []
    of_well_mined: list[int] = []
    replacing: list[int] = []
    extraction: int = 0
    elsewhere: int = 0
    honest: int = 0
    accused: Counter[str] = msgspec.field(default_factory=Counter)
    pool: int = 0
    pool_accused: int = 0
    campaigns: int = 0
    silent: int = 0

    def said(self) -> str:
        until, replacing = np.array(self.until or [NEVER]), np.array(self.replacing or [NEVER])
        well = np.array(self.of_well_mined or [NEVER])
        return (
            f"campaigns {self.campaigns} (silent {self.silent}); new accounts of known campaigns {len(self.until)}: "
            f"recognised {np.mean(until < NEVER):.3f}, exchanges until then p25/p50/p75/p90 {quantiles(until)}, of "
            f"those recognised {quantiles(until[until < NEVER])}; well mined {len(self.of_well_mined)}: "
            f"{np.mean(well < NEVER):.3f}, {quantiles(well)}; replacing a closed one {len(self.replacing)}: "
            f"{np.mean(replacing < NEVER):.3f}, {quantiles(replacing)}; all {self.extraction} new extraction accounts: "
            f"{len([u for u in self.until if u < NEVER]) + self.elsewhere} recognised; honest "
            f"{sum(self.accused.values())} of {self.honest} = "
            f"{1e4 * sum(self.accused.values()) / max(1, self.honest):.2f} per 10,000 "
            f"{dict(self.accused.most_common(4))}; pools {self.pool_accused} of {self.pool}"
        )

    def added(self, other: Outcome) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def quantiles(until: npt.NDArray[np.int64]) -> str:
    """Quarter, half, three quarters, nine tenths."""
    if not len(until):
        return "-"
    found = np.quantile(until, [0.25, 0.5, 0.75, 0.9], method="inverted_cdf")
    return "/".join("never" if value >= NEVER else str(int(value)) for value in found)


def replayed(folder: Path, prints: pa.Table, *, true: bool, least: float | None) -> Outcome:
    """One world."""
    side = pq.read_table(folder / "accounts.parquet") if (folder / "accounts.parquet").exists() else None
    first, later, then, _ = parts(prints, side)
    table = pq.read_table(folder / "truth/truth_accounts.parquet").to_pylist()
    truth = {(row["platform"], row["account_id"]): row for row in table}
    roster, facts = seen(first, then)
    names = named(roster)
    members, possible, usual = _campaigns(names, truth, None if true else mine(first, then))
    signed = signatures(Census.of(facts, roster), members, possible, load_weighing())
    listed = np.any([*members.values(), *possible.values()] or [np.zeros(len(names), bool)], axis=0)
    # the mining has seen enough of these, and of everybody on a roster
    settled = settled_keys(roster.names, np.where(listed, 10, facts.per_account))
    recogniser = Recogniser(signed.values(), settled, least=least)
    at, who = _played(recogniser, later, side)
    found = Outcome(campaigns=len(signed), silent=sum(not s.separates for s in signed.values()))
    known = {usual[name]: False for name in signed if usual[name]}
    for name, camp in usual.items():
        whole = np.array([truth[n]["campaign"] == camp for n in names])
        if camp:
            known[camp] |= bool(2 * (members[name] & whole).sum() >= whole.sum())
    seen_before = {
        n for n, c, on in zip(names, facts.per_account.tolist(), listed.tolist(), strict=True) if c >= 10 or on
    }
    replacing = _successors(folder)
    for name in set(who):
        if name not in seen_before:
            _told(found, truth[name], at.get(name), known, usual, new=name not in set(names), after=name in replacing)
    return found


def _told(
    found: Outcome, row: dict, hit: tuple[int, str] | None, known: dict, usual: dict, *, new: bool, after: bool
) -> None:
    if row["kind"] == "honest":
        found.honest += 1
        found.accused.update([row["look_alike_class"] or "ordinary"] if hit else [])
    elif row["verdict"] == "resale":
        found.pool += 1
        found.pool_accused += bool(hit and usual[hit[1]] != row["campaign"])
    elif row["verdict"] == "extraction" and new:
        found.extraction += 1
        if row["campaign"] in known:
            found.until.append(hit[0] if hit else NEVER)
            found.of_well_mined += [found.until[-1]] if known[row["campaign"]] else []
            found.replacing += [found.until[-1]] if after else []
        else:
            found.elsewhere += bool(hit)


def _campaigns(names: list[Name], truth: dict, mined: tuple | None) -> tuple[dict, dict, dict]:
    """(members, possible members, usual true campaign) by campaign."""
    camp = np.array([truth[name]["campaign"] or "" for name in names])
    if mined is None:
        members = {name: camp == name for name in np.unique(camp[camp != ""]).tolist()}
        return members, {name: np.zeros(len(names), bool) for name in members}, {name: name for name in members}
    place = {name: i for i, name in enumerate(names)}
    members = {c.campaign_id: np.zeros(len(names), bool) for c in mined}
    possible = {c.campaign_id: np.zeros(len(names), bool) for c in mined}
    for campaign in mined:
        for m in campaign.roster:
            (members if m.accused else possible)[campaign.campaign_id][place[m.platform, m.account_id]] = True
    usual = {}
    for name, mask in members.items():
        values, count = np.unique(camp[mask], return_counts=True)
        usual[name] = str(values[count.argmax()]) if len(values) else ""
    return members, possible, usual


def _successors(folder: Path) -> set[Name]:
    campaigns = msgspec.json.decode((folder / "truth/truth_campaigns.json").read_bytes())
    return {tuple(s["successor"]) for c in campaigns for s in c["successions"]}


def _played(recogniser: Recogniser, later: pa.Table, side: pa.Table | None) -> tuple[dict, list[Name]]:
    """(name -> exchanges until recognised and for which campaign, name of every exchange), in order of time."""
    later = later.take(pc.sort_indices(later, sort_keys=[("at", "ascending"), ("exchange_id", "ascending")]))
    platform, account = (later.column(c).to_pylist() for c in ("platform", "account_id"))
    who: list[Name] = list(zip(platform, account, strict=True))
    rows = {(r["platform"], r["account_id"]): r for r in side.to_pylist()} if side is not None else {}
    times: Counter[Name] = Counter()
    found = {}
    for start in range(0, len(later), BATCH):
        here = who[start : start + BATCH]
        times.update(here)
        known = [rows[name] for name in sorted(set(here)) if name in rows]
        given = pa.Table.from_pylist(known, schema=ACCOUNTS) if known else None
        for one in recogniser.news(later.slice(start, BATCH), given):
            name = (one.platform, one.account_id)
            found[name] = (times[name], one.campaign_id)
    return found, who


def main() -> None:
    """Measure, and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("out/signed"))
    parser.add_argument("--true", action="store_true")
    parser.add_argument("--least", type=float)
    parser.add_argument("worlds", nargs="+")
    asked = parser.parse_args()
    by_suite: dict[str, Outcome] = {}
    for world in asked.worlds:
        suite, _, seed = world.partition(":")
        folder = asked.cache / f"{suite}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        found = replayed(folder, _prints(folder, suite, int(seed), asked.corpus), true=asked.true, least=asked.least)
        print(folder.name, found.said(), flush=True)
        for name in (suite, "everything"):
            by_suite.setdefault(name, Outcome()).added(found)
    for name, found in by_suite.items():
        print(f"== {name}: {found.said()}")


if __name__ == "__main__":
    main()
