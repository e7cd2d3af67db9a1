"""The small machines inside the loop: what an operator orders, what a purse pays, what enforcement lets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played_runs import decision

from stillwatch.arena.conduct import News, Orders, Purse, Reactions, react
from stillwatch.arena.enforcement import DAY_S, HOUR_S, Enforcement
from stillwatch.arena.policy import ACTIONS, Policy

NAME = ("api", "a")
counts = st.integers(0, 50)


def news(at_s: float = 0.0, lost: int = 0, hindered: int = 0, cells: int = 1, release_s: float | None = None) -> News:
    return News(
        at_s=at_s,
        lost=lost,
        hindered=hindered,
        live=10,
        cells=cells,
        left=10,
        money=1.0,
        next_release_s=release_s,
    )


@given(replace=st.floats(0, 3), lag_h=st.floats(0, 100), lost=counts, hindered=counts, at_s=st.floats(0, 1e7))
def test_nothing_is_ordered_without_a_loss_and_never_in_the_past(
    replace: float, lag_h: float, lost: int, hindered: int, at_s: float
) -> None:
    then = Reactions(replace=replace, replace_lag_h=lag_h, sleep="hours")
    orders = react(then, news(at_s, lost, hindered))
    if not lost and not hindered:
        assert orders == Orders()
        return
    assert 0 <= orders.replace <= 3 * lost + 1
    assert orders.ready_s >= at_s
    assert orders.wake_s is not None
    assert orders.wake_s > at_s


def test_a_sleeper_wakes_on_the_release_or_where_none_is_announced_after_its_hours() -> None:
    then = Reactions(sleep="release", sleep_h=10.0)
    assert react(then, news(5.0, lost=1, release_s=99.0)).wake_s == 99.0
    assert react(then, news(5.0, lost=1)).wake_s == 5.0 + 10.0 * HOUR_S


def test_clusters_are_split_until_there_are_enough() -> None:
    assert react(Reactions(cells=3), news(lost=1, cells=2)).split
    assert not react(Reactions(cells=3), news(lost=1, cells=3)).split


@given(money=st.floats(0, 100), amounts=st.lists(st.floats(0, 30)))
def test_a_purse_is_never_overspent(money: float, amounts: list[float]) -> None:
    purse = Purse(money)
    paid = [amount for amount in amounts if purse.pay(amount)]
    assert purse.spent <= money
    assert purse.spent == pytest.approx(sum(paid))


steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.floats(0, 20 * DAY_S)), max_size=6)


@given(taken=steps, lag_h=st.floats(0, 30), asked=st.lists(st.floats(0, 30 * DAY_S), max_size=20))
def test_a_closure_is_final_and_observing_changes_nothing(
    taken: list[tuple[str, float]], lag_h: float, asked: list[float]
) -> None:
    gate = Enforcement(Policy(effect_lag_h=lag_h))
    for action, at in sorted(taken, key=lambda step: step[1]):
        gate.take([decision(NAME, action)], at)
        if gate.challenged(NAME, at):
            gate.passed(NAME, at)
    closures = [at + lag_h * HOUR_S for action, at in taken if action == "close"]
    assert gate.closed_s(NAME) == (min(closures) if closures else None)
    answers = [(at, gate.admit(NAME, at)) for at in sorted(asked)]
    assert not any(answer for at, answer in answers if closures and at >= min(closures))
    if all(action == "observe" for action, _ in taken):
        assert all(answer for _, answer in answers)


def test_a_challenge_holds_until_passed_and_is_not_asked_again_for_a_while() -> None:
    gate = Enforcement(Policy(effect_lag_h=0.0, challenge_again_days=2.0))
    gate.take([decision(NAME, "challenge")], 0.0)
    assert not gate.admit(NAME, 1.0)
    gate.passed(NAME, 2.0)
    assert gate.admit(NAME, 3.0)
    gate.take([decision(NAME, "challenge")], DAY_S)
    assert gate.admit(NAME, DAY_S + 1)
    gate.take([decision(NAME, "challenge")], 3 * DAY_S)
    assert not gate.admit(NAME, 3 * DAY_S + 1)
