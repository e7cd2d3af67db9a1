"""Fit every weight from labelled worlds: trees from measurements to log2 odds, members, confidence.

    python scripts/fit.py [--corpus DIR] [--worlds N] [--cache out/fit]

Worlds use seeds from 2000 on; measurements of quality use seeds below 1000. Suspects of every world are measured once
and kept in the cache, so that refitting is quick. Writes src/stillwatch/campaigns/weights.json with its provenance.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from grow import grow, held_out, line, plane
from stillwatch import pipeline, tables
from stillwatch.campaigns.forest import Forest
from stillwatch.campaigns.judge import Judged, measure
from stillwatch.campaigns.members import NOT_LINKS, own_evidence
from stillwatch.campaigns.opinions import best_of_others, clusters, opinion_of_others
from stillwatch.campaigns.select import VOUCHED_SHARE
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.campaigns.weights import Confidence, Weights
from stillwatch.compose import compose, write_world
from stillwatch.detectors import BUILTIN
from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.text import load_model

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
SOURCE = Path(__file__).parents[1] / "src/stillwatch"
TARGET = SOURCE / "campaigns/weights.json"
SUITES = (
    "full",
    "full",
    "blend80",
    "full",
    "full",
    "no_network",
    "full",
    "full",
    "features_only",
    "full",
    "small",
    "no_signup",
    "full",
    "full",
    "honest",
    "full",
)
FIRST_SEED = 2000
MOST_MEMBERS = 2_500  # account rows kept of one world: neighbours of each other teach little more
PURE = 0.6  # share of campaigns in a suspect from which it is weighed as one of theirs
STRAY = 0.03
MERGED_WEIGHT = 0.05
MEMBER_SHARE = 0.5  # suspects this impure still teach who does not belong
LEAST_CLAIM = -3.0  # log2 odds below which nobody would make a verdict of it
# of the code that measures: a change there measures again
MEASURING = (
    *(p for d in ("detectors", "operators", "tally") for p in sorted((SOURCE / d).glob("*.py"))),
    *(SOURCE / "campaigns" / name for name in ("suspects.py", "members.py")),
)
MEASURED = hashlib.sha256(b"".join(p.read_bytes() for p in MEASURING)).hexdigest()[:12]


class Row(msgspec.Struct):
    """One suspect: measurements, and what it really was.

    Shares of its accounts: ``share`` in ``campaign``, the commonest; ``any_share`` in any; ``extraction`` and
    ``resale`` by verdict, whichever campaign.
    """

    world: str
    solo: bool
    size: int
    campaign: str
    verdict: str
    share: float
    any_share: float
    extraction: float
    resale: float
    look_alike: str
    vouched: float
    accounts: tuple[int, ...]
    x: dict[str, float]


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of evidence of an account's own, as ``grow`` asks for it."""

    name: str
    family: str
    axis: str


class MemberRow(msgspec.Struct):
    """One account of a suspect that is a campaign. ``weight`` makes campaigns count alike.

    ``suspect``, ``account``: places among the world's suspects and accounts.
    """

    world: str
    suspect: int
    account: int
    member: bool
    bits: dict[str, float]
    weight: float


def measured(world: Path, suite: str, seed: int, corpus: Path | None) -> tuple[list[Row], list[MemberRow]]:
    """Suspects of one world, composed unless it is there."""
    kept = world / f"suspects-{MEASURED}.msgpack"
    if kept.exists():
        return msgspec.msgpack.decode(kept.read_bytes(), type=tuple[list[Row], list[MemberRow]])
    if not (world / "exchanges.parquet").exists():
        write_world(compose(suite, seed, corpus), world)
    model = load_model()
    batches = (b.cast(tables.EXCHANGES) for b in pq.ParquetFile(world / "exchanges.parquet").iter_batches(65_536))
    accounts = pq.read_table(world / "accounts.parquet") if (world / "accounts.parquet").exists() else None
    scene = pipeline.build(pipeline.fingerprints(batches, model, b"fit"), accounts)
    truth = Truth(world, scene)
    rows: list[Row] = []
    members: list[MemberRow] = []
    for suspect in find_suspects(scene):
        row = truth.label(suspect)
        rows.append(row)
        if row.share >= MEMBER_SHARE and not row.solo and row.vouched < VOUCHED_SHARE:
            members += truth.members(suspect, row, len(rows) - 1)
    if len(members) > MOST_MEMBERS:
        chosen = np.sort(np.random.default_rng(0).choice(len(members), MOST_MEMBERS, replace=False))
        members = [members[i] for i in chosen.tolist()]
    kept.write_bytes(msgspec.msgpack.encode((rows, members)))
    return rows, members


