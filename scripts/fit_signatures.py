"""Fit what a match with a campaign's signature is worth, from labelled worlds cut in two.

    python scripts/fit_signatures.py [--corpus DIR] [--worlds N] [--cache out/fit]

The first part of each world is mined and its campaigns are signed, as found, not as they were; then accounts of the
second part that the mining hardly saw are held against every signature. Probabilities come from campaigns that the
weights were not fitted on. Worlds are those of ``fit.py``. Writes src/stillwatch/campaigns/signature.json.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from fit import FIRST_SEED, SUITES
from stillwatch import pipeline
from stillwatch.campaigns.describe import at
from stillwatch.campaigns.signature import Census, best_bits, sign
from stillwatch.campaigns.traits import FAMILIES, OF_ACCOUNTS, of_accounts, of_exchanges
from stillwatch.campaigns.weighing import Weighing, speaks
from stillwatch.campaigns.weights import load_weights
from stillwatch.config import Detection
from stillwatch.model import Campaign, InputSummary
from stillwatch.tally.facts import Facts, build_facts
from stillwatch.tally.roster import Roster, build_roster
from worlds import MEASURED, SOURCE, _prints

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
TARGET = SOURCE / "campaigns/signature.json"
CUT = 0.6  # of a world's days: what is mined
SETTLED = 10  # exchanges before the cut from which an account was the mining's business
LEAST_MEMBERS = 3
CAP_BITS = 12.0
FOLDS = 5
WRONG = 1e-4  # honest accounts that may be recognised where one acts: half of what is promised
PENALTY = 1e-4
FILES = ("signature", "traits", "members", "select", "judge", "opinions")
SIGNED = hashlib.sha256(b"".join((SOURCE / f"campaigns/{name}.py").read_bytes() for name in FILES)).hexdigest()[:12]


class Pairs(msgspec.Struct):
    """Later accounts against signatures. ``best``: float32[n, families]; ``label``: 1 its campaign, 0 honest, -1 else.

    ``account``: the world's number of it; ``group``: world and true campaign, or world alone where honest.
    ``honest``: honest accounts there were, whether or not they share anything.
    """

    best: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    group: npt.NDArray[np.str_]
    honest: npt.NDArray[np.int64]


def parts(prints: pa.Table, side: pa.Table | None) -> tuple[pa.Table, pa.Table, pa.Table | None, int]:
    """(first, later, side table as it was then, cut in microseconds)."""
    us = np.asarray(prints.column("at").cast(pa.int64()))
    cut = int(us.min() + CUT * (us.max() - us.min()))
    if side is not None:
        closed = side.column("closed_at")
        then = pa.scalar(at(cut), closed.type)
        known = pc.if_else(pc.greater(closed, then), pa.scalar(None, closed.type), closed)
        side = side.set_column(side.schema.get_field_index("closed_at"), "closed_at", known)
    return prints.filter(pa.array(us < cut)), prints.filter(pa.array(us >= cut)), side, cut


def mine(first: pa.Table, side: pa.Table | None) -> tuple[Campaign, ...]:
    """Campaigns of the first part, by the shipped weights."""
    us = first.column("at").cast(pa.int64())
    summary = InputSummary(
        exchanges=first.num_rows,
        accounts=0,
        quarantined=0,
        first=at(pc.min(us).as_py()),
        last=at(pc.max(us).as_py()),
        missing_columns=(),
    )
    return pipeline.scan(first, side, summary, load_weights(), Detection())[0].campaigns


def seen(prints: pa.Table, side: pa.Table | None) -> tuple[Roster, Facts]:
    """Who was there, and what they did."""
    names = {name: prints.column(name).cast(pa.string()) for name in ("platform", "account_id")}
    roster = build_roster(pa.table({**names, "org_key": prints.column("org_key")}), side)
    return roster, build_facts(prints, roster)


def named(roster: Roster) -> list[tuple[str, str]]:
    """(platform, account id) of everybody."""
    return [(row["platform"], row["account_id"]) for row in roster.names.to_pylist()]


def pairs(folder: Path, suite: str, seed: int, corpus: Path | None) -> Pairs:
    """One world's, worked out once."""
    kept = folder / f"signed-{MEASURED}-{SIGNED}.npz"
    if not kept.exists():
        prints = _prints(folder, suite, seed, corpus)
        side = pq.read_table(folder / "accounts.parquet") if (folder / "accounts.parquet").exists() else None
        found = _pairs(folder, *parts(prints, side)[:3])
        part = kept.with_suffix(".part.npz")
        np.savez_compressed(part, **{name: getattr(found, name) for name in Pairs.__struct_fields__})
        part.rename(kept)
    with np.load(kept) as held:
        return Pairs(**{name: held[name] for name in held.files})


