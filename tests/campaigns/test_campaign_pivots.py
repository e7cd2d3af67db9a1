"""A campaign's move to a new model is dated within a day, whatever a stray account did before."""

from __future__ import annotations

import numpy as np
import pytest

from built_scenes import START, Row, exchange, facts_of
from stillwatch.campaigns.pivots import campaign_pivots
from stillwatch.tally.facts import Facts
from stillwatch.tally.pivots import find_pivots

HOUR_US = 3_600_000_000
RELEASED_H = 100


def log(moved_h: float) -> Facts:
    """``a`` moves at ``moved_h``; ``guest`` tries the new model once at its release; ``b`` stays."""
    rows: list[Row] = [exchange(i, "a", i / 2, request_model="new" if i / 2 >= moved_h else "old") for i in range(400)]
    rows += [exchange(1000 + i, "b", i, request_model="old") for i in range(200)]
    return facts_of([*rows, exchange(2000, "guest", RELEASED_H, request_model="new")])


def hours(us: int) -> float:
    return us / HOUR_US - START.timestamp() / 3600


def of(facts: Facts, *accounts: int) -> np.ndarray:
    return np.flatnonzero(np.isin(facts.account, accounts))


@pytest.mark.parametrize("moved_h", [102, 120, 140])
def test_a_stray_first_use_does_not_hide_the_move(moved_h: float) -> None:
    facts = log(moved_h)
    rows = of(facts, 0, 2)
    ((code, at, share),) = campaign_pivots(facts, rows, rows)
    assert facts.words("model")[code] == "new"
    assert abs(hours(at) - moved_h) <= 24
    assert share >= 0.2
    if moved_h >= 120:
        assert find_pivots(facts, rows) == []


def test_a_move_that_only_all_traffic_shows_is_found() -> None:
    facts = log(101)
    assert len(campaign_pivots(facts, of(facts, 1), of(facts, 0, 1))) == 1


def test_who_comes_days_later_did_not_move_with_the_release() -> None:
    facts = log(160)
    assert campaign_pivots(facts, of(facts, 0, 2), of(facts, 0, 2)) == []


def test_who_stayed_and_who_says_too_little_did_not_move() -> None:
    facts = log(101)
    assert campaign_pivots(facts, of(facts, 1), of(facts, 1)) == []
    assert campaign_pivots(facts, of(facts, 0)[-12:], of(facts, 0)[-12:]) == []
