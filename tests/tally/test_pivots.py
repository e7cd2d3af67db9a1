"""A move to a new model is found at its hour and with its share; a model there from the first day is no news."""

from __future__ import annotations

import numpy as np
import pytest

from built_scenes import START, exchange, facts_of
from stillwatch.tally.facts import Facts
from stillwatch.tally.pivots import find_pivots

HOUR_US = 3_600_000_000
MOVED_H = 101


def log(moves: int) -> Facts:
    """Account ``a`` asks every half hour; from ``MOVED_H`` on ``moves`` of ten go to a model nobody used before."""
    rows = [exchange(i, "a", i / 2, request_model="new" if i / 2 >= MOVED_H and i % 10 < moves else "old")
            for i in range(400)]  # fmt: skip
    return facts_of(rows + [exchange(1000 + i, "b", i, request_model="old") for i in range(200)])


@pytest.mark.parametrize("moves", [4, 6, 10])
def test_a_planted_move_is_found_at_its_hour_and_share(moves: int) -> None:
    facts = log(moves)
    rows = np.flatnonzero(facts.account == 0)
    ((code, at, share),) = find_pivots(facts, rows)
    assert facts.words("model")[code] == "new"
    start = int(START.timestamp()) * 1_000_000
    assert 0 <= (at - start) / HOUR_US - MOVED_H < 5
    assert share == pytest.approx(moves / 10, abs=0.06)


def test_a_trickle_is_no_move() -> None:
    facts = log(1)
    assert find_pivots(facts, np.flatnonzero(facts.account == 0)) == []


def test_those_who_stayed_did_not_move() -> None:
    facts = log(10)
    assert find_pivots(facts, np.flatnonzero(facts.account == 1)) == []


def test_a_model_of_the_first_day_is_no_release() -> None:
    rows = [exchange(i, "a", i / 2, request_model="new" if i >= 200 else "old") for i in range(400)]
    facts = facts_of([*rows, exchange(999, "b", 3, request_model="new")])
    assert find_pivots(facts, np.flatnonzero(facts.account == 0)) == []


def test_a_handful_of_rows_says_nothing() -> None:
    facts = log(10)
    assert find_pivots(facts, np.flatnonzero(facts.account == 0)[-12:]) == []
