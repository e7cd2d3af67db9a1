"""The measures of the airdrop bench, held against their definitions written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.bench.real.measure import auc, most_recall, precision_of_top

ROWS = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=25)


def split(rows: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([s for s, _ in rows]), np.array([p for _, p in rows])


@given(ROWS)
def test_auc_is_the_chance_that_a_positive_outranks_a_negative(rows: list[tuple[float, bool]]) -> None:
    score, positive = split(rows)
    pairs = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]
    if pairs:
        assert auc(score, positive) == pytest.approx(np.mean(pairs))
        assert auc(-score, positive) == pytest.approx(1 - np.mean(pairs))
    else:
        assert np.isnan(auc(score, positive))


@given(ROWS, st.sampled_from([0.5, 0.8, 0.95]))
def test_most_recall_is_the_best_threshold_of_all(rows: list[tuple[float, bool]], precision: float) -> None:
    score, positive = split(rows)
    best = 0.0
    for least in set(score[score > 0].tolist()):
        named = score >= least
        if positive[named].sum() >= precision * named.sum():
            best = max(best, positive[named].sum() / max(1, positive.sum()))
    assert most_recall(score, positive, precision) == pytest.approx(best, abs=1e-4)


@given(ROWS, st.data())
def test_precision_of_the_top_is_the_mean_over_how_ties_may_fall(
    rows: list[tuple[float, bool]], data: st.DataObject
) -> None:
    score, positive = split(rows)
    top = data.draw(st.integers(1, len(rows)))
    rng = np.random.default_rng(0)
    drawn = [positive[np.lexsort((rng.random(len(score)), -score))[:top]].mean() for _ in range(400)]
    assert precision_of_top(score, positive, top) == pytest.approx(np.mean(drawn), abs=0.12)


def test_nothing_is_said_of_an_empty_top() -> None:
    assert np.isnan(precision_of_top(np.array([1.0]), np.array([True]), 0))
