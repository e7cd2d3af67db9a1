"""How much each node looks like a cluster, in bits per family: add-only, leave-one-out, rarity counted in nodes.

For every value the cluster's share is held against everybody else's; a node gets the bits of its *best* value of each
view, and of the best view of each family. So adding organic traffic cannot wash a link out, and two views that say the
same thing count once. What it cannot know: whether the cluster itself is worth anything; see ``null``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from stillwatch.operators.links import Arrays, Links, Scratch
from stillwatch.operators.views import View, joined

Bool = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.float32]
Int = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
PRIOR_WEIGHT = 2.0  # pseudo-members that behave like everybody
MOST_BITS = 12.0
CAUTION = 0.75  # a count of k is trusted as k less this many of its own standard deviations
LEAST_BITS = 0.5  # below this a value says nothing worth the walk over its holders
STRONG_BITS = 3.0  # 8:1 odds: such a value speaks for the cluster


@dataclass(frozen=True)
class Affinity:
    """``by_family[f]``: float32[nodes] bits (NaN where the node has no value in the family's views)."""

    by_family: Mapping[str, Bits]
    enriched: Mapping[str, Int]  # view name -> values that speak for the cluster

    def total(self) -> Bits:
        """Sum over families, unknown counting nothing."""
        if isinstance(self.by_family, Spread):
            return self.by_family.total()
        return np.asarray(np.nansum(list(self.by_family.values()), axis=0, dtype=np.float32), dtype=np.float32)


class Reach(NamedTuple):
    """The few nodes that get bits at all, family after family: ``node[ptr[f]:ptr[f + 1]]`` and their ``bits``."""

    ptr: Int
    node: Int32
    bits: Bits
    strong: Int32  # values that speak for the cluster, ascending


class Spread(Mapping[str, Bits]):
    """A reach as arrays over all nodes, made when asked for: of thousands of clusters only reaches are kept."""

    def __init__(self, links: Links, reach: Reach) -> None:
        self._links, self._reach = links, reach

    def __getitem__(self, family: str) -> Bits:
        """float32[nodes]; KeyError where no view is of this family."""
        if family not in self._links.families:
            raise KeyError(family)
        f = self._links.families.index(family)
        span = slice(self._reach.ptr[f], self._reach.ptr[f + 1])
        bits = self._links.blank[f].copy()
        bits[self._reach.node[span]] = self._reach.bits[span]
        return bits

    def total(self) -> Bits:
        """Sum over families, unknown counting nothing."""
        found = np.zeros(self._links.node_count, dtype=np.float32)
        for f in range(len(self)):
            span = slice(self._reach.ptr[f], self._reach.ptr[f + 1])
            found[self._reach.node[span]] += self._reach.bits[span]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._links.families)

    def __len__(self) -> int:
        return len(self._links.families)


def affinity(views: Sequence[View], members: Bool) -> Affinity:
    """Bits of every node for the cluster ``members`` (bool[nodes]). Cost: the holders of the members' values."""
    if not views:
        return Affinity({}, {})
    links = joined(views)
    return spread(links, reach(links, np.flatnonzero(members)))


def spread(links: Links, found: Reach) -> Affinity:
    """What a walk reached, by the names of families and views."""
    first = links.first_value
    ends = np.searchsorted(found.strong, first)
    enriched = {
        view: found.strong[ends[i] : ends[i + 1]].astype(np.int64) - first[i] for i, view in enumerate(links.views)
    }
    return Affinity(Spread(links, found), enriched)


def reach(links: Links, members: Int) -> Reach:
    """Whom the values of ``members`` (node numbers) point at, and how strongly."""
    scratch = links.lend()
    ptr, node, bits, strong = _walk(links.arrays, scratch, members)
    links.give_back(scratch)
    return Reach(ptr, node, bits, np.sort(links.original[strong]))


@nb.njit(cache=True, nogil=True)
def _log_ratio(inside: float, n_in: float, outside: float, n_out: float, base: float) -> float:
    sure = max(inside - CAUTION * np.sqrt(max(inside, 0.0)), 0.0)
    rate_in = (sure + PRIOR_WEIGHT * base) / (max(n_in, 0.0) + PRIOR_WEIGHT)
    rate_out = (outside + PRIOR_WEIGHT * base) / (n_out + PRIOR_WEIGHT)
    return np.log2(rate_in / max(rate_out, 1e-12))


