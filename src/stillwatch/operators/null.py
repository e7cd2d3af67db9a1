"""Would unrelated accounts share this much? A permutation null, stratified, with false-discovery control.

Closed forms underestimate how often honest accounts share addresses, so the null is made by shuffling: within a stratum
(degree in the tested view, network class, country, sign-up week) nodes swap their whole rows. A candidate found in one
family is tested in the others only. It knows nothing about guilt: significant is not malicious.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt
from scipy import stats

from stillwatch.operators.communities import link_weights
from stillwatch.operators.links import by_first_holder
from stillwatch.operators.views import View

Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
ROUNDS = 60
SEED = 20_260_223


@dataclass(frozen=True)
class Significance:
    """Per candidate and family: ``p`` (float64[candidates]) and ``lift`` in log2 over the null; NaN untested."""

    p: dict[str, Float]
    lift: dict[str, Float]
    kept: Bool


class Groups(NamedTuple):
    """Candidates as lists of nodes: ``node[ptr[i]:ptr[i + 1]]`` are the members of candidate i."""

    ptr: Int
    node: Int


class Rows(NamedTuple):
    """Links of a view that weigh anything: ``value[ptr[i]:ptr[i + 1]]`` are the values of node i."""

    ptr: Int
    value: npt.NDArray[np.int32]
    weight: Float  # by value


def strata(attributes: Sequence[Int], degree: Int) -> Int:
    """One code per combination of attributes and log2-degree; sparse combinations fall back to degree alone."""
    level = np.log2(degree + 1).astype(np.int64)
    code = level.copy()
    for attribute in attributes:
        least, most = attribute.min(initial=0), attribute.max(initial=0)
        finer = np.unique(code * (most - least + 1) + attribute - least, return_inverse=True)[1].astype(np.int64)
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
    members = [np.flatnonzero(mask) for _, mask in candidates]
    p: dict[str, Float] = {}
    lift: dict[str, Float] = {}
    for family in sorted({view.family for view in views}):
        tested = np.flatnonzero([not _speaks_for(found_in, family) for found_in, _ in candidates])
        p[family], lift[family] = (np.full(len(candidates), np.nan) for _ in range(2))
        if len(tested):
            groups = _groups([members[i] for i in tested])
            observed, null = _family_null([v for v in views if v.family == family], groups, attributes)
            p[family][tested], lift[family][tested] = _tail(observed, null)
    table = np.stack(list(p.values()))
    best = np.where(np.isnan(table), 1.0, table).min(axis=0) * np.maximum((~np.isnan(table)).sum(axis=0), 1)
    return Significance(p, lift, _benjamini_yekutieli(np.minimum(best, 1.0), q))


def _speaks_for(found_in: str, family: str) -> bool:
    """Whether a candidate was found by what a family shares, among other things."""
    infrastructure = family in ("network", "payment", "signup", "session", "client")
    return found_in in (family, "everything") or (found_in == "infrastructure" and infrastructure)


def _groups(members: Sequence[Int]) -> Groups:
    size = np.array([len(nodes) for nodes in members], dtype=np.int64)
    return Groups(np.concatenate([[0], np.cumsum(size)]), np.concatenate(members))


def _family_null(views: Sequence[View], groups: Groups, attributes: Sequence[Int]) -> tuple[Float, Float]:
    rng = np.random.default_rng(SEED)
    observed = np.zeros(len(groups.ptr) - 1)
    null = np.zeros((ROUNDS, len(observed)))
    for view in views:
        rows = _rows(view)
        degree = np.diff(rows.ptr)
        stratum = strata(attributes, degree)
        # a stratum without links swaps nothing for nothing
        live = (np.bincount(stratum, weights=degree) > 0)[stratum]
        mixing, held = np.flatnonzero(live), _only(groups, live)
        row_of = np.arange(len(degree))
        first = np.concatenate([[0], np.cumsum(np.bincount(stratum[mixing], minlength=stratum.max(initial=0) + 1))])
        observed += _sharing(rows, held, row_of)
        for r in range(ROUNDS):
            _deal(row_of, stratum, first, mixing, mixing[np.argsort(rng.random(len(stratum))[mixing])])
            null[r] += _sharing(rows, held, row_of)
    return observed, null


def _rows(view: View) -> Rows:
    weight = link_weights(view).astype(np.float64)
    kept = weight > 0
    matrix = view.matrix[:, kept]
    order, place = by_first_holder(matrix)
    return Rows(matrix.indptr.astype(np.int64), place[matrix.indices], weight[kept][order])


def _only(groups: Groups, wanted: Bool) -> Groups:
    """The candidates less the nodes that do not matter here."""
    held = wanted[groups.node]
    return Groups(np.concatenate([[0], np.cumsum(held)])[groups.ptr], groups.node[held])


@nb.njit(cache=True, nogil=True)
def _deal(row_of: Int, stratum: Int, first: Int, nodes: Int, shuffled: Int) -> None:
    """Give each of ``nodes`` the row of another of its stratum, in the order of ``shuffled`` (the same nodes).

    ``first``: of ``nodes`` stratum by stratum, where each stratum starts.
    """
    place = first.copy()
    dealt = np.empty(len(nodes), dtype=np.int64)
    for node in shuffled:
        dealt[place[stratum[node]]] = node
        place[stratum[node]] += 1
    place = first.copy()
    for node in nodes:
        row_of[node] = dealt[place[stratum[node]]]
        place[stratum[node]] += 1


@nb.njit(cache=True, nogil=True)
def _sharing(rows: Rows, groups: Groups, row_of: Int) -> Float:
    """Per candidate: rarity-weighted count of members that share a value with another member.

    Node i holds the values of row ``row_of[i]``.
    """
    found = np.zeros(len(groups.ptr) - 1)
    last = np.full(len(rows.weight), -1, dtype=np.int32)  # candidate that met a value
    for group in range(len(found)):
        bits = 0.0  # weights have 24 digits, so that sums are exact and their order does not matter
        for i in range(groups.ptr[group], groups.ptr[group + 1]):
            row = row_of[groups.node[i]]
            for e in range(rows.ptr[row], rows.ptr[row + 1]):
                value = rows.value[e]
                if last[value] == group:
                    bits += rows.weight[value]
                last[value] = group
        found[group] = bits
    return found


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
