"""What rows come to in one pass is what numpy gives with arrays in between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stillwatch.detectors.suspect import Scene
from stillwatch.tally import rows as over_rows
from stillwatch.tally.facts import ALIKE

VALUES = arrays.arrays(np.float64, st.integers(0, 700), elements=st.floats(-1e6, 1e6))
LENGTHS = (0, 1, 7, 8, 9, 127, 128, 129, 136, 1000, 8193, 70_001)


@given(VALUES, st.integers(0, 99))
def test_known_values_and_wanted_rows_are_those_a_mask_gives(values: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values[rng.random(len(values)) < 0.3] = np.nan
    wanted = rng.random(len(values)) < 0.5
    rows = np.flatnonzero(rng.random(len(values)) < 0.6)
    picked = values[rows]
    np.testing.assert_array_equal(over_rows.known(values, rows), picked[~np.isnan(picked)])
    assert over_rows.among(rows, wanted).tolist() == rows[wanted[rows]].tolist()
    assert over_rows.count(rows, wanted) == wanted[rows].sum()
    codes = rng.integers(-1, 5, len(values))
    own = codes[rows]
    assert over_rows.tallied(codes, rows, 6).tolist() == np.bincount(own[own >= 0], minlength=6).tolist()


@given(VALUES)
def test_sums_and_spreads_are_close_to_numpy_s(values: np.ndarray) -> None:
    assert over_rows.added(values) == pytest.approx(values.sum(), rel=1e-12, abs=1e-6)
    assert over_rows.above(values, 1.0) == (values > 1).sum()
    if len(values):
        assert over_rows.spread(values) == pytest.approx(values.std(), rel=1e-9, abs=1e-6)
        assert over_rows.clipped_mean(values, -6.0, 6.0) == pytest.approx(np.clip(values, -6, 6).mean(), abs=1e-9)


@pytest.mark.parametrize("length", LENGTHS)
def test_long_sums_are_added_by_halves(length: int) -> None:
    values = np.random.default_rng(length).normal(size=length)
    assert over_rows.added(values) == pytest.approx(values.sum(), rel=1e-14, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=20))
def test_spans_are_ranges_one_after_the_other(ranges: list[tuple[int, int]]) -> None:
    first = np.array([start for start, _ in ranges], dtype=np.int64)
    last = first + np.array([length for _, length in ranges], dtype=np.int64)
    expected = [number for start, length in ranges for number in range(start, start + length)]
    assert over_rows.spans(first, last).tolist() == expected


def test_a_prompt_is_held_against_the_one_before(tiny_scene: Scene) -> None:
    gist = tiny_scene.facts.gist
    expected = (gist[1:] * gist[:-1]).sum(axis=1) > ALIKE
    assert tiny_scene.facts.like_the_row_before[1:].tolist() == expected.tolist()
    assert 0 < expected.sum() < len(expected)
