"""Boosted trees over measurements, in bits, and what each measurement adds to their sum.

What one measurement means depends on others: shared prompts among people who also share a campus say little, among
accounts of one card they say much. Shallow trees learn such pairs from labelled worlds; every tree only ever reads
larger measurements of its own axis as more suspicious. What could not be measured is averaged over, so that it adds
nothing either way. The shares of a sum are Shapley values (Lundberg et al. 2020, path-dependent), which add up to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec
import numba as nb
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
DEEPEST = 8  # splits on a path


class Forest(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Nodes of all trees one after the other; a leaf has ``feature`` -1 and carries ``bits``.

    ``start``: log2 odds before any tree. ``cover``: training weight that reached a node.
    """

    features: tuple[str, ...]
    start: float
    root: tuple[int, ...]
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    cover: tuple[float, ...]
    bits: tuple[float, ...]

    def __call__(self, x: Mapping[str, float]) -> float:
        """log2 odds; measurements that are missing are averaged over. O(trees x depth), more where much is missing."""
        row = np.array([[x.get(name, np.nan) for name in self.features]])
        return float(self.of_table(row)[0])

    def of_table(self, x: Float) -> Float:
        """float64[rows] log2 odds of float64[rows, features], NaN where unknown."""
        root, feature, left, right = self._topology
        return self.start + _sums(x, root, feature, self._numbers[0], left, right, self._numbers[1], self._numbers[2])

    def calibrated(self, intercept: float, slope: float) -> Forest:
        """The same trees with their log2 odds mapped to ``intercept + slope x odds``."""
        return msgspec.structs.replace(
            self, start=intercept + slope * self.start, bits=tuple(round(slope * b, 6) for b in self.bits)
        )

    @cached_property
    def base(self) -> float:
        """log2 odds where nothing at all is known."""
        return float(self({}))

    def shares(self, x: Mapping[str, float]) -> dict[str, float]:
        """What each known measurement adds, in bits: they and ``base`` add up to the log2 odds."""
        row = np.array([[x.get(name, np.nan) for name in self.features]])
        return {name: float(v) for name, v in zip(self.features, self.shares_of_table(row)[0], strict=True) if v}

    def shares_of_table(self, x: Float) -> Float:
        """float64[rows, features] of the same. O(rows x leaves x 2^depth)."""
        root, feature, left, right = self._topology
        return _shares(x, root, feature, self._numbers[0], left, right, self._numbers[1], self._numbers[2])

    @cached_property
    def _topology(self) -> tuple[Int, Int, Int, Int]:
        return tuple(np.array(v, dtype=np.int64) for v in (self.root, self.feature, self.left, self.right))  # type: ignore[return-value]

    @cached_property
    def _numbers(self) -> tuple[Float, Float, Float]:
        return tuple(np.array(v, dtype=np.float64) for v in (self.threshold, self.cover, self.bits))  # type: ignore[return-value]


@nb.njit(cache=True, nogil=True)
def _sums(
    x: Float, root: Int, feature: Int, threshold: Float, left: Int, right: Int, cover: Float, bits: Float
) -> Float:
    """Sum over trees per row. Both ways are walked where a value is unknown, each for its share."""
    total = np.zeros(len(x))
    node_of = np.empty(64, dtype=np.int64)
    share_of = np.empty(64)
    for i in range(len(x)):
        for tree in root:
            waiting = 1
            node_of[0], share_of[0] = tree, 1.0
            while waiting:
                waiting -= 1
                node, share = node_of[waiting], share_of[waiting]
                while feature[node] >= 0:
                    value = x[i, feature[node]]
                    if np.isnan(value):
                        part = cover[left[node]] / cover[node]
                        node_of[waiting], share_of[waiting] = right[node], share * (1.0 - part)
                        waiting += 1
                        node, share = left[node], share * part
                    elif value <= threshold[node]:
                        node = left[node]
                    else:
                        node = right[node]
                total[i] += share * bits[node]
    return total


@nb.njit(cache=True, nogil=True)
def _shares(
    x: Float, root: Int, feature: Int, threshold: Float, left: Int, right: Int, cover: Float, bits: Float
) -> Float:
    """Shapley values per row and feature, leaf by leaf: a leaf is a game of the features on the path to it.

    Each of them multiplies the leaf's bits by whether the row goes that way or, not yet known, by how often any does.
    """
    found = np.zeros(x.shape)
    waiting_node = np.empty(64, dtype=np.int64)
    waiting_scale, waiting_length = np.empty(64), np.empty(64, dtype=np.int64)
    waiting_who = np.empty((64, DEEPEST), dtype=np.int64)
    waiting_goes, waiting_share = np.empty((64, DEEPEST)), np.empty((64, DEEPEST))
    who, goes, share = np.empty(DEEPEST, dtype=np.int64), np.empty(DEEPEST), np.empty(DEEPEST)
    for i in range(len(x)):
        for tree in root:
            waiting = 1
            waiting_node[0], waiting_scale[0], waiting_length[0] = tree, 1.0, 0
            while waiting:
                waiting -= 1
                node, scale, length = waiting_node[waiting], waiting_scale[waiting], waiting_length[waiting]
                who[:length] = waiting_who[waiting, :length]
                goes[:length], share[:length] = waiting_goes[waiting, :length], waiting_share[waiting, :length]
                if feature[node] < 0:
                    _credit(found[i], bits[node] * scale, who, goes, share, length)
                    continue
                value = x[i, feature[node]]
                for side in range(2):
                    child = left[node] if side == 0 else right[node]
                    part = cover[child] / cover[node]
                    waiting_who[waiting, :length] = who[:length]
                    waiting_goes[waiting, :length] = goes[:length]
                    waiting_share[waiting, :length] = share[:length]
                    waiting_node[waiting], waiting_length[waiting] = child, length
                    waiting_scale[waiting] = scale * part if np.isnan(value) else scale
                    if not np.isnan(value):
                        takes = 1.0 if (value <= threshold[node]) == (side == 0) else 0.0
                        at = 0
                        while at < length and who[at] != feature[node]:
                            at += 1
                        if at == length:
                            waiting_who[waiting, at] = feature[node]
                            waiting_goes[waiting, at], waiting_share[waiting, at] = takes, part
                            waiting_length[waiting] = length + 1
                        else:
                            waiting_goes[waiting, at] *= takes
                            waiting_share[waiting, at] *= part
                    waiting += 1
    return found


@nb.njit(cache=True, nogil=True)
def _credit(found: Float, bits: float, who: Int, goes: Float, share: Float, n: int) -> None:
    """Add one leaf's Shapley values: over every set of the other players, weighted by how many orders put it first."""
    orders = 1.0
    for k in range(2, n + 1):
        orders *= k
    for player in range(n):
        gain = 0.0
        for known in range(1 << n):
            if known >> player & 1:
                continue
            product, size = 1.0, 0
            for other in range(n):
                if other != player:
                    if known >> other & 1:
                        product *= goes[other]
                        size += 1
                    else:
                        product *= share[other]
            weight = 1.0
            for k in range(2, size + 1):
                weight *= k
            for k in range(2, n - size):
                weight *= k
            gain += weight / orders * product
        found[who[player]] += bits * gain * (goes[player] - share[player])
