"""Candidate clusters: communities of each family's bipartite graph (node x value), never of a node x node projection.

An edge weighs as many bits as the value is rare among nodes, so a campus address or a popular client hardly pulls.
Leiden runs single-threaded with a fixed seed: the parallel one is not deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import networkit as nk
import numpy as np
import numpy.typing as npt
from scipy import sparse

from stillwatch.operators.views import View

Bool = npt.NDArray[np.bool_]
RESOLUTIONS = (1.0, 4.0)
CAP_SHARE = 0.08  # a value shared by more of all nodes than this is a population, not a link
CAP_MIN = 60
MIN_NODES = 3
MIN_USES = 3.0  # exchanges per node of a template, on average, to be a candidate by itself
SEED = 7


def candidates(views: Sequence[View]) -> list[tuple[str, Bool]]:
    """(family the candidate was found in, members as bool[nodes]), without duplicates, in a fixed order."""
    nk.setNumberOfThreads(1)
    families = sorted({view.family for view in views})
    groups: list[tuple[str, tuple[str, ...]]] = [(family, (family,)) for family in families]
    infrastructure = tuple(f for f in families if f in ("network", "payment", "signup", "session", "client"))
    groups.append(("infrastructure", infrastructure))
    groups.append(("everything", tuple(families)))
    seen: set[bytes] = set()
    found: list[tuple[str, Bool]] = []
    for name, members in groups:
        for mask in _family_candidates([v for v in views if v.family in members]):
            digest = np.packbits(mask).tobytes()
            if digest not in seen:
                seen.add(digest)
                found.append((name, mask))
    return found


def link_weights(view: View) -> npt.NDArray[np.float32]:
    """Bits two nodes get for sharing a value: log2 of its rarity; 0 past the cap."""
    n = max(1, int(view.informed.sum()))
    cap = max(CAP_MIN, CAP_SHARE * n)
    return np.where(view.support <= cap, np.log2(np.maximum(n / view.support, 1.0)), 0.0).astype(np.float32)


def _family_candidates(views: Sequence[View]) -> Iterator[Bool]:
    if not views:
        return
    blocks = []
    for view in views:
        weight = link_weights(view)
        kept = weight > 0
        binary = view.matrix[:, kept].copy()
        binary.data = np.minimum(np.log2(1 + binary.data), 3.0)
        blocks.append(binary @ sparse.diags(weight[kept]))
        yield from _single_values(view, kept)
    yield from _leiden(sparse.hstack(blocks, format="csr"), RESOLUTIONS)


def _single_values(view: View, kept: Bool) -> Iterator[Bool]:
    """In a view of authored content one value is a candidate by itself: everyone who uses this template."""
    if view.name not in ("template", "payment", "system_shape"):
        return
    columns = view.matrix[:, kept].tocsc()
    for i in range(columns.shape[1]):
        span = slice(columns.indptr[i], columns.indptr[i + 1])
        nodes = columns.indices[span]
        # a turn of phrase is used once by many; a template is used again and again by its users
        worn = view.family != "content" or float(columns.data[span].mean()) >= MIN_USES
        if len(nodes) >= MIN_NODES and worn:
            mask = np.zeros(view.node_count, dtype=bool)
            mask[nodes] = True
            yield mask


def _leiden(joint: sparse.csr_matrix, resolutions: Sequence[float]) -> Iterator[Bool]:
    n, m = joint.shape
    coo = joint.tocoo()
    if not coo.nnz:
        return
    graph = nk.GraphFromCoo(
        (coo.data.astype(np.float64), (coo.row.astype(np.uint64), (coo.col + n).astype(np.uint64))),
        n=n + m,
        weighted=True,
        directed=False,
    )
    connected = np.asarray(joint.getnnz(axis=1)) > 0
    for resolution in resolutions:
        nk.setSeed(SEED, useThreadId=False)
        leiden = nk.community.ParallelLeiden(graph, randomize=False, gamma=resolution)
        leiden.run()
        label = np.asarray(leiden.getPartition().getVector())[:n]
        order = np.unique(label[connected], return_counts=True)
        for value in order[0][order[1] >= MIN_NODES]:
            yield (label == value) & connected
