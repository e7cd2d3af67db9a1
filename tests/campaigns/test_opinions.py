"""What overlapping clusters say of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.campaigns.opinions import CONTEXT, NEAR, PART, SAME, clusters, context, hearsay, overlap, support

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
    mine_held, all_held = np.array(sorted(mine)), clusters(held(sets), 20)
    found = hearsay(all_held, odds, *overlap(all_held, mine_held))
    near = [(len(own & mine) / len(own | mine), o) for own, o in zip(sets, odds.tolist(), strict=True)]
    near = [(w, o) for w, o in near if NEAR <= w < SAME]
    if near:
        assert found["near_mean"] == pytest.approx(sum(w * o for w, o in near) / sum(w for w, _ in near))
        assert found["near_most"] == max(o for _, o in near)
    else:
        assert "near_mean" not in found
    assert found["near_for"] == sum(o > 0 for _, o in near)
    inside = [o for own, o in zip(sets, odds.tolist(), strict=True) if own & mine and apart(own, mine)
              and len(own & mine) >= PART * len(own)]  # fmt: skip
    assert found.get("part_most") == (max(inside) if inside else None)


def apart(own: frozenset[int], mine: frozenset[int]) -> bool:
    return len(own & mine) / len(own | mine) < SAME


def test_nobody_is_their_own_second_opinion() -> None:
    one = clusters(held([frozenset(range(10))]), 20)
    shared = overlap(one, np.arange(10))
    assert hearsay(one, np.array([9.0]), *shared) == {"near_for": 0.0}
    most, voices = support(one, np.array([0.9]), np.arange(10), *shared)
    assert most.tolist() == [0.0] * 10
    assert np.isnan(voices).all()


def test_an_account_is_backed_by_the_surest_cluster_about_the_same_that_holds_it() -> None:
    sets = [frozenset(range(10)), frozenset(range(5)), frozenset(range(3)), frozenset([9, *range(12, 20)])]
    found, own = clusters(held(sets), 20), np.arange(10)
    most, voices = support(found, np.array([0.9, 0.6, 0.8, 0.99]), own, *overlap(found, own))
    assert most == pytest.approx([0.8] * 3 + [0.6] * 2 + [0.0] * 5)
    assert voices == pytest.approx([1.0] * 3 + [0.6 / 1.4] * 2 + [0.0] * 5)


def test_how_sure_a_verdict_is_hangs_on_the_weaker_axis_and_on_known_things_only() -> None:
    told = context({"operator": 3.0, "harvest": 1.0, "resale": -5.0}, "extraction", 8, {"near_mean": 2.0})
    assert told == {"claim": 1.0, "operator": 3.0, "lean": 1.0, "near_mean": 2.0, "size": 3.0}
    assert set(told) <= set(CONTEXT)
