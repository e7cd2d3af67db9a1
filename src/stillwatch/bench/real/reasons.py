"""What each detector said of clusters that are nearly all labelled, and of clusters that hardly are.

Shapley shares in bits, as a scan reports them. It tells which measurements carry, which mislead, and which have nothing
to read; it does not tell what a detector would say if its column were there.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from stillwatch.bench.real.axis import Cluster
from stillwatch.bench.real.hop import Airdrop, Bool
from stillwatch.bench.real.measure import SURE, auc
from stillwatch.campaigns.weights import load_weights, probability

SAMPLE = 300  # clusters of each kind whose shares are worked out


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """``known``: share of clusters it measured. ``auc``: chance that it is higher in a labelled cluster.

    ``bits_struck``, ``bits_kept``: what it adds on average in clusters of each kind.
    """

    detector: str
    known: float
    auc: float | None
    bits_struck: float
    bits_kept: float


def reasons(air: Airdrop, found: list[Cluster]) -> list[Reason]:
    """One line per measurement the operator's trees read, strongest difference first. Cost: ``SAMPLE`` x all leaves."""
    forest = load_weights().operator
    share = np.array([air.struck[cluster.accounts].mean() for cluster in found])
    table = np.array([[c.x.get(name, np.nan) for name in forest.features] for c in found]).reshape(len(found), -1)
    struck, kept = share >= SURE, share <= 1 - SURE
    bits = [forest.shares_of_table(table[_spread(side)]) for side in (struck, kept)]
    rows: list[Reason] = []
    for j, name in enumerate(forest.features):
        x, known = table[:, j], ~np.isnan(table[:, j])
        if known.any():
            sided = known & (struck | kept)
            rank = auc(x[sided], struck[sided])
            rows.append(
                Reason(
                    detector=name,
                    known=round(float(known.mean()), 4),
                    auc=None if np.isnan(rank) else round(rank, 4),
                    bits_struck=_mean(bits[0][:, j]),
                    bits_kept=_mean(bits[1][:, j]),
                )
            )
    return sorted(rows, key=lambda row: (row.bits_kept - row.bits_struck, row.detector))


def unread(found: list[Cluster]) -> list[str]:
    """Measurements the trees know that no cluster had."""
    seen = {name for cluster in found for name in cluster.x}
    return [name for name in load_weights().operator.features if name not in seen]


def ceiling(found: list[Cluster]) -> float:
    """The probability of a cluster on which every measurement that was made at all says the most it can.

    The trees only ever read larger values as more suspicious on their own axis, so that nothing here can go higher.
    """
    seen = {name for cluster in found for name in cluster.x}
    return round(probability(load_weights().operator(dict.fromkeys(seen, math.inf))), 4)


def _spread(chosen: Bool) -> np.ndarray:
    where = np.flatnonzero(chosen)
    return where[np.unique(np.linspace(0, len(where) - 1, min(SAMPLE, len(where))).astype(np.int64))]


def _mean(bits: np.ndarray) -> float:
    return round(float(bits.mean()), 3) if len(bits) else 0.0
