"""EvilCohort: communities of accounts that are used from the same addresses.

Accounts are joined by how many addresses they share, weak links are cut, Louvain finds communities. A botnet's pool of
addresses is small; an office's and a carrier's is too, and a proxy for each account leaves nothing to find.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import msgspec
import networkit as nk
import numpy as np

from stillwatch.bench.peers.groups import shared
from stillwatch.bench.peers.log import Float, Int, Labelled, Log
from stillwatch.bench.peers.traces import views

SEED = 7


class EvilCohort(msgspec.Struct, frozen=True, kw_only=True):
    """The size of an account's community; 0 for none. Cost: the sum of squared numbers of accounts per address."""

    name: ClassVar[str] = "EvilCohort"
    source: ClassVar[str] = "Stringhini, Mourlanne, Jacob, Egele, Kruegel and Vigna 2015 (USENIX Security)"
    published: ClassVar[float | None] = 2.0  # every community
    replaces: ClassVar[str] = "its filters by user agent and event times are left off"

    shares: int = 10  # addresses two accounts share at least
    most: int = 0  # accounts on an address beyond which it links nobody; 0 for no limit

    def candidates(self) -> Sequence[Self]:
        """Weaker links, and without the addresses of whole populations."""
        return [
            msgspec.structs.replace(self, shares=shares, most=most)
            for shares in (self.shares, 7, 5, 3, 2, 1)
            for most in (self.most, 30)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - it has no history
        return self

    def score(self, log: Log) -> Float:
        left, right, count = shared(views(log, ("address",)), self.most or None)
        strong = count >= self.shares
        community = louvain(left[strong], right[strong], count[strong], len(log.names))
        size = np.bincount(community, minlength=len(log.names))[community]
        return np.where(size >= 2, size, 0).astype(np.float64)


def louvain(left: Int, right: Int, weight: Float, count: int) -> Int:
    """int64[count]: the community of each node; nodes without edges are communities of one."""
    if not len(left):
        return np.arange(count)
    edges = (weight, (left.astype(np.uint64), right.astype(np.uint64)))
    graph: Any = nk.GraphFromCoo(edges, n=count, weighted=True, directed=False)
    # one thread and a fixed seed: the parallel one is not deterministic
    nk.setNumberOfThreads(1)
    nk.setSeed(SEED, useThreadId=False)
    method: Any = nk.community.PLM(graph, refine=False, par="none")
    method.run()
    return np.asarray(method.getPartition().getVector(), np.int64)
