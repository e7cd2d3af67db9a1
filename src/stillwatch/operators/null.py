"""Would unrelated accounts share this much? A permutation null, stratified, with false-discovery control.

Closed forms underestimate how often honest accounts share addresses, so the null is made by shuffling: within a stratum
(degree in the tested view, network class, country, sign-up week) nodes swap their whole rows. A candidate found in one
family is tested in the others only. It knows nothing about guilt: significant is not malicious.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from stillwatch.operators.communities import link_weights
from stillwatch.operators.views import View

Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]
ROUNDS = 60
SEED = 20_260_223


@dataclass(frozen=True)
class Significance:
    """Per candidate and family: ``p`` (float64[candidates], NaN untested) and ``lift`` in log2 over the null."""

    p: dict[str, npt.NDArray[np.float64]]
    lift: dict[str, npt.NDArray[np.float64]]
    kept: Bool


def strata(attributes: Sequence[Int], degree: Int) -> Int:
    """One code per combination of attributes and log2-degree; sparse combinations fall back to degree alone."""
    level = np.log2(degree + 1).astype(np.int64)
    code = level.copy()
    for attribute in attributes:
        finer = np.unique(np.stack([code, attribute]), axis=1, return_inverse=True)[1].astype(np.int64)
        count = np.bincount(finer)
        coarse = finer.max(initial=0) + 1 + code
        code = np.unique(np.where(count[finer] >= 20, finer, coarse), return_inverse=True)[1].astype(np.int64)
    return code


def significance(
    views: Sequence[View], candidates: Sequence[tuple[str, Bool]], attributes: Sequence[Int], q: float = 0.01
) -> Significance:
    """Test every candidate in every family it was not found in; keep those that survive Benjamini-Yekutieli at ``q``.

    Cost: rounds x (members of all candidates x their values). ``attributes``: int64[nodes] each, the strata.
    """
    if not candidates:
        return Significance({}, {}, np.zeros(0, dtype=bool))
    members = sparse.csr_matrix(np.stack([mask for _, mask in candidates], axis=1).astype(np.float32))
    found_in = np.array([name for name, _ in candidates])
    p: dict[str, npt.NDArray[np.float64]] = {}
    lift: dict[str, npt.NDArray[np.float64]] = {}
    for family in sorted({view.family for view in views}):
        observed, null = _family_null([v for v in views if v.family == family], members, attributes)
        p[family], lift[family] = _tail(observed, null)
        own = (found_in == family) | (found_in == "everything")
        if family in ("network", "payment", "signup", "session", "client"):
            own |= found_in == "infrastructure"
        p[family][own] = np.nan
    table = np.stack(list(p.values()))
    best = np.where(np.isnan(table), 1.0, table).min(axis=0) * np.maximum((~np.isnan(table)).sum(axis=0), 1)
    return Significance(p, lift, _benjamini_yekutieli(np.minimum(best, 1.0), q))


def _family_null(
    views: Sequence[View], members: sparse.csr_matrix, attributes: Sequence[Int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rng = np.random.default_rng(SEED)
    observed = np.zeros(members.shape[1])
    null = np.zeros((ROUNDS, members.shape[1]))
    for view in views:
        weight = link_weights(view).astype(np.float64)
        kept = weight > 0
        binary = view.matrix[:, kept].copy()
        binary.data[:] = 1
        degree = np.diff(binary.indptr).astype(np.int64)
        stratum = strata(attributes, degree)
        observed += _sharing(binary, members, weight[kept])
        for r in range(ROUNDS):
            null[r] += _sharing(binary[_shuffle_within(stratum, rng)], members, weight[kept])
    return observed, null


def _sharing(
    binary: sparse.csr_matrix, members: sparse.csr_matrix, weight: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Per candidate: rarity-weighted count of members that share a value with another member."""
    holders = (binary.T @ members).tocsc()
    shared = holders.copy()
    shared.data = np.where(shared.data >= 2, shared.data - 1, 0)
    return np.asarray(weight @ shared)


def _shuffle_within(stratum: Int, rng: np.random.Generator) -> Int:
    order = np.lexsort((rng.random(len(stratum)), stratum))
    home = np.lexsort((np.arange(len(stratum)), stratum))
    result = np.empty(len(stratum), dtype=np.int64)
    result[home] = order
    return result


def _tail(
    observed: npt.NDArray[np.float64], null: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Upper tail by a gamma with the null's moments, never below what the ranks allow by more than its own fit."""
    mean, var = null.mean(axis=0), null.var(axis=0) + 1e-9
    rank = (1 + (null >= observed).sum(axis=0)) / (1 + len(null))
    # heavier by a quarter than the fitted spread: the moments themselves are estimates
    var = 1.25 * var + 1.0
    shape, scale = np.maximum(mean, 0.05) ** 2 / var, var / np.maximum(mean, 0.05)
    gamma = stats.gamma.sf(observed, shape, scale=scale)
    p = np.where(rank <= 1 / (1 + len(null)) + 1e-12, np.minimum(gamma, rank), rank)
    return p, np.log2((observed + 1) / (mean + 1))


def _benjamini_yekutieli(p: npt.NDArray[np.float64], q: float) -> Bool:
    n = len(p)
    order = np.argsort(p, kind="stable")
    limit = q * np.arange(1, n + 1) / (n * (1 / np.arange(1, n + 1)).sum())
    passed = np.flatnonzero(p[order] <= limit)
    kept = np.zeros(n, dtype=bool)
    if len(passed):
        kept[order[: passed[-1] + 1]] = True
    return kept
