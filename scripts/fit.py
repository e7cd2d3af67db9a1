"""Fit every weight from labelled worlds: curves from measurement to bits, and how families add up.

    python scripts/fit.py [--corpus DIR] [--worlds N] [--cache out/fit]

Worlds use seeds from 1000 on; measurements of quality use seeds below 1000. Suspects of every world are measured once
and kept in the cache, so that refitting is quick. Writes src/stillwatch/campaigns/weights.json with its provenance.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from stillwatch import pipeline, tables
from stillwatch.campaigns.judge import Judged, measure
from stillwatch.campaigns.members import own_evidence
from stillwatch.campaigns.select import VOUCHED_SHARE
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.campaigns.weights import MOST_RETURN, MOST_SUPPORT, Curve, Joint, Odds, Weights
from stillwatch.compose import compose, write_world
from stillwatch.detectors import BUILTIN
from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.text import load_model

Float = npt.NDArray[np.float64]
SOURCE = Path(__file__).parents[1] / "src/stillwatch"
TARGET = SOURCE / "campaigns/weights.json"
SUITES = (
    "full",
    "small",
    "full",
    "small",
    "full",
    "blend80",
    "full",
    "small",
    "full",
    "no_network",
    "full",
    "features_only",
)
FIRST_SEED = 1000
PURE, INNOCENT = 0.6, 0.1  # share of one campaign in a suspect that makes it that campaign, or of all that clears it
MEMBER_SHARE = 0.5  # suspects this impure still teach who does not belong
MOST_BITS = 5.0
LEAST_CLAIM = -3.0  # log2 odds below which nobody would make a verdict of it
AXES = ("operator", "harvest", "resale")
ONE_PARTY = frozenset(
    {
        "enterprise",
        "startup_team",
        "family",
        "academic_group",
        "aggregator",
        "saas_backend",
        "class",
        "hackathon",
        "conference",
    }
)
# of the code that measures: a change there measures again
MEASURING = (
    *(p for d in ("detectors", "operators", "tally") for p in sorted((SOURCE / d).glob("*.py"))),
    *(SOURCE / "campaigns" / name for name in ("suspects.py", "members.py")),
)
MEASURED = hashlib.sha256(b"".join(p.read_bytes() for p in MEASURING)).hexdigest()[:12]


class Row(msgspec.Struct):
    """One suspect: measurements, and what it really was. ``share``: of its accounts in ``campaign``, the commonest."""

    world: str
    solo: bool
    size: int
    campaign: str
    verdict: str
    share: float
    any_share: float
    look_alike: str
    vouched: float
    x: dict[str, float]


class MemberRow(msgspec.Struct):
    """One account beside one suspect that is a campaign. ``weight`` makes campaigns count alike."""

    world: str
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
            members += truth.members(suspect, row)
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
            look_alike=str(classes[seen.argmax()]),
            vouched=suspect.vouched_share,
            x={name: found.x for name, found in measure(suspect, BUILTIN).items()},
        )

    def members(self, suspect: Suspect, row: Row) -> list[MemberRow]:
        judged = Judged(suspect=suspect, evidence=(), operator=0, harvest=0, resale=0)
        accounts, bits, _ = own_evidence(judged)
        belongs = self.campaign[accounts] == row.campaign
        return [
            MemberRow(
                world=self.world,
                member=bool(belongs[i]),
                bits={family: float(values[i]) for family, values in bits.items() if not np.isnan(values[i])},
                weight=1.0 / len(accounts),
            )
            for i in range(len(accounts))
        ]


def curve(x: Float, label: Float, weight: Float) -> Curve | None:
    """Monotone log2 likelihood ratio of label 1 against 0 at x; None where there is too little to tell."""
    if label.sum() < 5 or (1 - label).sum() < 5 or np.ptp(x) == 0:
        return None
    balanced = weight * np.where(label == 1, 1 / weight[label == 1].sum(), 1 / weight[label == 0].sum())
    fit = IsotonicRegression(y_min=0.02, y_max=0.98, increasing=True, out_of_bounds="clip").fit(x, label, balanced)
    low, high = np.quantile(x, [0.005, 0.995]).tolist()
    spread = np.linspace(low, high, 13)  # where quantiles crowd at one value
    knots = np.unique(np.concatenate([np.quantile(x, np.linspace(0.01, 0.99, 21)), spread]).round(4))
    # three neighbouring knots are averaged: steps of an isotonic fit are accidents of the sample
    p = np.convolve(np.pad(fit.predict(knots), 1, mode="edge"), np.ones(3) / 3, mode="valid")
    bits = np.clip(np.log2(p / (1 - p)), -MOST_BITS, MOST_BITS)
    return Curve(x=tuple(np.round(knots, 5).tolist()), bits=tuple(np.round(bits, 4).tolist()))


def odds(features: Float, label: Float, weight: Float, names: Sequence[str], most: float = 1.2) -> Odds:
    """Logistic regression with weights in 0..``most`` (bits are already likelihood ratios; correlation only lowers)."""

    def loss(theta: Float) -> tuple[float, Float]:
        z = (features @ theta[1:] + theta[0]) * np.log(2)
        p = 1 / (1 + np.exp(-z))
        value = -(weight * (label * np.log(p + 1e-12) + (1 - label) * np.log(1 - p + 1e-12))).sum()
        slope = weight * (p - label) * np.log(2)
        pull = 0.3 * (theta[1:] - 0.5)
        return value + 0.15 * ((theta[1:] - 0.5) ** 2).sum(), np.concatenate([[slope.sum()], features.T @ slope + pull])

    start = np.concatenate([[-2.0], np.full(features.shape[1], 0.5)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-15, 15)] + [(0.0, most)] * features.shape[1])
    return Odds(
        intercept=round(float(found.x[0]), 4),
        families={n: round(float(w), 4) for n, w in zip(names, found.x[1:], strict=True)},
    )


def family_bits(rows: Sequence[Row], axis: str, curves: dict[str, Curve], prefix: str) -> tuple[Float, list[str]]:
    """float64[rows, families]: strongest bits of each family, and the families."""
    detectors = [d for d in BUILTIN if d.axis == axis and prefix + d.name in curves]
    families = sorted({d.family for d in detectors})
    table = np.zeros((len(rows), len(families)))
    for i, row in enumerate(rows):
        for detector in detectors:
            if detector.name in row.x:
                bits = curves[prefix + detector.name](row.x[detector.name])
                j = families.index(detector.family)
                if abs(bits) > abs(table[i, j]):
                    table[i, j] = bits
    return table, families


def fit_axis(
    rows: Sequence[Row], label: Float, weight: Float, axis: str, prefix: str, curves: dict[str, Curve]
) -> Odds:
    """Curves of one axis's detectors, added to ``curves``, and their odds."""
    for detector in BUILTIN:
        if detector.axis == axis:
            known = np.array([detector.name in row.x for row in rows])
            x = np.array([row.x.get(detector.name, 0.0) for row in rows])
            found = curve(x[known], label[known], weight[known])
            if found is not None:
                curves[prefix + detector.name] = found
    table, families = family_bits(rows, axis, curves, prefix)
    return odds(table, label, weight, families)


