"""Scores of wallets held against labels: precision and recall at cuts, rank quality, calibration, and by stratum.

What it cannot tell: how many of the wallets that were kept have the same owner all the same. Precision against these
labels is a lower bound where labels are missing, and recall is of what Hop found, not of what there was.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from scipy import stats

from stillwatch.bench.real.axis import Cluster
from stillwatch.bench.real.hop import Airdrop, Bool, Float

CUTS = (0.1, 0.3, 0.5, 0.7, 0.9)
NAMED = 0.5
EDGES = (0.0, 1e-9, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PRECISIONS = (0.9, 0.95, 0.99)
SIZES = (2, 4, 6, 10, 20, 50, 1_000_000)
SURE = 0.8  # share of labelled members from which a cluster stands for the labelled, and 1 - SURE for the others


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """Wallets with at least this score. ``recall_by_label``: how they were struck off -> share named."""

    least: float
    named: int
    precision: float | None
    recall: float
    recall_by_label: dict[str, float]


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """What has a probability in a range: what was said on average, and the share that was struck off."""

    above: float
    to: float
    count: int
    said: float | None
    struck: float | None


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Clusters of at least ``least`` wallets and fewer than ``below``.

    ``said_of_struck``: median probability of those that are mostly struck off.
    """

    least: int
    below: int
    clusters: int
    mostly_struck: int
    named: int
    said_of_struck: float | None


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """How well a score orders wallets. ``top_precision``: of the ``top`` highest, ties broken by expectation.

    ``recall_at``: precision -> the most recall that some threshold reaches at no less than it, chosen on these labels
    and so a bound, not a promise; 0 where none does.
    """

    auc: float
    auc_by_label: dict[str, float]
    top: int
    top_precision: float
    recall_at: dict[str, float]
    cut: Cut


def auc(score: Float, positive: Bool) -> float:
    """Chance that a positive outranks a negative, ties half. NaN where either kind is missing."""
    ahead, n = int(positive.sum()), len(positive)
    if not 0 < ahead < n:
        return float("nan")
    ranks = stats.rankdata(score)[positive].sum()
    return float((ranks - ahead * (ahead + 1) / 2) / (ahead * (n - ahead)))


def cut_at(air: Airdrop, score: Float, least: float) -> Cut:
    """Everyone with at least this score against the labels."""
    named = score >= least
    label = np.array(air.standing)
    kinds = sorted({s for s in air.standing if s.startswith("struck")})
    return Cut(
        least=least,
        named=int(named.sum()),
        precision=round(float(air.struck[named].mean()), 4) if named.any() else None,
        recall=round(float(named[air.struck].mean()), 4),
        recall_by_label={kind: round(float(named[label == kind].mean()), 4) for kind in kinds},
    )


def ranked(air: Airdrop, score: Float, least: float, top: int) -> Ranked:
    """Rank quality over all wallets and, per kind of label, against all wallets that were kept."""
    label = np.array(air.standing)
    by_label: dict[str, float] = {}
    for kind in sorted({s for s in air.standing if s.startswith("struck")}):
        held = ~air.struck | (label == kind)
        by_label[kind] = round(auc(score[held], air.struck[held]), 4)
    return Ranked(
        auc=round(auc(score, air.struck), 4),
        auc_by_label=by_label,
        top=top,
        top_precision=round(precision_of_top(score, air.struck, top), 4),
        recall_at={
            f"{least_precision:.2f}": most_recall(score, air.struck, least_precision) for least_precision in PRECISIONS
        },
        cut=cut_at(air, score, least),
    )


def precision_of_top(score: Float, positive: Bool, top: int) -> float:
    """Share of positives among the ``top`` highest scores, where those that tie at the edge count by their share."""
    if not 0 < top <= len(score):
        return float("nan")
    edge = np.sort(score)[-top]
    above, at = score > edge, score == edge
    return float((positive[above].sum() + (top - above.sum()) * positive[at].mean()) / top)


def most_recall(score: Float, positive: Bool, precision: float) -> float:
    """The largest share of positives at or above a threshold of at least this precision. A score of 0 names nobody."""
    order = np.argsort(-score, kind="stable")
    held, hit = score[order], np.cumsum(positive[order])
    ends = np.flatnonzero(np.append(held[1:] < held[:-1], True) & (held > 0))  # ties are named together
    good = ends[hit[ends] >= precision * (ends + 1)]
    return round(float(hit[good].max(initial=0) / max(1, int(positive.sum()))), 4)


