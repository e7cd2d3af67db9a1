"""Bits for membership: the compiled kernel equals the plain one, and organic traffic never washes a link out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slow_affinity
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from written_views import mask, view_of

from stillwatch.detectors.suspect import Scene
from stillwatch.operators.affinity import MOST_BITS, STRONG_BITS, affinity
from stillwatch.operators.views import View, Views

HOLDINGS = st.lists(st.sets(st.integers(0, 8), max_size=5), min_size=3, max_size=30)


@settings(max_examples=300, deadline=None)
@given(HOLDINGS, st.data())
def test_the_compiled_walk_equals_the_plain_one(holdings: list[set[int]], data: st.DataObject) -> None:
    view = view_of(holdings)
    assume(view.matrix.shape[1])
    members = np.array(data.draw(st.lists(st.booleans(), min_size=len(holdings), max_size=len(holdings))))
    same_affinity([view], members)


@settings(max_examples=100, deadline=None)
@given(st.lists(HOLDINGS, min_size=1, max_size=4), st.data())
def test_views_walked_as_one_equal_views_walked_one_by_one(tables: list[list[set[int]]], data: st.DataObject) -> None:
    count = min(map(len, tables))
    families = ("network", "payment", "network", "signup")
    views = [view_of(own[:count], f"view{i}", families[i]) for i, own in enumerate(tables)]
    assume(all(view.matrix.shape[1] for view in views))
    joined = Views(views)
    for _ in range(3):  # what a walk leaves behind would show in the next
        same_affinity(joined, np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count))))


def test_the_compiled_walk_equals_the_plain_one_on_a_world(tiny_scene: Scene) -> None:
    rng = np.random.default_rng(5)
    for share in (0.01, 0.05, 0.4):
        same_affinity(tiny_scene.views, rng.random(len(tiny_scene.roster.node_size)) < share)


def same_affinity(views: Sequence[View], members: np.ndarray) -> None:
    found, slow = affinity(views, members), slow_affinity.affinity(views, members)
    assert list(found.by_family) == list(slow.by_family)
    for family, bits in slow.by_family.items():
        np.testing.assert_allclose(found.by_family[family], bits, rtol=1e-5, atol=1e-6)
    assert {name: own.tolist() for name, own in found.enriched.items()} == {
        name: own.tolist() for name, own in slow.enriched.items()
    }
    np.testing.assert_allclose(found.total(), slow.total(), rtol=1e-5, atol=1e-6)


def test_no_views_no_bits() -> None:
    assert not affinity([], mask(3, [0, 1])).by_family


@settings(max_examples=200, deadline=None)
@given(HOLDINGS, st.sets(st.integers(100, 140), min_size=1, max_size=20), st.data())
def test_values_of_one_s_own_never_lower_anybody_s_bits(
    holdings: list[set[int]], organic: set[int], data: st.DataObject
) -> None:
    """Blending: a member that adds organic values keeps every bit it had."""
    assume(view_of(holdings).matrix.shape[1])
    node = data.draw(st.integers(0, len(holdings) - 1))
    assume(holdings[node])
    members = np.array(data.draw(st.lists(st.booleans(), min_size=len(holdings), max_size=len(holdings))))
    before = affinity([view_of(holdings)], members).total()
    blended = [own | organic if i == node else own for i, own in enumerate(holdings)]
    after = affinity([view_of(blended)], members).total()
    assert (after >= before - 1e-6).all()


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(200, 210), min_size=1, max_size=6), st.integers(1, 12))
def test_values_shared_with_strangers_never_lower_a_member_s_bits(shared: set[int], strangers: int) -> None:
    holdings = [{1} for _ in range(6)] + [set(shared) for _ in range(strangers)] + [{9} for _ in range(60)]
    members = mask(len(holdings), range(6))
    before = affinity([view_of(holdings)], members).total()[:6]
    blended = [own | shared if i < 6 else own for i, own in enumerate(holdings)]
    after = affinity([view_of(blended)], members).total()[:6]
    assert (after >= before - 1e-6).all()


def test_a_member_s_own_value_does_not_speak_for_itself() -> None:
    holdings = [{1}, {1}] + [{2}] * 40
    one_in = affinity([view_of(holdings)], mask(42, [0]))
    assert one_in.total()[1] == 0
    assert one_in.total()[0] == 0


def test_an_outsider_with_the_cluster_s_rare_value_is_pointed_at() -> None:
    holdings = [{1} for _ in range(9)] + [{i + 100, i + 101} for i in range(200)]
    found = affinity([view_of(holdings)], mask(209, range(8)))
    assert found.total()[8] >= STRONG_BITS
    assert (found.total()[9:] == 0).all()
    assert found.total().max() <= MOST_BITS


def test_two_views_of_one_family_count_once_and_two_families_twice() -> None:
    holdings = [{1} for _ in range(8)] + [{i + 100, i + 101} for i in range(100)]
    members = mask(108, range(8))
    one = affinity([view_of(holdings)], members).total()[:8]
    twice = affinity([view_of(holdings), view_of(holdings, "prefix")], members).total()[:8]
    two = affinity([view_of(holdings), view_of(holdings, "payment", "payment")], members).total()[:8]
    np.testing.assert_array_equal(twice, one)
    np.testing.assert_allclose(two, 2 * one, rtol=1e-6)


def test_a_node_with_no_value_is_unknown_not_zero() -> None:
    holdings: list[set[int]] = [{1}, {1}, {1}, set(), {2}, {2}]
    bits = affinity([view_of(holdings)], mask(6, [0, 1, 2])).by_family["network"]
    assert np.isnan(bits).tolist() == [False, False, False, True, False, False]


def test_what_everybody_has_says_nothing() -> None:
    found = affinity([view_of([{1}] * 100)], mask(100, range(10)))
    assert found.total().max() == 0
