"""Spreads, rates and the exact bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from stillwatch.bench.scorecard.statistics import f1, rate, share, spread, upper_bound


def test_nothing_known_has_no_spread_and_is_not_zero() -> None:
    assert spread([]) is None
    assert spread([None, None]) is None
    assert share(0, 0) is None


def test_a_spread_leaves_out_what_is_unknown() -> None:
    found = spread([0.2, None, 0.4, 0.9])
    assert found is not None
    assert (found.worlds, found.least, found.median, found.most) == (3, 0.2, 0.4, 0.9)
    assert found.mean == 0.5
    assert found.sd == pytest.approx(0.3606, abs=1e-4)


def test_one_world_has_no_deviation() -> None:
    found = spread([0.7])
    assert found is not None
    assert found.sd is None


def test_none_in_n_is_bounded_by_about_three_in_n() -> None:
    assert upper_bound(0, 1_000) == pytest.approx(1 - 0.05 ** (1 / 1_000))
    assert upper_bound(0, 0) is None
    assert upper_bound(5, 5) == 1.0


@given(st.integers(1, 400), st.data())
def test_at_the_bound_so_few_hits_have_a_chance_of_one_in_twenty(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials - 1))
    bound = upper_bound(hits, trials)
    assert bound is not None
    assert bound > hits / trials
    assert float(binom.cdf(hits, trials, bound)) == pytest.approx(0.05, abs=1e-6)


def test_a_rate_is_per_hundred_thousand() -> None:
    found = rate(3, 2_000)
    assert found.per_100k == 150.0
    assert found.per_100k_at_most == pytest.approx(387.0, abs=1.0)


def test_f1_is_unknown_without_recall_and_zero_where_nobody_was_named() -> None:
    assert f1(None, None) is None
    assert f1(None, 0.0) == 0.0
    assert f1(1.0, 0.5) == pytest.approx(0.6667, abs=1e-4)
