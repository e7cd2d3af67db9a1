"""How much each node looks like a cluster, in bits per family: add-only, leave-one-out, rarity counted in nodes.

For every value the cluster's share is held against everybody else's; a node gets the bits of its *best* value of each
view, and of the best view of each family. So adding organic traffic cannot wash a link out, and two views that say the
same thing count once. What it cannot know: whether the cluster itself is worth anything; see ``null``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from stillwatch.operators.views import View

Bool = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.float32]
PRIOR_WEIGHT = 2.0  # pseudo-members that behave like everybody
MOST_BITS = 12.0
CAUTION = 0.75  # a count of k is trusted as k less this many of its own standard deviations
LEAST_BITS = 0.5  # below this a value says nothing worth the walk over its holders
STRONG_BITS = 3.0  # 8:1 odds: such a value speaks for the cluster


@dataclass(frozen=True)
class Affinity:
    """``by_family[f]``: float32[nodes] bits (NaN where the node has no value in the family's views)."""

    by_family: dict[str, Bits]
    enriched: dict[str, npt.NDArray[np.int64]]  # view name -> values that speak for the cluster

    def total(self) -> Bits:
        """Sum over families, unknown counting nothing."""
        return np.asarray(np.nansum(list(self.by_family.values()), axis=0, dtype=np.float32), dtype=np.float32)


def affinity(views: Sequence[View], members: Bool) -> Affinity:
    """Bits of every node for the cluster ``members`` (bool[nodes]). Cost: the holders of the members' values."""
    by_family: dict[str, Bits] = {}
    enriched: dict[str, npt.NDArray[np.int64]] = {}
    for view in views:
        best, enriched[view.name] = _view_bits(view, members)
        if view.family in by_family:
            np.fmax(by_family[view.family], best, out=by_family[view.family])
        else:
            by_family[view.family] = best
    return Affinity(by_family, enriched)


def _view_bits(view: View, members: Bool) -> tuple[Bits, npt.NDArray[np.int64]]:
    n_in = float((members & view.informed).sum())
    best, strong = _best_bits(
        view.matrix.indptr,
        view.matrix.indices,
        view.holders.indptr,
        view.holders.indices,
        members,
        n_in,
        float(view.informed_count) - n_in,
    )
    best[view.uninformed] = np.nan
    return best, strong


@nb.njit(cache=True, nogil=True)
def _log_ratio(inside: float, n_in: float, outside: float, n_out: float, base: float) -> float:
    sure = max(inside - CAUTION * np.sqrt(max(inside, 0.0)), 0.0)
    rate_in = (sure + PRIOR_WEIGHT * base) / (max(n_in, 0.0) + PRIOR_WEIGHT)
    rate_out = (outside + PRIOR_WEIGHT * base) / (n_out + PRIOR_WEIGHT)
    return np.log2(rate_in / max(rate_out, 1e-12))


@nb.njit(cache=True, nogil=True)
def _best_bits(  # noqa: C901 - one loop over links is the whole point
    indptr: npt.NDArray[np.int32],
    indices: npt.NDArray[np.int32],
    value_ptr: npt.NDArray[np.int32],
    holder: npt.NDArray[np.int32],
    members: Bool,
    n_in: float,
    n_out: float,
) -> tuple[Bits, npt.NDArray[np.int64]]:
    """(float32[nodes] best bits, never below 0; values of at least ``STRONG_BITS``).

    A member's own value is left out.
    """
    best = np.zeros(len(members), dtype=np.float32)
    inside = np.zeros(len(value_ptr) - 1, dtype=np.int32)
    for node in range(len(members)):
        if members[node]:
            for e in range(indptr[node], indptr[node + 1]):
                inside[indices[e]] += 1
    strong = []
    for value in range(len(inside)):
        k = inside[value]
        if k < 2:  # one member's own value speaks for nobody else
            continue
        support = value_ptr[value + 1] - value_ptr[value]
        outside = float(support - k)
        base = (support + 0.5) / (n_in + n_out + 1.0)
        out_bits = _log_ratio(float(k), n_in, outside, n_out, base)
        in_bits = _log_ratio(float(k - 1), n_in - 1.0, outside, n_out, base)
        if out_bits < LEAST_BITS:  # in_bits are fewer still; most values of most clusters end here
            continue
        if out_bits >= STRONG_BITS:
            strong.append(value)
        for e in range(value_ptr[value], value_ptr[value + 1]):
            bits = in_bits if members[holder[e]] else out_bits
            if bits > best[holder[e]]:
                best[holder[e]] = min(bits, MOST_BITS)
    found = np.empty(len(strong), dtype=np.int64)
    for i in range(len(strong)):
        found[i] = strong[i]
    return best, found
