"""FRAUDAR: the densest block of accounts and what they share, with popular values made cheap.

Peels, one at a time, whoever contributes least; the block at the best point of the peeling is suspicious. An edge to
a value weighs 1 / log(degree + 5), so that an account cannot hide by also using popular values. Blocks are dense for
many reasons: an office, a class and a campaign look the same to it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import ClassVar, Self

import msgspec
import numpy as np
from scipy import sparse

from stillwatch.bench.peers.log import Bool, Float, Int, Labelled, Log
from stillwatch.bench.peers.traces import VIEWS, views

DEGREE_OFFSET = 5.0  # c of the paper's log weighting


class Fraudar(msgspec.Struct, frozen=True, kw_only=True):
    """The density of the first block an account is in; 0 for none. Cost: edges times log, for each block."""

    name: ClassVar[str] = "FRAUDAR"
    source: ClassVar[str] = "Hooi, Song, Beutel, Shah, Shin and Faloutsos 2016 (KDD)"
    published: ClassVar[float | None] = 1e-9  # whoever is in the densest block
    replaces: ClassVar[str] = "followers by addresses, cards, prompt openings and system prompts"

    views: tuple[str, ...] = VIEWS
    blocks: int = 1

    def candidates(self) -> Sequence[Self]:
        """Fewer views, more blocks."""
        return [
            msgspec.structs.replace(self, views=names, blocks=blocks)
            for names in (self.views, ("payment", "template"), ("address",), ("address", "payment"))
            for blocks in (self.blocks, 4, 10)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - it has no history
        return self

    def score(self, log: Log) -> Float:
        graph = views(log, self.views)
        found = np.zeros(graph.shape[0])
        for _ in range(self.blocks):
            block, density = densest(graph)
            if density <= 0:
                break
            accounts = block[: graph.shape[0]]
            found = np.where(accounts & (found == 0), density, found)
            graph = without(graph, block)
        return found


def without(graph: sparse.csr_matrix, block: Bool) -> sparse.csr_matrix:
    """The graph less the edges inside a block, so that the next densest can be found."""
    edges = graph.tocoo()
    inside = block[edges.row] & block[edges.col + graph.shape[0]]
    data, row, col = edges.data[~inside], edges.row[~inside], edges.col[~inside]
    return sparse.csr_matrix((data, (row, col)), graph.shape)


def densest(graph: sparse.csr_matrix) -> tuple[Bool, float]:
    """(bool[accounts + values] of the best block, its weight per member), by greedy peeling.

    ``graph``: binary [accounts, values]; values of a single account are left out first, they join nothing. The
    peeling keeps the paper's guarantee of at least half the density of the best block there is.
    """
    rows = graph.shape[0]
    degree = np.asarray(graph.sum(axis=0)).ravel()
    total = rows + graph.shape[1]
    edges = graph.multiply(degree >= 2).tocoo()
    edges.eliminate_zeros()
    weight = 1.0 / np.log(degree + DEGREE_OFFSET)
    left, right = edges.row.astype(np.int64), edges.col.astype(np.int64) + rows
    heavy = weight[edges.col]
    if not len(left):
        return np.zeros(total, bool), 0.0
    order, mass = peel(total, left, right, heavy)
    count = len(order)
    density = mass / np.maximum(count - np.arange(count + 1), 1)
    best = int(np.argmax(density))
    block = np.zeros(total, bool)
    block[order[best:]] = True
    return block, float(density[best])


def peel(total: int, left: Int, right: Int, heavy: Float) -> tuple[Int, Float]:
    """(nodes in the order they are taken away, int64[k]; weight left before each removal and after all, [k + 1])."""
    both = sparse.coo_matrix(
        (np.concatenate([heavy, heavy]), (np.concatenate([left, right]), np.concatenate([right, left]))),
        (total, total),
    ).tocsr()
    starts, ends, others, weights = both.indptr[:-1].tolist(), both.indptr[1:].tolist(), both.indices, both.data
    neighbours, weighs = others.tolist(), weights.tolist()
    owed = np.asarray(both.sum(axis=1)).ravel().tolist()
    heap = [(owed[node], node) for node in np.flatnonzero(np.diff(both.indptr)).tolist()]
    heapq.heapify(heap)
    gone = [False] * total
    order: list[int] = []
    mass = [float(heavy.sum())]
    while heap:
        cost, node = heapq.heappop(heap)
        if gone[node] or cost > owed[node] + 1e-12:  # an older, higher price of the same node
            continue
        gone[node] = True
        order.append(node)
        mass.append(max(0.0, mass[-1] - owed[node]))
        for place in range(starts[node], ends[node]):
            other = neighbours[place]
            if not gone[other]:
                owed[other] -= weighs[place]
                heapq.heappush(heap, (owed[other], other))
    return np.array(order, np.int64), np.array(mass)
