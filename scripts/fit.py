"""Fit every weight from labelled worlds: trees from measurements to log2 odds, how sure a verdict is, who belongs.

    python scripts/fit.py [--corpus DIR] [--worlds N] [--cache out/fit]

Worlds use seeds from 2000 on; measurements of quality use seeds below 1000. Suspects of every world are measured once
and kept in the cache, so that refitting is quick. What one stage says of a world, and the next one reads, always comes
from trees that saw nothing of that world. Writes src/stillwatch/campaigns/weights.json with its provenance.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from grow import DEEP, SHALLOW, Seam, Shape, grow, held_out, line
from stillwatch.campaigns.forest import Forest
from stillwatch.campaigns.members import NOT_LINKS
from stillwatch.campaigns.opinions import AXIS_OF, CONTEXT, Clusters, clusters, context, hearsay, overlap, support
from stillwatch.campaigns.select import REST_SHARE, VOUCHED_SHARE
from stillwatch.campaigns.weights import Weights
from stillwatch.config import Detection
from stillwatch.detectors import BUILTIN
from stillwatch.detectors.alone import least, typical
from stillwatch.tally.conduct import CONDUCT
from worlds import MEASURED, OWN, SOURCE, Row, World, measured, shuffled

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
TARGET = SOURCE / "campaigns/weights.json"
SUITES = (
    *("full", "full", "blend80", "full", "full", "no_network", "full", "full"),
    *("features_only", "full", "small", "no_signup", "full", "full", "honest", "full"),
)
FIRST_SEED, WORLDS = 2000, 110
SHUFFLES = {"small": (7, 4), "full": (3, 1)}  # suite -> (its first so many worlds, permutations of each)
PURE = 0.6  # share of campaigns in a suspect from which it is weighed as one of theirs
STRAY = 0.03
MERGED_WEIGHT = 0.05
INNOCENT_WEIGHT = 0.1  # of innocent rows while deep trees grow, not while they are calibrated
CAMPAIGN_WEIGHT = 4.0  # of all suspects of one campaign together, an innocent one counting 1
HONEST_ACCOUNT, CAMPAIGN_ACCOUNTS = 0.2, 6.0  # the same among accounts alone
LEAST_SURE = -2.0  # log2 odds below which nobody would make a verdict of it
MEMBER = (*OWN, "support", "voices", "verdict", "alone")


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column, as ``grow`` asks for it: only columns of the fitted axis must not fall."""

    name: str
    family: str
    axis: str


@dataclass(frozen=True)
class Groups:
    """Suspects of more than one party, stacked: ``world`` and ``place`` (among its world's suspects) of each row."""

    rows: list[Row]
    accounts: list[Int]
    world: Int
    place: Int

    def of(self, world: int) -> Int:
        """Positions of a world's groups."""
        return np.flatnonzero(self.world == world)


def fit(worlds: Sequence[World], provenance: dict[str, str], null: Sequence[World] = ()) -> Weights:
    """Trees of accounts alone, of every axis, of how sure a verdict is, and of members. ``null``: shuffled worlds."""
    conduct, alone = fit_conduct(worlds)
    for world, odds in zip(worlds, alone, strict=True):
        _tell_alone(world, odds)
    for world in null:
        _tell_alone(world, conduct.of_table(world.conduct))
    groups = stacked(worlds)
    axes = {axis: fit_axis(groups.rows, groups.world, axis) for axis in ("operator", "harvest", "resale")}
    odds = {axis: found[1] for axis, found in axes.items()}
    heard = list(listened(groups, odds, worlds))
    sure = {kind: fit_confidence(groups, odds, [h[kind] for h in heard], kind) for kind in AXIS_OF}
    leans = np.where(odds["harvest"] >= odds["resale"], "extraction", "resale")
    said = np.where(leans == "extraction", sure["extraction"][1], sure["resale"][1])
    return Weights(
        version="3",
        operator=axes["operator"][0],
        harvest=axes["harvest"][0],
        resale=axes["resale"][0],
        solo=fit_solo(worlds, null),
        conduct=conduct,
        member=fit_members(worlds, groups, alone, leans, said),
        confidence={kind: found[0] for kind, found in sure.items()},
        provenance=provenance,
    )