def _pairs(folder: Path, first: pa.Table, later: pa.Table, side: pa.Table | None) -> Pairs:
    truth = {
        (row["platform"], row["account_id"]): row["campaign"] or ""
        for row in pq.read_table(folder / "truth/truth_accounts.parquet").to_pylist()
    }
    campaigns = mine(first, side)
    roster, facts = seen(first, side)
    new_roster, new_facts = seen(later, side)
    names, new_names = named(roster), named(new_roster)
    place = {name: i for i, name in enumerate(names)}
    known = {(m.platform, m.account_id) for c in campaigns for m in c.roster}
    before = np.array([facts.per_account[place[n]] if n in place else 0 for n in new_names])
    new = (before < SETTLED) & ~new_roster.vouched & np.array([n not in known for n in new_names])
    camp = np.array([truth[n] for n in new_names])
    census = Census.of(facts, roster)
    exchanges, accounts = list(of_exchanges(new_facts.table)), list(of_accounts(new_roster.side))
    masks = {c.campaign_id: _mask(c, place, accused=True) for c in campaigns}
    anyone = np.any([_mask(c, place, accused=False) for c in campaigns] or [np.zeros(len(names), bool)], axis=0)
    best, label, account, group = [np.zeros((0, len(FAMILIES)), np.float32)], [], [], []
    for name, mask in masks.items():
        if mask.sum() < LEAST_MEMBERS:
            continue
        own = _usual([truth[names[i]] for i in np.flatnonzero(mask)])
        signature, _ = sign(census, name, mask, anyone & ~mask)
        bits = best_bits(signature, exchanges, new_facts.account, accounts, len(new_names))
        rows = np.flatnonzero(new & speaks(bits))
        best.append(bits[rows])
        account += rows.tolist()
        label += [1 if own and camp[i] == own else 0 if not camp[i] else -1 for i in rows]
        group += [f"{folder.name}/{own or camp[i]}" for i in rows]
    honest = np.array([int((new & (camp == "")).sum())])
    return Pairs(
        best=np.concatenate(best),
        label=np.array(label, np.int64),
        account=np.array(account, np.int64),
        group=np.array(group, dtype=np.str_),
        honest=honest,
    )


def _mask(campaign: Campaign, place: dict[tuple[str, str], int], *, accused: bool) -> Bool:
    found = np.zeros(len(place), dtype=bool)
    for member in campaign.roster:
        found[place[member.platform, member.account_id]] |= member.accused or not accused
    return found


def _usual(names: Sequence[str]) -> str:
    values, count = np.unique([name for name in names if name], return_counts=True)
    return str(values[count.argmax()]) if len(values) and 2 * count.max() >= len(names) else ""