class Truth:
    """What a composed world knows of its accounts, aligned with a scene's roster."""

    def __init__(self, world: Path, scene: Scene) -> None:
        self.world = str(world.name)
        table = pq.read_table(world / "truth" / "truth_accounts.parquet").to_pylist()
        by_name = {(row["platform"], row["account_id"]): row for row in table}
        rows = [by_name[name["platform"], name["account_id"]] for name in scene.roster.names.to_pylist()]
        self.campaign = np.array([row["campaign"] or "" for row in rows])
        self.verdict = np.array([row["verdict"] or "" for row in rows])
        self.look_alike = np.array([row["look_alike_class"] or "" for row in rows])

    def label(self, suspect: Suspect) -> Row:
        own = self.campaign[suspect.accounts]
        names, count = np.unique(own[own != ""], return_counts=True)
        top = str(names[count.argmax()]) if len(names) else ""
        verdict = str(self.verdict[suspect.accounts][own == top][0]) if top else ""
        classes, seen = np.unique(self.look_alike[suspect.accounts], return_counts=True)
        return Row(
            world=self.world,
            solo=len(suspect.nodes) == 1,
            size=len(suspect.accounts),
            campaign=top,
            verdict=verdict,
            share=float(count.max() / len(own)) if top else 0.0,
            any_share=float((own != "").mean()),
            extraction=float((self.verdict[suspect.accounts] == "extraction").mean()),
            resale=float((self.verdict[suspect.accounts] == "resale").mean()),
            look_alike=str(classes[seen.argmax()]),
            vouched=suspect.vouched_share,
            accounts=tuple(suspect.accounts.tolist()),
            x={name: found.x for name, found in measure(suspect, BUILTIN).items()},
        )

    def members(self, suspect: Suspect, row: Row, place: int) -> list[MemberRow]:
        judged = Judged(suspect=suspect, operator=0, harvest=0, resale=0)
        accounts, bits, _ = own_evidence(judged)
        belongs = self.verdict[accounts] == row.verdict  # of another campaign that harvests: no injustice
        return [
            MemberRow(
                world=self.world,
                suspect=place,
                account=int(accounts[i]),
                member=bool(belongs[i]),
                bits={family: float(values[i]) for family, values in bits.items() if not np.isnan(values[i])},
                weight=1.0 / len(accounts),
            )
            for i in range(len(accounts))
        ]


def table(rows: Sequence[Row]) -> Float:
    """float64[rows, detectors] measurements, NaN unknown."""
    return np.array([[row.x.get(d.name, np.nan) for d in BUILTIN] for row in rows])


def weights_of(rows: Sequence[Row]) -> Float:
    """Suspects of one campaign share a weight of 4, so that no campaign is learned by heart; innocent ones count 1."""
    key = [f"{r.world}/{r.campaign}" if r.any_share >= PURE else "" for r in rows]
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.array([4.0 / n if k else 1.0 for k, n in zip(key, count[inverse].tolist(), strict=True)])


def parts(share: Sequence[float]) -> Float:
    """Shares as labels: a stray account in twenty makes neither a campaign doubtful nor a crowd a campaign."""
    raw = np.array(share)
    return np.where(raw >= 1 - STRAY, 1.0, np.where(raw <= STRAY, 0.0, raw))