def fit_conduct(worlds: Sequence[World]) -> tuple[Forest, list[Float]]:
    """Trees for an account alone, and every account's log2 odds by trees that did not see its world."""
    x = np.vstack([world.conduct for world in worlds])
    at = np.repeat(np.arange(len(worlds)), [len(world.campaign) for world in worlds])
    label = np.concatenate([world.verdict == "extraction" for world in worlds]).astype(np.float64)
    names = np.concatenate([np.char.add(f"{i}/", world.campaign) for i, world in enumerate(worlds)])
    honest = np.concatenate([world.campaign == "" for world in worlds])
    weight = np.where(honest, HONEST_ACCOUNT, np.minimum(1.0, CAMPAIGN_ACCOUNTS / _count(names)))
    learned = ~np.concatenate([world.vouched for world in worlds])
    seams = [Column(name=n, family=n, axis="harvest" if rises else "context") for n, rises in CONDUCT.items()]
    weight = np.where(learned, weight, 0.0)
    forest, odds = _calibrated(x, label, weight, at, seams, "harvest")
    return forest, np.split(odds, np.cumsum([len(world.campaign) for world in worlds])[:-1])


def _tell_alone(world: World, odds: Float) -> None:
    """Work out, in place, what the detectors of conduct would have measured."""
    for row in world.rows:
        own = odds[np.frombuffer(row.accounts, dtype=np.int32)]
        if len(own) >= 3:
            row.x |= {"each_alone": typical(own), "least_alone": least(own)}


def stacked(worlds: Sequence[World]) -> Groups:
    """Suspects of all worlds that are no account or organisation alone, and not vouched for."""
    kept = [
        (row, i, j)
        for i, world in enumerate(worlds)
        for j, row in enumerate(world.rows)
        if row.vouched < VOUCHED_SHARE and not row.solo
    ]
    accounts = [np.frombuffer(row.accounts, dtype=np.int32).astype(np.int64) for row, _, _ in kept]
    at, place = (np.array([one[k] for one in kept], dtype=np.int64) for k in (1, 2))
    return Groups([row for row, _, _ in kept], accounts, at, place)


def fit_axis(rows: Sequence[Row], world: Int, axis: str) -> tuple[Forest, Float]:
    """Trees of one axis, and every row's log2 odds by trees that did not see its world."""
    share = {"operator": "share", "harvest": "extraction", "resale": "resale"}[axis]
    label = parts([getattr(row, share) for row in rows])
    weight = weights_of(rows)
    if axis == "operator":
        # two campaigns in one are no mistake about the innocent: they teach little of what holds one together
        weight = weight * np.array([MERGED_WEIGHT if r.any_share >= PURE > r.share else 1.0 for r in rows])
    return _calibrated(table(rows), label, weight, world, BUILTIN, axis, DEEP)


def fit_solo(worlds: Sequence[World], null: Sequence[World]) -> Forest:
    """Trees for a party alone. Nothing else ties it to a harvest, so that shuffled parties teach what chance makes."""
    names = [world.name for world in worlds]
    origin = [*range(len(worlds)), *(names.index(world.name.split("~")[0]) for world in null)]
    every = zip([*worlds, *null], origin, strict=True)
    found = [(row, i) for w, i in every for row in w.rows if row.solo and row.vouched < VOUCHED_SHARE]
    rows, at = [row for row, _ in found], np.array([i for _, i in found])
    return _calibrated(table(rows), parts([r.extraction for r in rows]), weights_of(rows), at, BUILTIN, "harvest")[0]


def listened(groups: Groups, odds: dict[str, Float], worlds: Sequence[World]) -> Iterator[dict[str, dict[str, float]]]:
    """Per row and verdict what overlapping suspects of the same world say."""
    for i in range(len(worlds)):
        here = groups.of(i)
        held = clusters([groups.accounts[k] for k in here], len(worlds[i].campaign))
        claims = {kind: np.minimum(odds["operator"], odds[axis])[here] for kind, axis in AXIS_OF.items()}
        for k in here:
            shared = overlap(held, groups.accounts[k])
            yield {kind: hearsay(held, bits, *shared) for kind, bits in claims.items()}