def fitted(best: npt.NDArray[np.float32], label: Bool) -> Weighing:
    """Weights that are never negative, so that more evidence never lowers a probability; bits throughout."""
    lacking = [FAMILIES.index(family) for family in OF_ACCOUNTS]
    x = np.concatenate([np.clip(best, 0, CAP_BITS), np.minimum(best[:, lacking], 0)], axis=1).astype(np.float64)
    sign_of = np.where(label, 1.0, -1.0) * np.log(2.0)

    def loss(w: Float) -> float:
        return float(np.logaddexp(0, -sign_of * (x @ w[:-1] + w[-1])).mean() + PENALTY * (w[:-1] ** 2).sum())

    start = np.append(np.full(x.shape[1], 0.5), -8.0)
    w = minimize(loss, start, method="L-BFGS-B", bounds=[(0, 4)] * x.shape[1] + [(None, None)]).x
    return Weighing(
        weights={family: round(float(w[i]), 3) for i, family in enumerate(FAMILIES)},
        lacking={family: round(float(w[len(FAMILIES) + i]), 3) for i, family in enumerate(OF_ACCOUNTS)},
        base=round(float(w[-1]), 3),
        cap_bits=CAP_BITS,
        odds=(),
        chance=(),
        act=0.99,
    )


def fit(worlds: Sequence[Pairs], provenance: dict[str, str]) -> Weighing:
    """Weights on everything; probabilities by campaigns and honest accounts left out in turn."""
    best, label = np.concatenate([w.best for w in worlds]), np.concatenate([w.label for w in worlds])
    group = np.concatenate([w.group for w in worlds])
    account = np.concatenate([w.account + 10**6 * i for i, w in enumerate(worlds)])
    fold = np.array([int(hashlib.sha256(name.encode()).hexdigest(), 16) % FOLDS for name in group.tolist()])
    odds = np.zeros(len(best))
    for k in range(FOLDS):
        told = (fold != k) & (label >= 0)
        odds[fold == k] = fitted(best[told], label[told] == 1).log_odds(best[fold == k])
    # an account is named for the campaign it fits best
    order = np.lexsort((-odds, account))
    first = order[np.unique(account[order], return_index=True)[1]]
    first = first[label[first] >= 0]
    line = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip").fit(odds[first], label[first])
    x, y = _points(line)
    weighing = fitted(best[label >= 0], label[label >= 0] == 1)
    honest = int(sum(w.honest.sum() for w in worlds))
    chance = np.interp(odds[first], x, y)
    wrong = np.sort(chance[label[first] == 0])[::-1]
    act = float(np.clip(wrong[min(len(wrong) - 1, int(WRONG * honest))] + 1e-4, 0.9, 0.999))
    right = label[first] == 1
    print(f"{honest} honest accounts, {int((wrong >= act).sum())} recognised at {act:.4f}")
    print(
        f"{int(right.sum())} accounts of found campaigns share anything, {(chance[right] >= act).mean():.3f} recognised"
    )
    return msgspec.structs.replace(
        weighing,
        odds=tuple(round(float(v), 3) for v in x),
        chance=tuple(round(float(v), 5) for v in y),
        act=round(act, 4),
        provenance=provenance,
    )


def _points(line: IsotonicRegression) -> tuple[Float, Float]:
    """Middles of the steps of an isotonic line: between them probabilities rise rather than jump."""
    x, y = np.asarray(line.X_thresholds_), np.asarray(line.y_thresholds_)
    levels = np.unique(y)
    middle = np.array([x[y == level].mean() for level in levels])
    return middle, levels


def main() -> None:
    """Fit, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--worlds", type=int, default=48)
    parser.add_argument("--cache", type=Path, default=Path("out/fit"))
    asked = parser.parse_args()
    worlds = []
    for i in range(asked.worlds):
        suite, seed = SUITES[i % len(SUITES)], FIRST_SEED + i
        folder = asked.cache / f"{suite}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        worlds.append(pairs(folder, suite, seed, asked.corpus))
        print(folder.name, len(worlds[-1].label), int((worlds[-1].label == 1).sum()), flush=True)
    last = FIRST_SEED + asked.worlds - 1
    provenance = {"worlds": f"{asked.worlds}, seeds {FIRST_SEED} to {last}", "code": f"{MEASURED}-{SIGNED}"}
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(fit(worlds, provenance)), indent=1) + b"\n")


if __name__ == "__main__":
    main()
