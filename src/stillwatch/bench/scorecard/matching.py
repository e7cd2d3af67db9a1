"""Found campaigns held against planned ones: who matches whom, and what was split or merged.

Matching is one to one, by the assignment that makes the summed Jaccard overlap of accused with planned accounts largest
(the Hungarian method; Kuhn 1955, as scipy's ``linear_sum_assignment`` does it). Splits and merges are counted on the
same overlaps and do not depend on the assignment. What it does not know: whether a split was two crews of one operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from stillwatch.bench.scorecard.truth import Account

PART = 0.1  # share of a found campaign's accounts, or of a planned one's, from which a stray few are a part
MOST = 0.5


@dataclass(frozen=True, kw_only=True)
class Matching:
    """``found_for``: planned campaign -> position of the found one assigned to it. ``jaccard``: of those pairs.

    ``split_into``: planned campaign -> how many found ones hold a part of it (only where there are any).
    ``holds``: per found campaign the planned ones of which it holds a part.
    """

    found_for: dict[str, int]
    jaccard: dict[str, float]
    split_into: dict[str, int]
    holds: tuple[tuple[str, ...], ...]

    @property
    def splits(self) -> int:
        """Found campaigns that were one too many."""
        return sum(count - 1 for count in self.split_into.values())

    @property
    def merges(self) -> int:
        """Planned campaigns that were one too many within a found one."""
        return sum(max(0, len(names) - 1) for names in self.holds)


def match(planned: Mapping[str, frozenset[Account]], found: Sequence[frozenset[Account]]) -> Matching:
    """Of sets of accounts. O(planned x found) set intersections."""
    names = sorted(planned)
    common = np.array([[len(planned[name] & own) for own in found] for name in names], dtype=float)
    common = common.reshape(len(names), len(found))
    size = np.array([len(planned[name]) for name in names], dtype=float)
    reach = np.array([len(own) for own in found], dtype=float)
    jaccard = common / np.maximum(size[:, None] + reach[None, :] - common, 1.0)
    row, column = linear_sum_assignment(-jaccard)
    pairs = [(int(i), int(j)) for i, j in zip(row, column, strict=True) if common[i, j] > 0]
    held = _held(common, size, reach)
    return Matching(
        found_for={names[i]: j for i, j in pairs},
        jaccard={names[i]: round(float(jaccard[i, j]), 4) for i, j in pairs},
        split_into={names[i]: int(held[i].sum()) for i in range(len(names)) if held[i].any()},
        holds=tuple(tuple(names[i] for i in np.flatnonzero(held[:, j])) for j in range(len(found))),
    )


def _held(
    common: npt.NDArray[np.float64], size: npt.NDArray[np.float64], reach: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """bool[planned, found]: a tenth of either side, where that is more than one stray account or all there is."""
    real = (common >= 2) | (common >= MOST * size[:, None])
    return (common > 0) & real & ((common >= PART * reach[None, :]) | (common >= PART * size[:, None]))