def bits_of(rows: Sequence[Row], axis: str, of: Odds, curves: dict[str, Curve]) -> Float:
    """log2 odds of one axis per row."""
    table, families = family_bits(rows, axis, curves, "")
    return of.intercept + table @ np.array([of.families[family] for family in families])


def looks_run(rows: Sequence[Row], operator: Odds, curves: dict[str, Curve]) -> Float:
    """Chance of one operator."""
    return 1.0 / (1.0 + 2.0 ** -(bits_of(rows, "operator", operator, curves)))


def lent(operator: Float) -> Float:
    """As ``weights.support`` does."""
    return np.clip(operator, -MOST_RETURN, MOST_SUPPORT)


def returned(harvest: Float) -> Float:
    """As ``weights.in_return`` does."""
    return np.clip(harvest, -MOST_RETURN, MOST_RETURN)


def joint(operator: Float, harvest: Float, label: Float, weight: Float) -> Joint:
    """Calibration of one axis given both, with its natural prevalence among suspects."""
    found = odds(np.stack([operator, harvest], axis=1), label, weight, ("operator", "harvest"))
    return Joint(intercept=found.intercept, **found.families)


def weights_of(rows: Sequence[Row], positive: Float) -> Float:
    """Suspects of one campaign share a weight of 4, so that no campaign is learned by heart; innocent ones count 1."""
    key = [f"{row.world}/{row.campaign}" if yes else "" for row, yes in zip(rows, positive, strict=True)]
    names, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.where(positive == 1, 4.0 / count[inverse], 1.0) if len(names) else np.ones(len(rows))