@nb.njit(cache=True, nogil=True)
def _walk(links: Arrays, scratch: Scratch, members: Int) -> tuple[Int, Int32, Bits, Int32]:
    """A member's own value is left out. The scratch is blank again at the end."""
    shared, n_in = _count(links, scratch, members)
    reached = np.zeros(len(scratch.best), dtype=np.int64)
    strong = _best(links, scratch, shared, n_in, reached)
    found = scratch.value[:strong].copy()
    for i in range(len(members)):
        node = members[i]
        scratch.member[node] = False
        for e in range(links.node_ptr[node], links.node_ptr[node + 1]):
            scratch.inside[links.value_of[e]] = 0
    ptr, nodes, bits = _collect(scratch, reached)
    return ptr, nodes, bits, found


@nb.njit(cache=True, nogil=True)
def _count(links: Arrays, scratch: Scratch, members: Int) -> tuple[int, Int]:
    """(how many values two members or more have, listed in ``scratch.value``; informed members by view)."""
    n_in = np.zeros(len(links.family_of), dtype=np.int64)
    shared = 0
    for i in range(len(members)):
        node = members[i]
        scratch.member[node] = True
        for view in range(len(n_in)):
            n_in[view] += links.informed[node, view]
        for e in range(links.node_ptr[node], links.node_ptr[node + 1]):
            value = links.value_of[e]
            scratch.inside[value] += 1
            if scratch.inside[value] == 2:  # one member's own value speaks for nobody else
                scratch.value[shared] = value
                shared += 1
    return shared, n_in


@nb.njit(cache=True, nogil=True)
def _best(links: Arrays, scratch: Scratch, shared: int, n_in: Int, reached: Int) -> int:
    """Write best bits, never below 0; count by family whom they reach (listed in ``scratch.reached``).

    Return how many values have at least ``STRONG_BITS``: they stand in front in ``scratch.value`` now.
    """
    strong = 0
    for i in range(shared):
        value = scratch.value[i]
        view = links.view_of[value]
        family = links.family_of[view]
        k, n = scratch.inside[value], float(n_in[view])
        support = links.value_ptr[value + 1] - links.value_ptr[value]
        outside, n_out = float(support - k), float(links.informed_count[view]) - n
        base = float((support + 0.5) / (n + n_out + 1.0))
        out_bits = _log_ratio(float(k), n, outside, n_out, base)
        if out_bits < LEAST_BITS:  # a member's own bits are fewer still; most values of most clusters end here
            continue
        in_bits = _log_ratio(float(k - 1), n - 1.0, outside, n_out, base)
        if out_bits >= STRONG_BITS:
            scratch.value[strong] = value
            strong += 1
        own, others = np.float32(min(in_bits, MOST_BITS)), np.float32(min(out_bits, MOST_BITS))
        best = scratch.best[family]
        for e in range(links.value_ptr[value], links.value_ptr[value + 1]):
            node = links.node_of[e]
            bits = own if scratch.member[node] else others
            if bits > best[node]:
                if best[node] == 0:
                    scratch.reached[family, reached[family]] = node
                    reached[family] += 1
                best[node] = bits
    return strong


@nb.njit(cache=True, nogil=True)
def _collect(scratch: Scratch, reached: Int) -> tuple[Int, Int32, Bits]:
    """Take what was reached out of the scratch, family after family."""
    ptr = np.zeros(len(reached) + 1, dtype=np.int64)
    for family in range(len(reached)):
        ptr[family + 1] = ptr[family] + reached[family]
    nodes = np.empty(ptr[-1], dtype=np.int32)
    bits = np.empty(ptr[-1], dtype=np.float32)
    for family in range(len(reached)):
        for i in range(reached[family]):
            node = scratch.reached[family, i]
            nodes[ptr[family] + i] = node
            bits[ptr[family] + i] = scratch.best[family, node]
            scratch.best[family, node] = 0
    return ptr, nodes, bits