def calibration(air: Airdrop, score: Float) -> list[Bin]:
    """Reliability over ``EDGES``; the first bin holds those in no cluster at all."""
    return _bins(score, air.struck)


def strata(air: Airdrop, score: Float) -> dict[str, dict[str, float]]:
    """Standing -> wallets, how many are named at ``NAMED``, and their share."""
    label, named = np.array(air.standing), score >= NAMED
    return {
        kind: {
            "wallets": int(n),
            "named": int(named[label == kind].sum()),
            "share": round(float(named[label == kind].mean()), 4),
        }
        for kind, n in sorted(Counter(air.standing).items())
    }


def by_cluster(air: Airdrop, found: list[Cluster]) -> dict[str, Any]:
    """How clusters at ``NAMED`` and Hop's groups lie on each other."""
    sure = [cluster for cluster in found if cluster.probability >= NAMED]
    share = [float(air.struck[cluster.accounts].mean()) for cluster in sure]
    one: list[float] = []
    for cluster in sure:
        group = air.group[cluster.accounts]
        if (group >= 0).any():
            one.append(float(np.unique(group[group >= 0], return_counts=True)[1].max() / (group >= 0).sum()))
    named = scores_named(sure, len(air.names))
    # what judging had to choose from: whoever stands in some cluster that is nearly all struck off, whatever its odds
    proposed = scores_named([c for c in found if air.struck[c.accounts].mean() >= SURE], len(air.names))
    groups = np.unique(air.group[air.group >= 0])
    covered = [float(named[air.group == group].mean()) for group in groups]
    return {
        "clusters": len(found),
        "clusters_named": len(sure),
        "clusters_by_probability": reliability(air, found),
        "highest_probability": round(max((c.probability for c in found), default=0.0), 4),
        "median_size_named": float(np.median([len(c.accounts) for c in sure])) if sure else None,
        "named_mostly_struck": round(float(np.mean([s >= NAMED for s in share])), 4) if share else None,
        "struck_members_of_one_group_median": round(float(np.median(one)), 4) if one else None,
        "struck_in_mostly_struck_clusters": round(float(proposed[air.struck].mean()), 4),
        "hop_groups": len(groups),
        "hop_groups_half_proposed": sum(v >= NAMED for v in (float(proposed[air.group == g].mean()) for g in groups)),
        "hop_groups_half_named": int(sum(c >= NAMED for c in covered)),
        "hop_groups_untouched": int(sum(c == 0 for c in covered)),
    }


def reliability(air: Airdrop, found: list[Cluster]) -> list[Bin]:
    """Clusters by the probability said of them, and how many of them are mostly wallets that were struck off."""
    said = np.array([cluster.probability for cluster in found])
    mostly = np.array([air.struck[cluster.accounts].mean() >= SURE for cluster in found])
    return _bins(said, mostly)


def by_size(air: Airdrop, found: list[Cluster]) -> list[Size]:
    """What was found and named, by how many wallets a cluster holds."""
    size = np.array([len(cluster.accounts) for cluster in found])
    said = np.array([cluster.probability for cluster in found])
    mostly = np.array([air.struck[cluster.accounts].mean() >= SURE for cluster in found])
    rows: list[Size] = []
    for least, below in pairwise(SIZES):
        held = (size >= least) & (size < below)
        rows.append(
            Size(
                least=least,
                below=below,
                clusters=int(held.sum()),
                mostly_struck=int((held & mostly).sum()),
                named=int((held & (said >= NAMED)).sum()),
                said_of_struck=round(float(np.median(said[held & mostly])), 4) if (held & mostly).any() else None,
            )
        )
    return rows


def _bins(score: Float, right: Bool) -> list[Bin]:
    found: list[Bin] = []
    for low, high in pairwise(EDGES):
        held = (score >= low) & ((score < high) | (high == 1.0))
        said = round(float(score[held].mean()), 4) if held.any() else None
        struck = round(float(right[held].mean()), 4) if held.any() else None
        found.append(Bin(above=low, to=high, count=int(held.sum()), said=said, struck=struck))
    return found


def scores_named(found: list[Cluster], count: int) -> Bool:
    """bool[count]: whoever any of these clusters holds."""
    named = np.zeros(count, bool)
    for cluster in found:
        named[cluster.accounts] = True
    return named