def fit_axis(rows: Sequence[Row], label: Float, weight: Float, axis: str) -> tuple[Forest, Float]:
    """Trees calibrated on worlds they did not see, and every row's log2 odds by trees that did not see its world."""
    x = table(rows)
    world = np.unique([row.world for row in rows], return_inverse=True)[1].astype(np.int64)
    unseen = held_out(x, label, weight, world, BUILTIN, axis)
    intercept, slope = line(unseen, label, weight)
    return grow(x, label, weight, BUILTIN, axis).calibrated(intercept, slope), intercept + slope * unseen


def fit(rows: list[Row], members: list[MemberRow], provenance: dict[str, str]) -> Weights:
    """Trees of every axis, members, confidence."""
    groups = [r for r in rows if r.vouched < VOUCHED_SHARE and not r.solo]
    weight = weights_of(groups)
    # two campaigns in one are no mistake about the innocent: they teach little of what holds one together
    merged = np.array([MERGED_WEIGHT if r.any_share >= PURE > r.share else 1.0 for r in groups])
    run_together, harvests, resold = (
        parts([getattr(r, name) for r in groups]) for name in ("share", "extraction", "resale")
    )
    operator, operator_odds = fit_axis(groups, run_together, weight * merged, "operator")
    harvest, harvest_odds = fit_axis(groups, harvests, weight, "harvest")
    resale, resale_odds = fit_axis(groups, resold, weight, "resale")
    alone = [r for r in rows if r.vouched < VOUCHED_SHARE and r.solo]
    solo, _ = fit_axis(alone, parts([r.extraction for r in alone]), weights_of(alone), "harvest")
    leans = harvest_odds >= resale_odds
    claims = np.minimum(operator_odds, np.where(leans, harvest_odds, resale_odds))
    near = others(groups, {"extraction": np.minimum(operator_odds, harvest_odds),
                           "resale": np.minimum(operator_odds, resale_odds)})  # fmt: skip
    confidence = {
        kind: fit_confidence(groups, label, claims, near[kind], chosen)
        for kind, label, chosen in (("extraction", harvests, leans), ("resale", resold, ~leans))
    }
    sure = {
        kind: np.array(
            [
                confidence[kind](claims[i], near[kind][i], len(groups[i].accounts)) * float(chosen[i])
                for i in range(len(groups))
            ]
        )
        for kind, chosen in (("extraction", leans), ("resale", ~leans))
    }
    return Weights(
        version="2",
        operator=operator,
        harvest=harvest,
        resale=resale,
        solo=solo,
        member=fit_members(members, supports(members, rows, groups, sure)),
        confidence=confidence,
        provenance=provenance,
    )


def others(rows: Sequence[Row], claims: dict[str, Float]) -> dict[str, Float]:
    """Per verdict and row the opinion of overlapping suspects of the same world, NaN where there is none."""
    found = {kind: np.full(len(rows), np.nan) for kind in claims}
    for here in places(rows).values():
        accounts = [np.array(rows[i].accounts) for i in here]
        held = clusters(accounts, 1 + max(int(own.max()) for own in accounts))
        for k, i in enumerate(here):
            for kind, odds in claims.items():
                found[kind][i] = opinion_of_others(held, odds[here], accounts[k])
    return found


def places(rows: Sequence[Row]) -> dict[str, list[int]]:
    """World -> its rows."""
    found: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        found.setdefault(row.world, []).append(i)
    return found


def fit_confidence(rows: Sequence[Row], label: Float, own: Float, near: Float, kept: Bool) -> Confidence:
    """How often a verdict is right, over the suspects that somebody might make one of."""
    chosen = np.flatnonzero(kept & (own > LEAST_CLAIM)).tolist()
    alone = float(np.median(near[chosen][~np.isnan(near[chosen])]))
    near = np.where(np.isnan(near), alone, near)
    x = np.stack([own[chosen], near[chosen], np.log2([len(rows[i].accounts) for i in chosen])], axis=1)
    key = [f"{rows[i].world}/{rows[i].campaign}" if label[i] >= PURE else str(i) for i in chosen]
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    intercept, slopes = plane(x, label[chosen], np.sqrt(1.0 / count[inverse]))
    return Confidence(
        intercept=round(intercept, 4),
        own=round(slopes[0], 4),
        others=round(slopes[1], 4),
        size=round(slopes[2], 4),
        alone=round(alone, 4),
    )


