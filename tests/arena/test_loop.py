"""The closed loop holds its promises whatever the provider decides: budgets, closures, yields, repeatability."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from played_runs import Choose, Scripted, nobody, operator, run, same

from stillwatch.arena.conduct import Reactions
from stillwatch.arena.loop import moments
from stillwatch.arena.policy import ACTIONS, Action, Policy

ASPECTS = ("addresses", "clients", "payment", "email", "parameters", "templates")
reactions = st.builds(
    Reactions,
    replace=st.floats(0, 2),
    replace_lag_h=st.floats(0, 48),
    stock=st.sampled_from(["fresh", "aged"]),
    resume=st.booleans(),
    rotate=st.sets(st.sampled_from(ASPECTS)).map(lambda chosen: tuple(sorted(chosen))),
    cells=st.integers(1, 3),
    slow=st.floats(0.3, 1),
    blend=st.floats(0, 0.5),
    paraphrase=st.booleans(),
    pass_challenge=st.floats(0, 1),
    sleep=st.sampled_from(["never", "hours", "release"]),
    sleep_h=st.floats(0, 40),
)
# a run takes a fifth of a second: shrinking a failure would take minutes
few = settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.generate))
Named = dict[tuple[str, str], Action]


def at_random(seed: int, share: float) -> Choose:
    """Every scan does something to a share of the accounts seen."""

    def choose(scan: int, seen: list[tuple[str, str]]) -> Named:
        dice = random.Random(f"{seed}/{scan}")
        return {name: dice.choice(ACTIONS) for name in seen if dice.random() < share}

    return choose


def closing(count: int) -> Choose:
    """Every scan closes the first ``count`` accounts it has seen."""
    return lambda _, seen: dict.fromkeys(seen[:count], "close")


@few
@given(
    then=reactions,
    money=st.floats(0, 80),
    most=st.integers(6, 9),
    seed=st.integers(1, 999),
    share=st.floats(0, 0.8),
    blend=st.sampled_from([0.0, 0.3]),
)
def test_an_operator_stays_within_its_budget_and_its_yield_within_bounds(
    then: Reactions, money: float, most: int, seed: int, share: float, blend: float
) -> None:
    provider = Scripted(at_random(seed, share))
    found = run(operator(then, money, most, blend=blend), provider, seed)
    assert 0.0 <= found.harvested <= 1.0
    assert all(period.live <= most for period in found.periods)
    assert found.spent <= money
    assert found.spent == max(period.spent for period in found.periods)
    so_far = [period.harvested for period in found.periods]
    assert so_far == sorted(so_far)
    assert found.accounts_lost <= found.accounts_opened
    named = [name for _, name, _ in provider.answered]
    assert len({exchange for _, _, exchange in provider.answered}) == len(named)


@few
@given(then=reactions, seed=st.integers(1, 999), share=st.floats(0.1, 0.9))
def test_a_closed_account_is_answered_nothing_after_the_closure_takes_effect(
    then: Reactions, seed: int, share: float
) -> None:
    provider = Scripted(at_random(seed, share), Policy(effect_lag_h=3.0))
    run(operator(then), provider, seed)
    late = [name for at, name, _ in provider.answered if name in provider.closed and at >= provider.closed[name]]
    assert late == []


@pytest.mark.parametrize("timing", ["flat", "office", "synchronised", "human", "slow"])
@pytest.mark.parametrize("allocation", ["partition", "levelled", "resample"])
def test_without_enforcement_everything_is_obtained(timing: str, allocation: str) -> None:
    found = run(operator(timing=timing, allocation=allocation), Scripted(nobody))
    assert found.harvested == 1.0
    assert found.accounts_opened == 6
    assert found.accounts_lost == 0
    assert found.first.named == 0


def test_an_agentic_list_with_fail_over_is_obtained_whole_too() -> None:
    chosen = operator(failover=0.3, wrapper="system")
    tactic = type(chosen.harvest)(exchanges=60, accounts=6, tactic="bulk_agentic", axes=chosen.harvest.axes)
    whole = type(chosen)(name="agentic", says="", harvest=tactic, budget=chosen.budget)
    assert run(whole, Scripted(nobody)).harvested == 1.0


def test_the_more_accounts_are_closed_the_less_a_static_operator_gets() -> None:
    got = [run(operator(), Scripted(closing(count))).harvested for count in (0, 1, 3, 6)]
    assert got == sorted(got, reverse=True)
    assert got[0] == 1.0
    assert got[-1] < 0.7


def test_going_on_elsewhere_gets_more_through() -> None:
    stays = run(operator(), Scripted(closing(3))).harvested
    goes_on = run(operator(Reactions(resume=True, replace=1.0, replace_lag_h=1.0)), Scripted(closing(3)))
    assert goes_on.harvested > stays
    assert goes_on.accounts_opened > 6
    assert goes_on.replacements.accounts > 0


def test_recognition_counts_the_exchanges_before_the_decision() -> None:
    provider = Scripted(lambda scan, seen: dict.fromkeys(seen, "close") if scan == 1 else {}, Policy(effect_lag_h=0.0))
    found = run(operator(), provider)
    start = min(at for at, _, _ in provider.answered).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = [name for at, name, _ in provider.answered if at < start + timedelta(days=1)]
    counts = sorted(first_day.count(name) for name in set(first_day))
    assert found.first.named == len(counts)
    assert found.first.exchanges is not None
    assert counts[0] <= found.first.exchanges <= counts[-1]


def test_a_throttled_account_is_answered_so_many_calls_a_day() -> None:
    policy = Policy(effect_lag_h=0.0, throttle_per_day=1)
    provider = Scripted(lambda _, seen: dict.fromkeys(seen, "throttle"), policy)
    run(operator(), provider)
    start = min(at for at, _, _ in provider.answered).replace(hour=0, minute=0, second=0, microsecond=0)
    late = [(name, at.date()) for at, name, _ in provider.answered if at >= start + timedelta(days=1)]
    first_day = {name for at, name, _ in provider.answered if at < start + timedelta(days=1)}
    known = [entry for entry in late if entry[0] in first_day]
    assert known
    assert len(known) == len(set(known))


def test_a_challenge_stops_those_who_cannot_pass_it() -> None:
    def choose(scan: int, seen: list[tuple[str, str]]) -> Named:
        return dict.fromkeys(seen, "challenge") if scan == 1 else {}

    fails = run(operator(Reactions(pass_challenge=0.0)), Scripted(choose))
    passes = run(operator(Reactions(pass_challenge=1.0)), Scripted(choose))
    assert fails.harvested < passes.harvested
    assert fails.accounts_lost > 0
    assert passes.accounts_lost == 0


def test_a_sleeper_is_silent_until_it_wakes() -> None:
    then = Reactions(resume=True, sleep="hours", sleep_h=30.0, stretch=3.0)
    provider = Scripted(lambda scan, seen: dict.fromkeys(seen[:1], "close") if scan == 1 else {})
    found = run(operator(then), provider)
    start = min(at for at, _, _ in provider.answered).replace(hour=0, minute=0, second=0, microsecond=0)
    noticed = start + timedelta(hours=30)  # scanned after 24, in effect after 26, looked at after 30
    gone = [at for at, _, _ in provider.answered if noticed < at < noticed + timedelta(hours=30)]
    assert gone == []
    assert any(at >= noticed + timedelta(hours=30) for at, _, _ in provider.answered)
    assert found.harvested > 0.8


def test_honest_accounts_are_counted_once() -> None:
    stranger = ("api", "somebody")
    found = run(operator(), Scripted(lambda *_: {stranger: "challenge"}))
    assert found.honest_touched == 1
    assert found.honest_touched_per_100k == 100.0
    watched = run(operator(), Scripted(lambda *_: {stranger: "observe"}))
    assert watched.honest_touched == 0


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    then = Reactions(replace=1.0, resume=True, rotate=("addresses", "clients"), cells=2, blend=0.3, paraphrase=True)
    providers = [Scripted(at_random(1, 0.3)) for _ in range(3)]
    runs = [run(operator(then), provider, seed) for provider, seed in zip(providers, (7, 7, 8), strict=True)]
    assert same(runs[0]) == same(runs[1])
    assert providers[0].answered == providers[1].answered
    assert providers[0].answered != providers[2].answered


@given(days=st.integers(2, 20), scan_h=st.floats(1, 100))
def test_periods_cover_the_run_without_gaps(days: int, scan_h: float) -> None:
    edges = moments(days * 86_400.0, scan_h * 3_600.0)
    assert edges[0][0] == 0.0
    assert edges[-1][1] == days * 86_400.0
    assert all(left[1] == right[0] for left, right in pairwise(edges))
    assert all(start < stop for start, stop, _ in edges)
