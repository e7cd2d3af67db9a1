"""The trees: their fast sum against a plain walk, and shares that add up to it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.campaigns.forest import Forest

FEATURES = ("a", "b", "c", "d")


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    """Up to three trees of depth three at most, with covers that add up."""
    columns: dict[str, list[float]] = {k: [] for k in ("feature", "threshold", "left", "right", "cover", "bits")}

    def node(depth: int, cover: float) -> int:
        at = len(columns["feature"])
        for column in columns.values():
            column.append(0.0)
        columns["cover"][at] = cover
        if depth == 0 or draw(st.booleans()):
            columns["feature"][at], columns["bits"][at] = -1, draw(st.floats(-3, 3))
            return at
        columns["feature"][at] = draw(st.integers(0, len(FEATURES) - 1))
        columns["threshold"][at] = draw(st.integers(-2, 2))
        share = draw(st.floats(0.1, 0.9))
        columns["left"][at] = node(depth - 1, cover * share)
        columns["right"][at] = node(depth - 1, cover * (1 - share))
        return at

    root = tuple(node(3, 100.0) for _ in range(draw(st.integers(1, 3))))
    whole = {name: tuple(int(v) for v in columns[name]) for name in ("feature", "left", "right")}
    real = {name: tuple(columns[name]) for name in ("threshold", "cover", "bits")}
    return Forest(features=FEATURES, start=draw(st.floats(-5, 5)), root=root, **whole, **real)


KNOWN = st.dictionaries(st.sampled_from(FEATURES), st.floats(-3, 3))


def plain(forest: Forest, node: int, x: Mapping[str, float]) -> float:
    """The slow twin: what a tree says of x, averaged over what is not known."""
    feature = forest.feature[node]
    if feature < 0:
        return forest.bits[node]
    left, right = forest.left[node], forest.right[node]
    value = x.get(FEATURES[feature])
    if value is None:
        share = forest.cover[left] / forest.cover[node]
        return share * plain(forest, left, x) + (1 - share) * plain(forest, right, x)
    return plain(forest, left if value <= forest.threshold[node] else right, x)


@settings(max_examples=200, deadline=None)
@given(forests(), KNOWN)
def test_the_fast_sum_is_the_plain_one(forest: Forest, x: dict[str, float]) -> None:
    assert forest(x) == pytest.approx(forest.start + sum(plain(forest, root, x) for root in forest.root), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(forests(), KNOWN)
def test_shares_and_base_add_up_and_what_is_unknown_adds_nothing(forest: Forest, x: dict[str, float]) -> None:
    shares = forest.shares(x)
    assert set(shares) <= set(x)
    assert forest.base + sum(shares.values()) == pytest.approx(forest(x), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(forests(), KNOWN)
def test_the_fast_shares_are_those_of_every_order_of_learning(forest: Forest, x: dict[str, float]) -> None:
    """The definition: what a measurement changes when it is learned, averaged over all orders."""
    known = list(x)
    slow = dict.fromkeys(known, 0.0)
    orders = list(permutations(known))
    for order in orders:
        for i, name in enumerate(order):
            before, after = ({k: x[k] for k in order[:n]} for n in (i, i + 1))
            slow[name] += sum(plain(forest, r, after) - plain(forest, r, before) for r in forest.root) / len(orders)
    fast = forest.shares(x)
    for name in known:
        assert fast.get(name, 0.0) == pytest.approx(slow[name], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(forests(), KNOWN, st.floats(-3, 3), st.floats(0.1, 3))
def test_calibration_maps_the_odds_and_nothing_else(
    forest: Forest, x: dict[str, float], intercept: float, slope: float
) -> None:
    assert forest.calibrated(intercept, slope)(x) == pytest.approx(intercept + slope * forest(x), abs=1e-3)


def test_shares_are_those_of_the_average_over_every_order() -> None:
    """One tree, a and b: the table of Shapley values worked out by hand."""
    forest = Forest(
        features=("a", "b"), start=0.0, root=(0,), feature=(0, -1, 1, -1, -1), threshold=(0.0, 0.0, 0.0, 0.0, 0.0),
        left=(1, 0, 3, 0, 0), right=(2, 0, 4, 0, 0), cover=(4.0, 2.0, 2.0, 1.0, 1.0), bits=(0.0, 0.0, 0.0, 0.0, 4.0),
    )  # fmt: skip
    assert forest.base == pytest.approx(1.0)
    # nothing 1, a alone 2, b alone 2, both 4
    assert forest.shares({"a": 1.0, "b": 1.0}) == {"a": pytest.approx(1.5), "b": pytest.approx(1.5)}


def test_many_rows_at_once_are_each_row_alone() -> None:
    forest = Forest(
        features=("a",), start=-1.0, root=(0,), feature=(0, -1, -1), threshold=(0.5, 0.0, 0.0),
        left=(1, 0, 0), right=(2, 0, 0), cover=(10.0, 9.0, 1.0), bits=(0.0, -1.0, 3.0),
    )  # fmt: skip
    table = np.array([[0.0], [1.0], [np.nan]])
    assert forest.of_table(table).tolist() == pytest.approx([-2.0, 2.0, -1.6])
