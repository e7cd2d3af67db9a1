"""From a seed to its members: add what the seed's own values point at, drop what they do not, twice, within bounds.

Unbounded add-only refinement drifts (a seed of 13 has grown to 300), so growth per round is capped, a member needs two
families or one overwhelming one, and whoever falls below the odds of chance leaves again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba as nb
import numpy as np
import numpy.typing as npt

from stillwatch.operators.affinity import Affinity, Reach, reach, spread
from stillwatch.operators.links import Links, Scratch
from stillwatch.operators.views import View, joined

Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]
ROUNDS = 3
MOST_KEPT = 2_000  # walks
GROWTH = 2.0  # members per member of the round before
MARGINS_BITS = (11.0, 7.5)  # past the odds of chance, to be kept: a tight and a wide reading of every seed
FAMILY_BITS = 1.5  # for a family to count as speaking for a node
ALONE_BITS = 8.0  # for one family to suffice


@dataclass(frozen=True)
class Refined:
    """``nodes``: the members' numbers, ascending."""

    nodes: Int
    links: Links
    reach: Reach

    @cached_property
    def members(self) -> Bool:
        """bool[nodes]."""
        found = np.zeros(self.links.node_count, dtype=bool)
        found[self.nodes] = True
        return found

    @cached_property
    def affinity(self) -> Affinity:
        """Of the members."""
        return spread(self.links, self.reach)


def refine(views: Sequence[View], seed: Bool, margin_bits: float, walked: Walked | None = None) -> Refined:
    """Members of the cluster that ``seed`` (bool[nodes]) belongs to. O(rounds x links).

    ``walked``: where walks from the same members are kept, for whoever refines many seeds of the same views.
    """
    links, members = joined(views), np.flatnonzero(seed)
    walked = Walked(links) if walked is None else walked
    found = walked.reach(members)
    for _ in range(ROUNDS):
        grown = select(links, found, members, margin_bits)
        if not len(grown) or np.array_equal(grown, members):
            break
        members, found = grown, walked.reach(grown)
    return Refined(members, links, found)


class Walked:
    """The last walks over some links: seeds of one campaign, and both readings of a seed, come to the same members."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._found: dict[bytes, Reach] = {}

    def reach(self, members: Int) -> Reach:
        """``affinity.reach``, walked once."""
        key = members.astype(np.int32).tobytes()
        found = self._found.pop(key, None)
        if found is None:
            found = reach(self._links, members)
            if len(self._found) >= MOST_KEPT:
                del self._found[next(iter(self._found))]  # the one that was asked for longest ago
        self._found[key] = found
        return found


def odds_of_chance_bits(node_count: int, members: int) -> float:
    """Bits that a random node would need to overcome to be a member."""
    return float(np.log2(node_count / max(1, members)))


def select(links: Links, found: Reach, members: Int, margin_bits: float) -> Int:
    """Nodes that belong in by what was found, within the bounds on growth."""
    scratch = links.lend()
    prior = odds_of_chance_bits(links.node_count, len(members))
    nodes, bits = _past_margin(scratch, found, prior, np.float32(margin_bits))
    links.give_back(scratch)
    limit = int(GROWTH * len(members)) + 5
    if len(nodes) > limit:
        cut = np.sort(bits)[-limit]
        nodes = nodes[(bits >= cut) | np.isin(nodes, members)]
    return np.sort(nodes)


@nb.njit(cache=True, nogil=True)
def _past_margin(
    scratch: Scratch, found: Reach, prior: float, margin: np.float32
) -> tuple[Int, npt.NDArray[np.float32]]:
    """Nodes that enough families speak for, with their bits less the odds of chance. A node nobody reached has none."""
    listed = 0
    for family in range(len(found.ptr) - 1):
        for i in range(found.ptr[family], found.ptr[family + 1]):
            node, bits = found.node[i], found.bits[i]
            if scratch.total[node] == 0:
                scratch.reached[0, listed] = node
                listed += 1
            scratch.total[node] += bits
            if bits >= FAMILY_BITS:
                scratch.ways[node] += 1
            if bits >= ALONE_BITS:
                scratch.ways[node] += 2
    kept = 0
    nodes = np.empty(listed, dtype=np.int64)
    past = np.empty(listed, dtype=np.float32)
    for i in range(listed):
        node = scratch.reached[0, i]
        bits = np.float32(scratch.total[node] - prior)
        if bits >= margin and scratch.ways[node] >= 2:
            nodes[kept], past[kept] = node, bits
            kept += 1
        scratch.total[node] = 0
        scratch.ways[node] = 0
    return nodes[:kept], past[:kept]