def fit_confidence(
    groups: Groups, odds: dict[str, Float], heard: Sequence[dict[str, float]], kind: str
) -> tuple[Forest, Float]:
    """Trees for how sure a verdict is, calibrated on those suspects that would be named, and the odds of all."""
    own = [{axis: float(bits[i]) for axis, bits in odds.items()} for i in range(len(groups.rows))]
    told = [context(own[i], kind, groups.rows[i].size, heard[i]) for i in range(len(groups.rows))]
    x = np.array([[one.get(name, np.nan) for name in CONTEXT] for one in told])
    label = np.array([getattr(row, kind) for row in groups.rows])
    seams = [Column(name=n, family=n, axis="context" if n == "size" else "confidence") for n in CONTEXT]
    unseen = held_out(x, label, weights_of(groups.rows), groups.world, seams, "confidence")
    first = line(unseen, label, weights_of(groups.rows))
    chance = 1.0 / (1.0 + 2.0 ** -(first[0] + first[1] * unseen))
    size = np.array([row.size for row in groups.rows])
    named = winners(groups, np.where(chance > 0.5, (2 * chance - 1) * size, -1.0))
    intercept, slope = line(unseen[named], label[named], np.ones(len(named)))
    forest = grow(x, label, weights_of(groups.rows), seams, "confidence")
    return forest.calibrated(intercept, slope), intercept + slope * unseen


def winners(groups: Groups, worth: Float) -> Int:
    """Suspects that would be named: of more worth than what they share accounts with, world by world."""
    found: list[int] = []
    for world in np.unique(groups.world):
        here = groups.of(int(world))
        taken: set[int] = set()
        for k in here[np.argsort(-worth[here], kind="stable")].tolist():
            if worth[k] <= 0:
                break
            accounts = set(groups.accounts[k].tolist())
            if len(accounts - taken) >= REST_SHARE * len(accounts):
                taken |= accounts
                found.append(k)
    return np.array(found, dtype=np.int64)


def fit_members(worlds: Sequence[World], groups: Groups, alone: Sequence[Float], leans: Int, sure: Float) -> Forest:
    """Trees for being what the verdict says, over the sampled accounts of every suspect that anybody might name."""
    confidence = 1.0 / (1.0 + 2.0**-sure)
    columns: list[Float] = []
    label: list[Float] = []
    of_group: list[Int] = []
    for i, world in enumerate(worlds):
        here = groups.of(i)
        held = clusters([groups.accounts[k] for k in here], len(world.campaign))
        voice = {kind: np.where(leans[here] == kind, confidence[here], 0.0) for kind in AXIS_OF}
        group_at = np.full(len(world.rows), -1)
        group_at[groups.place[here]] = here
        for rows in _runs(world.own_suspect):
            k = int(group_at[world.own_suspect[rows[0]]])
            if k < 0 or sure[k] < LEAST_SURE:
                continue
            accounts = world.own_account[rows]
            most, voices = _supported(held, voice[leans[k]], groups.accounts[k], accounts)
            told = [most, voices, np.full(len(rows), sure[k]), alone[i][accounts]]
            columns.append(np.column_stack([world.own[rows].astype(np.float64), *told]))
            label.append((world.verdict[accounts] == leans[k]).astype(np.float64))
            of_group.append(np.full(len(rows), k))
    return _member_trees(np.vstack(columns), np.concatenate(label), np.concatenate(of_group), groups)


def _member_trees(x: Float, label: Float, group: Int, groups: Groups) -> Forest:
    seams = [Column(name=n, family=n, axis="context" if n in (NOT_LINKS - _RISING) else "member") for n in MEMBER]
    number = np.bincount(group, minlength=len(groups.rows))
    weight = weights_of(groups.rows)[group] / number[group]
    unseen = held_out(x, label, weight, groups.world[group], seams, "member")
    intercept, slope = line(unseen, label, weight)
    chance = 1.0 / (1.0 + 2.0 ** -(intercept + slope * unseen))
    gain = np.maximum(chance - Detection().min_member, 0.0)
    size = np.array([row.size for row in groups.rows])
    worth = np.bincount(group, weights=gain, minlength=len(groups.rows)) / np.maximum(number, 1) * size
    named = np.zeros(len(groups.rows), dtype=bool)
    named[winners(groups, worth)] = True
    at = named[group]
    intercept, slope = line(unseen[at], label[at], (1.0 / number[group])[at])
    return grow(x, label, weight, seams, "member").calibrated(intercept, slope)


_RISING = frozenset({"support", "voices", "verdict", "alone", "agreement", "falls_short", "own_harvest", "margin"})


