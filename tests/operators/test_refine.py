"""Refinement takes in who is pointed at, drops who is not, and never runs away."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from written_views import mask, view_of

from stillwatch.operators.affinity import Affinity, affinity
from stillwatch.operators.refine import ALONE_BITS, GROWTH, MARGINS_BITS, ROUNDS, _select, posterior_bits, refine
from stillwatch.operators.views import View

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
    members = mask(count, range(min(size, count)))
    bits = {f: np.full(count, level + 8, dtype=np.float32) + np.arange(count, dtype=np.float32) / 1000
            for f in ("network", "payment")}  # fmt: skip
    found = Affinity(bits, {})
    chosen = _select(found, posterior_bits(found, members), members, 0.0)
    assert (chosen & ~members).sum() <= GROWTH * members.sum() + 5


def test_growth_over_all_rounds_is_bounded() -> None:
    grown = refine(views_of(120, 6_000, 6), mask(6_120, range(4)), 7.5).members.sum()
    limit = 4
    for _ in range(ROUNDS):
        limit += int(GROWTH * limit) + 5
    assert 4 < grown <= limit


def test_bits_are_held_against_the_odds_of_chance() -> None:
    found = refine(views_of(RING, CROWD, 3), mask(RING + CROWD, range(RING)), 7.5)
    prior = np.log2((RING + CROWD) / RING)
    np.testing.assert_allclose(found.bits, found.affinity.total() - prior, rtol=1e-5)
    assert (found.bits[RING:] < 0).all()
