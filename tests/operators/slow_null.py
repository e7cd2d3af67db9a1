"""The permutation null in sets and counters, to hold the compiled one against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from stillwatch.operators.communities import link_weights
from stillwatch.operators.null import ROUNDS, SEED, strata
from stillwatch.operators.views import View


def family_null(
    views: Sequence[View], masks: Sequence[np.ndarray], attributes: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(float64[candidates] as observed, float64[rounds, candidates] as permuted)."""
    rng = np.random.default_rng(SEED)
    observed, null = np.zeros(len(masks)), np.zeros((ROUNDS, len(masks)))
    for view in views:
        weight = link_weights(view).astype(np.float64)
        rows = [[v for v in row.indices.tolist() if weight[v] > 0] for row in view.matrix]
        stratum = strata(attributes, np.array([len(row) for row in rows], dtype=np.int64))
        observed += [sharing(rows, mask, weight) for mask in masks]
        for r in range(ROUNDS):
            order = shuffle_within(stratum, rng)
            null[r] += [sharing([rows[i] for i in order], mask, weight) for mask in masks]
    return observed, null


def sharing(rows: Sequence[Sequence[int]], mask: np.ndarray, weight: np.ndarray) -> float:
    """Rarity-weighted count of members that share a value with another member."""
    count = Counter(value for node in np.flatnonzero(mask).tolist() for value in rows[node])
    return sum((float(weight[value]) * (times - 1) for value, times in count.items()), 0.0)


def shuffle_within(stratum: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whose row each node gets."""
    order = np.lexsort((rng.random(len(stratum)), stratum))
    home = np.lexsort((np.arange(len(stratum)), stratum))
    result = np.empty(len(stratum), dtype=np.int64)
    result[home] = order
    return result