def _supported(held: Clusters, voice: Float, accounts: Int, asked: Int) -> tuple[Float, Float]:
    most, voices = support(held, voice, accounts, *overlap(held, accounts))
    at = np.searchsorted(accounts, asked)
    return most[at], voices[at]


def _runs(ordered: Int) -> list[Int]:
    if not len(ordered):
        return []
    return np.split(np.arange(len(ordered)), np.flatnonzero(np.diff(ordered)) + 1)


def table(rows: Sequence[Row]) -> Float:
    """float64[rows, detectors] measurements, NaN unknown."""
    return np.array([[row.x.get(d.name, np.nan) for d in BUILTIN] for row in rows])


def weights_of(rows: Sequence[Row]) -> Float:
    """Suspects of one campaign share a weight, so that no campaign is learned by heart; innocent ones count 1."""
    pure = np.array([row.any_share >= PURE for row in rows])
    count = _count(np.array([f"{row.world}/{row.campaign}" if p else "" for row, p in zip(rows, pure, strict=True)]))
    return np.where(pure, CAMPAIGN_WEIGHT / count, 1.0)


def _count(names: npt.NDArray[np.str_]) -> Int:
    """How often each name is there."""
    _, inverse, count = np.unique(names, return_inverse=True, return_counts=True)
    return count[inverse]


def parts(share: Sequence[float]) -> Float:
    """Shares as labels: a stray account in twenty makes neither a campaign doubtful nor a crowd a campaign."""
    raw = np.array(share)
    return np.where(raw >= 1 - STRAY, 1.0, np.where(raw <= STRAY, 0.0, raw))


def _calibrated(
    x: Float, label: Float, weight: Float, world: Int, seams: Sequence[Seam], axis: str, shape: Shape = SHALLOW
) -> tuple[Forest, Float]:
    """Trees calibrated on worlds they did not see, and every row's log2 odds by trees that did not see its world.

    Deep trees are grown with innocent rows weighing little, or nearly all they learn is that most rows are innocent.
    """
    grown = weight * np.where((label < PURE) & (shape is DEEP), INNOCENT_WEIGHT, 1.0)
    unseen = held_out(x, label, grown, world, seams, axis, shape)
    intercept, slope = line(unseen, label, weight)
    return grow(x, label, grown, seams, axis, shape).calibrated(intercept, slope), intercept + slope * unseen


def _readable(weights: Weights) -> bytes:
    """JSON with a line per array: a difference between two fits shows where."""
    text = json.dumps(msgspec.to_builtins(weights), sort_keys=True, separators=(",", ":"))
    return re.sub(r',"', ',\n"', text).encode() + b"\n"


def shuffles(suite: str, i: int) -> int:
    """How many permutations of the i-th world are measured."""
    worlds, each = SHUFFLES.get(suite, (0, 0))
    return each if [SUITES[k % len(SUITES)] for k in range(i)].count(suite) < worlds else 0


def main(arguments: Sequence[str]) -> int:
    """Measure the worlds, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=None)
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--measure-only", metavar="I:J", help="only measure worlds I to J, to share the work")
    parser.add_argument("--cache", type=Path, default=Path("out/fit"))
    chosen = parser.parse_args(arguments)
    first, last = (int(n) for n in (chosen.measure_only or f"0:{chosen.worlds}").split(":"))
    found: list[World] = []
    null: list[World] = []
    for i in range(first, last):
        suite, seed = SUITES[i % len(SUITES)], FIRST_SEED + i
        corpus = chosen.corpus if i % 4 != 3 else None  # every fourth world speaks the composer's own grammar
        folder = chosen.cache / f"{suite}-{seed}"
        world = measured(folder, suite, seed, corpus)
        print(f"{world.name}: {len(world.rows)} suspects", flush=True)
        found.append(world)
        null += [shuffled(folder, suite, seed, corpus, k) for k in range(shuffles(suite, i))]
    if chosen.measure_only:
        return 0
    provenance = {
        "script": "scripts/fit.py",
        "worlds": f"{chosen.worlds} from seed {FIRST_SEED}",
        "shuffled": str(len(null)),
        "suspects": str(sum(len(world.rows) for world in found)),
        "code": MEASURED,
        "measurements": hashlib.sha256(b"".join(msgspec.msgpack.encode(w.rows) for w in found)).hexdigest()[:16],
    }
    TARGET.write_bytes(_readable(fit(found, provenance, null)))
    print(f"wrote {TARGET.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
