"""What overlapping clusters say of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.campaigns.opinions import NEAR, SAME, best_of_others, clusters, opinion_of_others, overlap

SETS = st.lists(st.frozensets(st.integers(0, 19), min_size=1), min_size=1, max_size=8)


def held(sets: list[frozenset[int]]) -> list[np.ndarray]:
    return [np.array(sorted(own), dtype=np.int64) for own in sets]


@given(SETS, st.frozensets(st.integers(0, 19), min_size=1))
def test_overlap_is_that_of_sets(sets: list[frozenset[int]], mine: frozenset[int]) -> None:
    common, jaccard = overlap(clusters(held(sets), 20), np.array(sorted(mine)))
    assert common.tolist() == [len(own & mine) for own in sets]
    assert jaccard.tolist() == pytest.approx([len(own & mine) / len(own | mine) for own in sets])


@given(SETS, st.frozensets(st.integers(0, 19), min_size=1), st.integers(0, 99))
def test_the_opinion_is_a_weighted_mean_of_those_that_are_near(
    sets: list[frozenset[int]], mine: frozenset[int], seed: int
) -> None:
    odds = np.random.default_rng(seed).uniform(-5, 5, len(sets))
    found = opinion_of_others(clusters(held(sets), 20), odds, np.array(sorted(mine)))
    near = [(len(own & mine) / len(own | mine), o) for own, o in zip(sets, odds.tolist(), strict=True)]
    near = [(w, o) for w, o in near if NEAR <= w < SAME]
    if near:
        assert found == pytest.approx(sum(w * o for w, o in near) / sum(w for w, _ in near))
    else:
        assert np.isnan(found)


def test_nobody_is_their_own_second_opinion() -> None:
    both = clusters(held([frozenset(range(10))]), 20)
    assert np.isnan(opinion_of_others(both, np.array([9.0]), np.arange(10)))
    assert best_of_others(both, np.array([0.9]), np.arange(10)).tolist() == [0.0] * 10


def test_an_account_is_backed_by_the_surest_cluster_about_the_same_that_holds_it() -> None:
    sets = [frozenset(range(10)), frozenset(range(5)), frozenset(range(3)), frozenset([9, *range(12, 20)])]
    best = best_of_others(clusters(held(sets), 20), np.array([0.9, 0.6, 0.8, 0.99]), np.arange(10))
    assert best.tolist() == [0.8] * 3 + [0.6] * 2 + [0.0] * 5
