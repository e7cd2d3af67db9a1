"""Where the accounts of a campaign stand in a drawing of its strongest links.

Stress majorisation over hop distances, one connected part at a time, packed side by side: deterministic, and quick for
the few hundred links a person can look at. It does not know what a link means; nearness is hops, not bits.
Source: E. R. Gansner, Y. Koren, S. North, "Graph Drawing by Stress Majorization" (2004), section 2.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, shortest_path

from stillwatch.model import Campaign, Link

LINK_LIMIT = 300
_ROUNDS = 40
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
    """The strongest links of a campaign and places for the accounts they join. Cost: O(accounts²) of each part."""
    ordered = sorted(campaign.links, key=lambda link: (-link.bits, link.left, link.right))
    links = tuple(ordered[:most_links])
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
        links_left_out=len(ordered) - len(links),
        accounts_left_out=len(campaign.roster) - len(members),
    )


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
    turn = np.arange(size) * _GOLDEN_ANGLE
    radius = np.sqrt(np.arange(size) + 0.5) * 0.6
    spots = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    if size == 1:
        return np.zeros((1, 2))
    hops = shortest_path(joined, directed=False, unweighted=True)
    np.fill_diagonal(hops, 1.0)
    weight = hops**-2.0
    np.fill_diagonal(weight, 0.0)
    pull = weight * hops
    total = weight.sum(axis=1)
    for _ in range(_ROUNDS):
        gap = spots[:, None, :] - spots[None, :, :]
        length = np.sqrt((gap**2).sum(axis=2))
        ratio = np.divide(pull, length, out=np.zeros_like(pull), where=length > 1e-9)
        # one localised step towards the minimum of the majorising form, for all accounts at once
        spots = (weight @ spots + (ratio[:, :, None] * gap).sum(axis=1)) / total[:, None]
    return spots - spots.mean(axis=0)


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
