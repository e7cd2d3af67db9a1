"""Clusters that are nearly the same are judged once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.campaigns.suspects import SAME, Known, find_suspects
from stillwatch.detectors.suspect import Scene

MASKS = st.lists(st.sets(st.integers(0, 14), min_size=1, max_size=12), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(MASKS)
def test_a_cluster_is_known_exactly_when_one_kept_before_overlaps_it(clusters: list[set[int]]) -> None:
    known, kept = Known(), []
    for own in clusters:
        members = np.zeros(15, dtype=bool)
        members[list(own)] = True
        expected = all(len(own & other) / len(own | other) < SAME for other in kept)
        assert known.add(members) == expected
        if expected:
            kept.append(own)


def test_suspects_come_the_same_every_time(tiny_scene: Scene) -> None:
    one, other = find_suspects(tiny_scene), find_suspects(tiny_scene)
    assert [s.nodes.tolist() for s in one] == [s.nodes.tolist() for s in other]
    assert [s.found_in for s in one] == [s.found_in for s in other]
    assert [repr(s.held_out_p) for s in one] == [repr(s.held_out_p) for s in other]
    assert len(one) > 5
