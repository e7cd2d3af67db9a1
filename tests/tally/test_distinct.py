"""Counting by sorting equals counting with numpy's own functions and with sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from built_scenes import exchange, facts_of
from stillwatch.detectors.suspect import Scene
from stillwatch.tally.distinct import distinct, diversity, run_lengths, run_starts

NUMBERS = st.lists(st.integers(-3, 9), max_size=40).map(lambda own: np.array(own, dtype=np.int64))


@settings(max_examples=200, deadline=None)
@given(NUMBERS)
def test_distinct_values_and_runs_equal_those_of_numpy(values: np.ndarray) -> None:
    ordered = np.sort(values)
    expected, first, count = np.unique(ordered, return_index=True, return_counts=True)
    assert distinct(values).tolist() == expected.tolist()
    assert run_starts(ordered).tolist() == first.tolist()
    assert run_lengths(ordered).tolist() == count.tolist()


def test_runs_need_not_be_in_order() -> None:
    assert run_starts(np.array([5, 5, 2, 2, 2, 5])).tolist() == [0, 2, 5]
    assert run_lengths(np.array([5, 5, 2, 2, 2, 5])).tolist() == [2, 3, 1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=40))
def test_diversity_counts_known_rows_and_different_values_of_each_account(rows: list[tuple[int, int]]) -> None:
    account, value = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    seen, different = diversity(account, value.astype(np.uint64), 6)
    for one in range(6):
        own = [v for a, v in rows if a == one and v > 0]
        assert (seen[one], different[one]) == (len(own), len(set(own)))


def test_dense_codes_stand_for_keys_and_keep_their_order(tiny_scene: Scene) -> None:
    for name in ("text_key", "conversation_key", "end_user_key"):
        key, code = tiny_scene.facts.key(name), tiny_scene.facts.dense(name)
        assert ((code == 0) == (key == 0)).all()
        assert sorted(set(code.tolist()) - {0}) == list(range(1, len(set(key.tolist()) - {0}) + 1))
        order = np.argsort(code, kind="stable")
        assert (key[order][1:] >= key[order][:-1]).all()
        assert len(set(zip(key.tolist(), code.tolist(), strict=True))) == len(set(key.tolist()))


def test_a_text_counts_as_refused_whoever_was_refused_with_it() -> None:
    facts = facts_of(
        [
            exchange(1, "a", 0, prompt="Where is Ulm?", status_code=429),
            exchange(2, "b", 1, prompt="Where is Ulm?", status_code=200),
            exchange(3, "b", 2, prompt="Where is Bonn?", status_code=200),
            exchange(4, "b", 3, status_code=429),
        ]
    )
    assert facts.text_refused.tolist() == [True, True, False, False]
    assert facts.item.tolist() == [False, True, True, False]