def supports(members: list[MemberRow], rows: list[Row], groups: list[Row], sure: dict[str, Float]) -> Float:
    """Per member row the most confidence of another suspect of its campaign that holds the account."""
    found = np.full(len(members), np.nan)
    by_world: dict[str, dict[int, list[int]]] = {}
    for m, member in enumerate(members):
        by_world.setdefault(member.world, {}).setdefault(member.suspect, []).append(m)
    every = places(rows)
    for world, here in places(groups).items():
        accounts = [np.array(groups[i].accounts) for i in here]
        held = clusters(accounts, 1 + max(int(own.max()) for own in accounts))
        for suspect, asked in by_world.get(world, {}).items():
            row = rows[every[world][suspect]]
            if row.verdict not in sure:
                continue
            own = np.array(row.accounts)
            best = dict(zip(own.tolist(), best_of_others(held, sure[row.verdict][here], own).tolist(), strict=True))
            for m in asked:
                found[m] = best[members[m].account]
    return found


def fit_members(members: list[MemberRow], support: Float) -> Forest:
    """Trees for belonging, from accounts in and out of suspects that are mostly one verdict's."""
    names = [*sorted({name for row in members for name in row.bits}), "support"]
    seams = [Own(name=name, family=name, axis="member" if name not in NOT_LINKS else "context") for name in names]
    x = np.array([[row.bits.get(name, np.nan) for name in names] for row in members])
    x[:, -1] = support
    label = np.array([float(row.member) for row in members])
    weight = np.array([row.weight for row in members]) * 4
    world = np.unique([row.world for row in members], return_inverse=True)[1].astype(np.int64)
    intercept, slope = line(held_out(x, label, weight, world, seams, "member"), label, weight)
    return grow(x, label, weight, seams, "member").calibrated(intercept, slope)


def _readable(weights: Weights) -> bytes:
    """JSON with a line per array: a difference between two fits shows where."""
    text = json.dumps(msgspec.to_builtins(weights), sort_keys=True, separators=(",", ":"))
    return re.sub(r',"', ',\n"', text).encode() + b"\n"


def main(arguments: Sequence[str]) -> int:
    """Measure the worlds, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=None)
    parser.add_argument("--worlds", type=int, default=57)
    parser.add_argument("--measure-only", metavar="I:J", help="only measure worlds I to J, to share the work")
    parser.add_argument("--cache", type=Path, default=Path("out/fit"))
    chosen = parser.parse_args(arguments)
    rows: list[Row] = []
    members: list[MemberRow] = []
    first, last = (int(n) for n in (chosen.measure_only or f"0:{chosen.worlds}").split(":"))
    for i in range(first, last):
        suite, seed = SUITES[i % len(SUITES)], FIRST_SEED + i
        corpus = chosen.corpus if i % 4 != 3 else None  # every fourth world speaks the composer's own grammar
        found, own = measured(chosen.cache / f"{suite}-{seed}", suite, seed, corpus)
        rows += found
        members += own
        print(f"{suite} {seed}: {len(found)} suspects", flush=True)
    if chosen.measure_only:
        return 0
    digest = hashlib.sha256(msgspec.msgpack.encode(rows)).hexdigest()[:16]
    provenance = {
        "script": "scripts/fit.py",
        "worlds": f"{chosen.worlds} from seed {FIRST_SEED}",
        "suspects": str(len(rows)),
        "measurements": digest,
    }
    found_weights = fit(rows, members, provenance)
    TARGET.write_bytes(_readable(found_weights))
    print(f"wrote {TARGET.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
