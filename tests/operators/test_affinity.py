"""Bits for membership: the compiled kernel equals the plain one, and organic traffic never washes a link out."""

from __future__ import annotations

import numpy as np
import slow_affinity
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from written_views import mask, view_of

from stillwatch.operators.affinity import MOST_BITS, STRONG_BITS, affinity

HOLDINGS = st.lists(st.sets(st.integers(0, 8), max_size=5), min_size=3, max_size=30)


@settings(max_examples=300, deadline=None)
@given(HOLDINGS, st.data())
def test_the_compiled_kernel_equals_the_plain_one(holdings: list[set[int]], data: st.DataObject) -> None:
    view = view_of(holdings)
    assume(view.matrix.shape[1])
    members = np.array(data.draw(st.lists(st.booleans(), min_size=len(holdings), max_size=len(holdings))))
    found = affinity([view], members)
    n_in = float((members & view.informed).sum())
    columns = [set(view.matrix[node].indices.tolist()) for node in range(len(holdings))]
    best, strong = slow_affinity.best_bits(
        columns, view.matrix.shape[1], members.tolist(), n_in, view.informed_count - n_in
    )
    informed = view.informed
    np.testing.assert_allclose(found.by_family["network"][informed], np.array(best)[informed], rtol=1e-5, atol=1e-6)
    assert np.isnan(found.by_family["network"][~informed]).all()
    assert found.enriched["address"].tolist() == strong


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
