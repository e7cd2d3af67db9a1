"""All views as one list of links, node to value and value to node, for walks that read every view at once.

Values of all views are numbered through; each knows its view, and each view its family. A walk writes into a scratch
of one slot per node and value that is lent to it and comes back blank, so that a walk costs what it reaches and not
what there is. Links do not know how many exchanges stand behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

Int = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]


class Arrays(NamedTuple):
    """What compiled walks read. ``value_of[node_ptr[i]:node_ptr[i + 1]]`` are the values of node i."""

    node_ptr: Int
    value_of: Int32
    value_ptr: Int
    node_of: Int32
    view_of: Int32  # by value
    family_of: Int32  # by view
    informed: Bool  # [node, view]
    informed_count: Int  # by view


class Scratch(NamedTuple):
    """What compiled walks write, and leave as they found it."""

    inside: Int32  # [value]
    value: Int32  # [value], a list
    member: Bool  # [node]
    best: Float32  # [family, node]
    total: Float32  # [node]
    ways: Int32  # [node]
    reached: Int32  # [family, node], a list per family


@dataclass(frozen=True, kw_only=True)
class Links:
    """``families`` in the order in which the views bring them; ``first_value``: per view, and the end.

    ``original``: the number of each value in the order of views and their columns. A walk numbers the values of a view
    anew, see ``by_first_holder``.
    """

    views: tuple[str, ...]
    families: tuple[str, ...]
    first_value: Int
    original: Int32
    arrays: Arrays
    blank: Float32  # [family, node]: 0, NaN where the node has no value in the family's views
    _idle: list[Scratch] = field(default_factory=list[Scratch], repr=False)

    @property
    def node_count(self) -> int:
        return self.blank.shape[1]

    def lend(self) -> Scratch:
        """A blank scratch of one's own. Give it back after use."""
        return self._idle.pop() if self._idle else _scratch(self.first_value[-1], *self.blank.shape)

    def give_back(self, scratch: Scratch) -> None:
        """Take a scratch that is blank again."""
        self._idle.append(scratch)


def by_first_holder(matrix: sparse.csr_matrix) -> tuple[Int, Int32]:
    """Values in the order of the first node that holds them (those of nobody last), and each value's place in it.

    Walks go from node to value: so numbered, most values of a node stand side by side in memory.
    """
    first = np.full(matrix.shape[1], matrix.shape[0], dtype=np.int64)
    node = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    first[matrix.indices[::-1]] = node[::-1]  # the last one written is the first
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return order, place


def join(
    views: Sequence[str], families: Sequence[str], matrices: Sequence[sparse.csr_matrix], informed: Sequence[Bool]
) -> Links:
    """Views (name, family, CSR[nodes, values], bool[nodes] each) as one. O(links)."""
    distinct = tuple(dict.fromkeys(families))
    by_node: sparse.csr_matrix = sparse.hstack(matrices, format="csr") if matrices else sparse.csr_matrix((0, 0))
    width = np.array([matrix.shape[1] for matrix in matrices], dtype=np.int64)
    first_value = np.concatenate([[0], np.cumsum(width)])
    orders = [by_first_holder(matrix) for matrix in matrices]
    original = [order + first for (order, _), first in zip(orders, first_value[:-1], strict=True)]
    place = [place + np.int32(first) for (_, place), first in zip(orders, first_value[:-1], strict=True)]
    nothing = np.zeros(0, dtype=np.int32)
    by_node.indices = np.concatenate([nothing, *place])[by_node.indices]
    by_node.has_sorted_indices = False
    by_value = by_node.tocsc()
    family_of = np.array([distinct.index(family) for family in families], dtype=np.int32)
    known = np.stack(informed, axis=1) if informed else np.zeros((0, 0), dtype=bool)
    blank = np.full((len(distinct), len(known)), np.nan, dtype=np.float32)
    for view, family in enumerate(family_of):
        blank[family, known[:, view]] = 0
    return Links(
        views=tuple(views),
        families=distinct,
        first_value=first_value,
        original=np.concatenate([nothing, *original]).astype(np.int32),
        arrays=Arrays(
            node_ptr=by_node.indptr.astype(np.int64),
            value_of=by_node.indices.astype(np.int32),
            value_ptr=by_value.indptr.astype(np.int64),
            node_of=by_value.indices.astype(np.int32),
            view_of=np.repeat(np.arange(len(width), dtype=np.int32), width),
            family_of=family_of,
            informed=np.ascontiguousarray(known),
            informed_count=known.sum(axis=0, dtype=np.int64),
        ),
        blank=blank,
    )


def _scratch(value_count: int, family_count: int, node_count: int) -> Scratch:
    return Scratch(
        inside=np.zeros(value_count, dtype=np.int32),
        value=np.zeros(value_count, dtype=np.int32),
        member=np.zeros(node_count, dtype=bool),
        best=np.zeros((family_count, node_count), dtype=np.float32),
        total=np.zeros(node_count, dtype=np.float32),
        ways=np.zeros(node_count, dtype=np.int32),
        reached=np.zeros((family_count, node_count), dtype=np.int32),
    )
