"""How much each node looks like a cluster, in bits per family: add-only, leave-one-out, rarity counted in nodes.

For every value the cluster's share is held against everybody else's; a node gets the bits of its *best* value of each
view, and of the best view of each family. So adding organic traffic cannot wash a link out, and two views that say the
same thing count once. What it cannot know: whether the cluster itself is worth anything; see ``null``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwatch.operators.views import View

Bool = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.float32]
PRIOR_WEIGHT = 2.0  # pseudo-members that behave like everybody
MOST_BITS = 12.0


@dataclass(frozen=True)
class Affinity:
    """``by_family[f]``: float32[nodes] bits (NaN where the node has no value in the family's views)."""

    by_family: dict[str, Bits]
    enriched: dict[str, npt.NDArray[np.int64]]  # view name -> values that speak for the cluster

    def total(self, without: frozenset[str] = frozenset()) -> Bits:
        """Sum over families, unknown counting nothing."""
        kept = [np.nan_to_num(bits) for family, bits in self.by_family.items() if family not in without]
        return np.sum(kept, axis=0) if kept else np.zeros(0, dtype=np.float32)


def affinity(views: Sequence[View], members: Bool) -> Affinity:
    """Bits of every node for the cluster ``members`` (bool[nodes]). O(links of the views)."""
    by_family: dict[str, Bits] = {}
    enriched: dict[str, npt.NDArray[np.int64]] = {}
    for view in views:
        bits, strong = _view_bits(view, members)
        enriched[view.name] = strong
        if view.family in by_family:
            by_family[view.family] = np.fmax(by_family[view.family], bits)
        else:
            by_family[view.family] = bits
    return Affinity(by_family, enriched)


def _view_bits(view: View, members: Bool) -> tuple[Bits, npt.NDArray[np.int64]]:
    matrix = view.matrix
    holds = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    inside_edge = members[holds]
    width = matrix.shape[1]
    inside = np.bincount(matrix.indices[inside_edge], minlength=width).astype(np.float64)
    outside = view.support - inside
    n_in = float((members & view.informed).sum())
    n_out = float(view.informed.sum()) - n_in
    base = (view.support + 0.5) / (n_in + n_out + 1.0)
    # a member's own value does not speak for it
    bits_out = _log_ratio(inside, n_in, outside, n_out, base)
    bits_in = _log_ratio(inside - 1, n_in - 1, outside, n_out, base)
    edge_bits = np.where(inside_edge, bits_in[matrix.indices], bits_out[matrix.indices])
    best = np.zeros(matrix.shape[0], dtype=np.float64)
    np.maximum.at(best, holds, edge_bits)
    result = np.where(view.informed, np.clip(best, 0, MOST_BITS), np.nan).astype(np.float32)
    strong = np.flatnonzero((bits_out >= 3.0) & (inside >= 2))
    return result, strong


def _log_ratio(
    inside: npt.NDArray[np.float64],
    n_in: float,
    outside: npt.NDArray[np.float64],
    n_out: float,
    base: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    rate_in = (np.maximum(inside, 0) + PRIOR_WEIGHT * base) / (max(n_in, 0) + PRIOR_WEIGHT)
    rate_out = (outside + PRIOR_WEIGHT * base) / (n_out + PRIOR_WEIGHT)
    return np.log2(rate_in / np.maximum(rate_out, 1e-12))
