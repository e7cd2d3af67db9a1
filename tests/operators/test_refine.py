"""Refinement takes in who is pointed at, drops who is not, and never runs away."""

from __future__ import annotations

import numpy as np
import pytest
import slow_refine
from hypothesis import given, settings
from hypothesis import strategies as st
from written_views import mask, view_of

from stillwatch.detectors.suspect import Scene
from stillwatch.operators.affinity import Reach, affinity, reach
from stillwatch.operators.refine import ALONE_BITS, GROWTH, MARGINS_BITS, ROUNDS, Walked, refine, select
from stillwatch.operators.views import View, joined

RING, CROWD = 16, 4_000


def views_of(ring: int, crowd: int, families: int) -> list[View]:
    """The first ``ring`` nodes share a value of each family; the others share with a neighbour only."""
    holdings = [{1} for _ in range(ring)] + [{1000 + i, 1001 + i} for i in range(crowd)]
    return [view_of(holdings, f"view{i}", f"family{i}") for i in range(families)]


def test_members_that_were_missed_are_taken_in_and_outsiders_leave() -> None:
    seed = mask(RING + CROWD, [*range(10), 100, 150, 200])
    for margin in MARGINS_BITS:
        found = refine(views_of(RING, CROWD, 3), seed, margin)
        assert np.flatnonzero(found.members).tolist() == list(range(RING))


def test_one_family_is_not_enough_unless_it_is_overwhelming() -> None:
    """An office address alone adds nobody, nor do two views of one family."""
    office = [{1} for _ in range(40)] + [{1000 + i // 2} for i in range(CROWD)]
    seed = mask(40 + CROWD, range(6))
    views = [view_of(office), view_of(office, "prefix")]
    assert affinity(views, seed).total()[39] < ALONE_BITS
    assert not refine(views, seed, -20.0).members[6:40].any()
    assert refine([*views, view_of(office, "payment", "payment")], seed, -20.0).members[6:40].any()


def test_a_seed_that_nothing_holds_together_does_not_grow() -> None:
    seed = mask(RING + CROWD, range(40, 60, 4))
    found = refine(views_of(RING, CROWD, 3), seed, 11.0)
    assert not (found.members & ~seed).any()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.integers(30, 400), st.floats(0, 12))
def test_a_round_adds_at_most_its_cap(size: int, count: int, level: float) -> None:
    """Everybody is pointed at equally hard: the worst case."""
    members = np.arange(min(size, count))
    links = joined([view_of([{1}] * count, family=family) for family in ("network", "payment")])
    bits = np.tile(np.full(count, level + 8, dtype=np.float32) + np.arange(count, dtype=np.float32) / 1000, 2)
    nodes = np.tile(np.arange(count, dtype=np.int32), 2)
    found = Reach(np.array([0, count, 2 * count]), nodes, bits, np.zeros(0, dtype=np.int32))
    chosen = select(links, found, members, 0.0)
    assert len(np.setdiff1d(chosen, members)) <= GROWTH * len(members) + 5


def test_the_reached_few_are_chosen_as_if_all_nodes_were_looked_at(tiny_scene: Scene) -> None:
    views, rng = tiny_scene.views, np.random.default_rng(3)
    links = joined(views)
    capped = 0
    for view in views:
        for value in rng.integers(0, view.matrix.shape[1], 8):
            seed = np.asarray((view.matrix[:, [value]] > 0).todense()).ravel()
            for margin in (*MARGINS_BITS, -2.0):
                chosen = select(links, reach(links, np.flatnonzero(seed)), np.flatnonzero(seed), margin)
                expected = slow_refine.select(affinity(views, seed), seed, margin)
                assert chosen.tolist() == np.flatnonzero(expected).tolist()
                capped += len(chosen) >= int(GROWTH * seed.sum()) + 5
                refined = refine(views, seed, margin)
                np.testing.assert_array_equal(refined.members, slow_refine.refine(views, seed, margin))
                own = affinity(views, refined.members).by_family
                for family, bits in refined.affinity.by_family.items():
                    np.testing.assert_array_equal(bits, own[family])
    assert capped


def test_growth_over_all_rounds_is_bounded() -> None:
    grown = refine(views_of(120, 6_000, 6), mask(6_120, range(4)), 7.5).members.sum()
    limit = 4
    for _ in range(ROUNDS):
        limit += int(GROWTH * limit) + 5
    assert 4 < grown <= limit


def test_bits_are_held_against_the_odds_of_chance() -> None:
    views = views_of(RING, CROWD, 3)
    links, members = joined(views), np.arange(RING)
    found = reach(links, members)
    bits = affinity(views, mask(RING + CROWD, range(RING))).total()[:RING] - np.log2((RING + CROWD) / RING)
    assert select(links, found, members, float(bits.min()) - 0.01).tolist() == members.tolist()
    assert not len(select(links, found, members, float(bits.max()) + 0.01))


def test_walks_that_are_kept_change_no_answer(tiny_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillwatch.operators.refine.MOST_KEPT", 3)  # so that some are forgotten and walked again
    views, rng = tiny_scene.views, np.random.default_rng(5)
    walked = Walked(joined(views))
    for _ in range(30):
        seed = rng.random(len(tiny_scene.roster.node_size)) < 0.03
        for margin in (*MARGINS_BITS, MARGINS_BITS[0]):
            found, expected = refine(views, seed, margin, walked), refine(views, seed, margin)
            assert found.nodes.tolist() == expected.nodes.tolist()
            for one, other in zip(found.reach, expected.reach, strict=True):
                np.testing.assert_array_equal(one, other)
