"""Which links of a campaign are drawn, and where their accounts stand.

Of a large campaign the strongest links alone are a scatter of unconnected pairs, so the drawn part is grown: from the
strongest link on, always the strongest that touches an account already drawn.

Stress majorisation over hop distances, one connected part at a time, packed side by side: deterministic, and quick for
the few hundred links a person can look at. It does not know what a link means; nearness is hops, not bits.
Source: E. R. Gansner, Y. Koren, S. North, "Graph Drawing by Stress Majorization" (2004), section 2.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, shortest_path
from scipy.spatial.distance import cdist

from stillwatch.model import Campaign, Link

LINK_LIMIT = 300
_ROUNDS = 40
_NEARER = 0.7  # far accounts are drawn nearer than their hops, or a chain would leave the page
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """An account at ``x, y`` in hops; ``member`` is its position in the roster."""

    member: int
    x: float
    y: float
    links: int


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """``links`` join positions in the roster, strongest first. What is not drawn is counted."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    links_left_out: int
    accounts_left_out: int


def graph(campaign: Campaign, most_links: int = LINK_LIMIT) -> Graph:
    """The strong core of a campaign's links, and places for the accounts they join. Cost: O(accounts²) of each part."""
    links = grown(campaign.links, most_links)
    members = sorted({end for link in links for end in (link.left, link.right)})
    place = {member: index for index, member in enumerate(members)}
    ends = np.array([[place[link.left], place[link.right]] for link in links], dtype=np.int64).reshape(-1, 2)
    spots = _positions(len(members), ends)
    degree = np.bincount(ends.ravel(), minlength=len(members))
    nodes = tuple(
        Node(member=member, x=float(spots[i, 0]), y=float(spots[i, 1]), links=int(degree[i]))
        for i, member in enumerate(members)
    )
    return Graph(
        nodes=nodes,
        links=links,
        links_left_out=len(campaign.links) - len(links),
        accounts_left_out=len(campaign.roster) - len(members),
    )


def grown(links: Sequence[Link], most: int) -> tuple[Link, ...]:
    """At most ``most`` links, strongest first, grown from the strongest; from the next strongest where a part ends."""
    ordered = sorted(links, key=lambda link: (-link.bits, link.left, link.right))
    touching: dict[int, list[int]] = defaultdict(list)
    for rank, link in enumerate(ordered):
        touching[link.left].append(rank)
        touching[link.right].append(rank)
    taken: set[int] = set()
    reached: set[int] = set()
    waiting: list[int] = []
    fresh = 0
    while len(taken) < min(most, len(ordered)):
        if not waiting:
            while fresh in taken:
                fresh += 1
            waiting = [fresh]
        rank = heapq.heappop(waiting)
        if rank in taken:
            continue
        taken.add(rank)
        for end in {ordered[rank].left, ordered[rank].right} - reached:
            reached.add(end)
            for other in touching[end]:
                heapq.heappush(waiting, other)
    return tuple(ordered[rank] for rank in sorted(taken))


def _positions(size: int, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    if size == 0:
        return np.zeros((0, 2))
    ones = np.ones(len(ends))
    joined = csr_array((ones, (ends[:, 0], ends[:, 1])), shape=(size, size))
    parts, part_of = connected_components(joined, directed=False)
    drawn = []
    for part in range(parts):
        inside = np.flatnonzero(part_of == part)
        drawn.append((inside, _stress(joined[inside][:, inside])))
    return _packed(size, drawn)


def _stress(joined: csr_array) -> NDArray[np.float64]:
    """Places of one connected part, its hop distances kept as well as two dimensions allow."""
    size = joined.shape[0]
    if size == 1:
        return np.zeros((1, 2))
    hops = shortest_path(joined, directed=False, unweighted=True) ** _NEARER
    spots = _first_places(hops)
    np.fill_diagonal(hops, 1.0)
    weight = hops**-2.0
    np.fill_diagonal(weight, 0.0)
    pull = weight * hops
    total = weight.sum(axis=1)
    for _ in range(_ROUNDS):
        length = cdist(spots, spots)
        ratio = np.divide(pull, length, out=np.zeros_like(pull), where=length > 1e-9)
        # one localised step towards the minimum of the majorising form, for all accounts at once
        spots = (weight @ spots + spots * ratio.sum(axis=1)[:, None] - ratio @ spots) / total[:, None]
    across = spots if np.ptp(spots[:, 0]) >= np.ptp(spots[:, 1]) else spots[:, ::-1]  # pages are wide
    return across - across.mean(axis=0)


def _first_places(hops: NDArray[np.float64]) -> NDArray[np.float64]:
    """Classical scaling of the distances (so that long chains do not start in a knot), and a spiral to part twins."""
    size = len(hops)
    squares = hops**2
    centred = -0.5 * (squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean())
    turn = np.arange(size) * _GOLDEN_ANGLE
    spiral = np.column_stack([np.cos(turn), np.sin(turn)]) * np.sqrt((np.arange(size) + 0.5) / size)[:, None]
    basis = spiral
    for _ in range(_ROUNDS):  # subspace iteration: a full eigendecomposition would cost more than all the rest
        basis, _ = np.linalg.qr(centred @ basis)
    spread = np.sqrt(np.abs(np.einsum("ik,ik->k", basis, centred @ basis)))
    return basis * spread + 0.3 * spiral


def _packed(size: int, drawn: list[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Puts the parts in rows, the widest first, about twice as wide as high."""
    boxes = [spots.max(axis=0) - spots.min(axis=0) + 1.2 for _, spots in drawn]
    width = max(*(box[0] for box in boxes), math.sqrt(2.0 * sum(box[0] * box[1] for box in boxes)))
    spots = np.zeros((size, 2))
    x = y = height = 0.0
    for index in sorted(range(len(drawn)), key=lambda i: (-boxes[i][1], -boxes[i][0], i)):
        inside, part = drawn[index]
        if x > 0 and x + boxes[index][0] > width * 1.05:
            x, y, height = 0.0, y + height, 0.0
        spots[inside] = part - part.min(axis=0) + (x, y)
        x += boxes[index][0]
        height = max(height, boxes[index][1])
    return np.round(spots, 3)