def fit(rows: list[Row], members: list[MemberRow], provenance: dict[str, str]) -> Weights:
    """Curves and odds of every axis."""
    curves: dict[str, Curve] = {}
    clear = [r for r in rows if r.vouched < VOUCHED_SHARE and (r.share >= PURE or r.any_share <= INNOCENT)]
    groups = [r for r in clear if not r.solo]
    run_together = np.array([float(r.share >= PURE) for r in groups])
    # honest people who really are one party say less about what unrelated people share
    apart = np.array([1.0 if r.share >= PURE or r.look_alike not in ONE_PARTY else 0.3 for r in groups])
    harvests = np.array([float(r.share >= PURE and r.verdict == "extraction") for r in groups])
    resold = np.array([float(r.share >= PURE and r.verdict == "resale") for r in groups])
    operator = fit_axis(groups, run_together, weights_of(groups, run_together) * apart, "operator", "", curves)
    # what an operator does is told apart among those that look run together: nobody else gets that far
    near = weights_of(groups, run_together) * looks_run(groups, operator, curves)
    harvest = fit_axis(groups, harvests, near, "harvest", "", curves)
    resale = fit_axis(groups, resold, near, "resale", "", curves)
    bits = [bits_of(groups, axis, odds_, curves) for axis, odds_ in zip(AXES, (operator, harvest, resale), strict=True)]
    alone = [r for r in clear if r.solo]
    solo_label = np.array([float(r.verdict == "extraction") for r in alone])
    solo = fit_axis(alone, solo_label, weights_of(alone, solo_label), "harvest", "solo:", curves)
    given = (
        joint(bits[0], returned(bits[1]), run_together, weights_of(groups, run_together)),
        joint(lent(bits[0]), bits[1], harvests, near),
        joint(lent(bits[0]), bits[2], resold, near),
    )
    both = (
        given[0](bits[0], returned(bits[1])),
        given[1](lent(bits[0]), bits[1]),
        given[2](lent(bits[0]), bits[2]),
    )
    return Weights(
        version="1",
        curves=curves,
        operator=operator,
        harvest=harvest,
        resale=resale,
        solo=solo,
        member=fit_members(members),
        operator_given=given[0],
        harvest_given=given[1],
        resale_given=given[2],
        confidence={
            "extraction": confidence(groups, harvests, *both[:2], both[2]),
            "resale": confidence(groups, resold, both[0], both[2], both[1]),
        },
        provenance=provenance,
    )


def confidence(rows: Sequence[Row], label: Float, operator: Float, axis: Float, rival: Float) -> Joint:
    """How often a verdict is right, from the weaker of its two axes: suspects that the rival verdict does not claim."""
    kept = (axis >= rival) & (np.minimum(operator, axis) > LEAST_CLAIM)
    chosen = [row for row, keep in zip(rows, kept, strict=True) if keep]
    key = [f"{r.world}/{r.campaign}" if r.campaign and r.share >= PURE else f"{i}" for i, r in enumerate(chosen)]
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    bits = np.minimum(operator, axis)[kept]
    found = odds(
        np.stack([bits, 0 * bits], axis=1), label[kept], 1.0 / count[inverse], ("operator", "harvest"), most=3.0
    )
    return Joint(intercept=found.intercept, operator=found.families["operator"], harvest=0.0)


def fit_members(members: list[MemberRow]) -> Odds:
    """Odds of belonging, from accounts in and out of suspects that are mostly one campaign."""
    families = sorted({family for row in members for family in row.bits})
    table = np.array([[row.bits.get(family, 0.0) for family in families] for row in members])
    label = np.array([float(row.member) for row in members])
    return odds(table, label, np.array([row.weight for row in members]) * 4, families)


def main(arguments: Sequence[str]) -> int:
    """Measure the worlds, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=None)
    parser.add_argument("--worlds", type=int, default=12)
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
    TARGET.write_bytes(json.dumps(msgspec.to_builtins(found_weights), indent=1, sort_keys=True).encode() + b"\n")
    print(f"wrote {TARGET.name}: {len(found_weights.curves)} curves")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
