"""Candidates are the same every time, come without duplicates, and hold the ring that was planted."""

from __future__ import annotations

import numpy as np
from written_views import view_of

from stillwatch.detectors.suspect import Scene
from stillwatch.operators.communities import MIN_NODES, candidates


def test_the_same_views_give_the_same_candidates_in_the_same_order(tiny_scene: Scene) -> None:
    one, other = candidates(tiny_scene.views), candidates(tiny_scene.views)
    assert [name for name, _ in one] == [name for name, _ in other]
    for (_, a), (_, b) in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    digests = [mask.tobytes() for _, mask in one]
    assert len(set(digests)) == len(digests)
    assert min(int(mask.sum()) for _, mask in one) >= MIN_NODES


def test_a_planted_ring_is_a_candidate() -> None:
    holdings = [{1, 2 + i % 3} for i in range(12)] + [{1000 + i, 1001 + i} for i in range(400)]
    found = candidates([view_of(holdings)])
    best = max(found, key=lambda item: item[1][:12].sum() - item[1][12:].sum())
    assert best[0] == "network"
    assert np.flatnonzero(best[1]).tolist() == list(range(12))


def test_an_address_of_everybody_joins_nobody() -> None:
    assert candidates([view_of([{1} for _ in range(400)])]) == []


def test_no_views_no_candidates() -> None:
    assert candidates([]) == []
