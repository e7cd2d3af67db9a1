"""Reliability bins, Brier scores, and which bins are off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.bench.scorecard.calibration import EDGES, binned, calibration, merged, place

pairs = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=40)


def test_a_probability_belongs_to_the_bin_it_opens() -> None:
    assert EDGES[place(0.0)] == 0.0
    assert EDGES[place(0.9)] == 0.9
    assert EDGES[place(0.8999)] == 0.8
    assert EDGES[place(1.0)] == 0.98


def test_brier_is_the_mean_squared_difference() -> None:
    found = calibration(binned([(0.9, 1.0), (0.9, 0.0), (0.2, 0.0)]))
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.04) / 3, abs=1e-5)
    assert found.count == 3


def test_nothing_stated_has_no_brier_score() -> None:
    found = calibration(binned([]))
    assert found.brier is None
    assert found.points == ()


def test_a_large_bin_that_is_right_too_seldom_is_off() -> None:
    found = calibration(binned([(0.92, 1.0)] * 35 + [(0.92, 0.0)] * 15))
    (point,) = found.points
    assert (point.count, point.stated, point.right, point.off) == (50, 0.92, 0.7, True)
    assert found.off == 1


def test_a_bin_of_forty_nine_is_shown_and_not_held_against_anybody() -> None:
    found = calibration(binned([(0.92, 0.0)] * 49))
    assert found.points[0].right == 0.0
    assert found.off == 0


def test_a_large_bin_within_a_fifth_is_not_off() -> None:
    assert calibration(binned([(0.92, 1.0)] * 38 + [(0.92, 0.0)] * 12)).off == 0


def test_whoever_is_listed_nowhere_and_harvests_makes_the_lowest_bin_off() -> None:
    assert calibration(binned([(0.0, 0.0)] * 990 + [(0.0, 1.0)] * 10)).off == 1
    assert calibration(binned([(0.0, 0.0)] * 1_000)).off == 0


@given(pairs, pairs)
def test_worlds_merge_by_addition(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> None:
    apart, together = merged([binned(one), binned(other)]), binned([*one, *other])
    for left, right in zip(apart, together, strict=True):
        assert left.count == right.count
        assert left.squares == pytest.approx(right.squares)
        assert left.stated == pytest.approx(right.stated)
