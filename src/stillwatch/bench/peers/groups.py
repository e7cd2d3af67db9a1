"""From links between accounts to a number per account: at what strength does it stand in a group large enough?

Cutting a weighted graph at a strength and taking connected components is what the coordination papers do. Instead of
one cut this gives, for each account, the highest cut at which its component still has ``smallest`` accounts, so that
any threshold on the number is that cut.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from stillwatch.bench.peers.log import Float, Int


def levels(left: Int, right: Int, strength: Float, count: int, smallest: int) -> Float:
    """float64[count]: the strongest cut at which an account's component has at least ``smallest`` members; 0 for none.

    ``left``, ``right``: int64[edges] accounts, ``strength``: float64[edges], positive. Cost: a sort and a union-find,
    in which every account is written once.
    """
    found = np.zeros(count)
    leader = list(range(count))
    members = [[i] for i in range(count)]
    order = np.argsort(-strength, kind="stable")
    for a, b, level in zip(left[order].tolist(), right[order].tolist(), strength[order].tolist(), strict=True):
        one, other = _leader(leader, a), _leader(leader, b)
        if one == other:
            continue
        if len(members[one]) < len(members[other]):
            one, other = other, one
        big, small = members[one], members[other]
        leader[other] = one
        if len(big) + len(small) >= smallest:
            if len(big) < smallest:
                found[big] = level
            if len(small) < smallest:
                found[small] = level
        big.extend(small)
        members[other] = []
    return found


def _leader(leader: list[int], node: int) -> int:
    while leader[node] != node:
        leader[node] = leader[leader[node]]
        node = leader[node]
    return node


def incidence(owner: Int, value: Int, accounts: int) -> sparse.csr_matrix:
    """Binary [accounts x values]: who used what, however often. Negative values are unknown and leave no mark."""
    known = value >= 0
    width = int(value.max(initial=-1)) + 1
    ones = np.ones(int(known.sum()), np.int32)
    matrix = sparse.csr_matrix((ones, (owner[known], value[known])), (accounts, width))
    matrix.data[:] = 1
    return matrix


def shared(matrix: sparse.csr_matrix, most: int | None = None) -> tuple[Int, Int, Float]:
    """Pairs of accounts and how many values they share. ``most``: values of more accounts than this do not count.

    Cost: the sum of squared value degrees.
    """
    degree = np.asarray(matrix.sum(axis=0)).ravel()
    kept = degree >= 2 if most is None else (degree >= 2) & (degree <= most)
    narrow = matrix[:, kept]
    pairs = sparse.coo_matrix(sparse.triu(narrow @ narrow.T, k=1))
    return pairs.row.astype(np.int64), pairs.col.astype(np.int64), pairs.data.astype(np.float64)


def codes(values: list[str]) -> Int:
    """int64 code per value in order of first use, -1 for the empty string."""
    place: dict[str, int] = {}
    return np.array([place.setdefault(value, len(place)) if value else -1 for value in values], np.int64)
