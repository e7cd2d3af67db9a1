"""What a policy would have done: effects reckoned by hand, and the same decisions as live."""

from __future__ import annotations

import msgspec
import pytest
from known_standings import DAY, HOUR, KEY, LADDER, NOW, known, policy_of

from stillwatch.model import Decision
from stillwatch.policy.backtest import Replay, Step, Terms, Truth, backtest
from stillwatch.policy.book import applied
from stillwatch.policy.comparison import MEASURES, rows
from stillwatch.policy.compile import load_policy
from stillwatch.policy.decide import decide
from stillwatch.policy.effects import Usage
from stillwatch.policy.rules import Policy
from stillwatch.policy.standing import Standing

HEAD = 'version = "x"\n[defaults]\nmin_probability = 0.5\njitter_s = 0\n'


def doing(action: str, more: str = "") -> Policy:
    return policy_of(f'{HEAD}[[rules]]\nname = "r"\naction = "{action}"\n{more}')


def step(number: int, *standings: Standing, hours: int = 10, **usage: Usage) -> Step:
    at = NOW + number * hours * HOUR
    named = {("api", account): used for account, used in usage.items()}
    return Step(at=at, until=at + hours * HOUR, standings=standings, usage=named)


USED = Usage(exchanges=1_000, harvest_exchanges=800, revenue=10.0)


@pytest.mark.parametrize(
    ("action", "more", "prevented", "asked", "weakened", "let_through"),
    [
        ("deny", "", 800, 0, 0, 0),
        ("challenge", "", 0, 800, 0, 0),
        ("throttle", "throttle_per_h = 10", 720, 0, 0, 80),  # 100 of 1,000 are left in ten hours
        ("throttle", "throttle_per_h = 1000", 0, 0, 0, 800),
        ("watermark", "", 0, 0, 800, 800),
        ("withhold_reasoning", "", 0, 0, 800, 800),
        ("observe", "", 0, 0, 0, 800),
        ("deny", "cap = {accounts = 0}", 0, 0, 0, 800),  # waits for a person
    ],
)
def test_each_action_does_to_the_harvest_what_it_can(
    action: str, more: str, prevented: float, asked: float, weakened: float, let_through: float
) -> None:
    report, _ = backtest([step(0, known(), a1=USED)], doing(action, more))
    found = (report.prevented, report.asked, report.weakened, report.let_through)
    assert found == (prevented, asked, weakened, let_through)
    touched = action != "observe" and "cap" not in more
    assert report.touched == int(touched)
    assert report.revenue_touched == (10.0 if touched else 0.0)
    assert report.held == int("cap" in more)


def test_held_decisions_have_an_effect_where_they_are_taken_for_approved() -> None:
    report, _ = backtest([step(0, known(), a1=USED)], doing("deny", "cap = {accounts = 0}"), terms=Terms(approve=True))
    assert (report.prevented, report.held) == (800, 1)


def test_exchanges_before_a_decision_begins_and_after_it_ends_are_let_through() -> None:
    policy = doing("deny", "duration_h = 5")
    report, _ = backtest([step(0, known(), a1=USED)], policy)
    assert (report.prevented, report.let_through, report.revenue_touched) == (400, 400, 5.0)


def test_time_to_act_and_what_was_obtained_before_are_by_campaign() -> None:
    early, sure = known(confidence=0.5, campaign_harvest=1_000), known(confidence=0.99, campaign_harvest=1_800)
    other = known(7, campaign_id="c2", confidence=0.5, campaign_harvest=100)
    history = [step(0, early, other, a1=USED), step(1, sure, other, a1=USED, a7=USED)]
    report, _ = backtest(history, doing("deny"))
    assert (report.campaigns, report.campaigns_acted_on) == (2, 1)
    assert (report.hours_to_act, report.median_hours_to_act) == ((10.0,), 10.0)
    assert report.obtained_before == 1_800
    assert report.let_through == 1_600
    assert backtest([], doing("deny"))[0].median_hours_to_act is None


def test_honest_looking_accounts_are_counted_by_class_and_by_truth() -> None:
    asked = [
        known(1),
        known(2, plan="education", org="Some School"),
        known(3, verification="organisation"),
        known(4),
    ]
    cleared = Standing(platform="api", account_id="a4")
    truth = {
        ("api", "a1"): Truth(label="campaign", honest=False),
        ("api", "a2"): Truth(label="class", honest=True),
        ("api", "a4"): Truth(label="class", honest=True),
    }
    first = step(0, *asked, a1=USED, a2=USED)
    report, _ = backtest([first, step(1, *asked[:3], cleared)], doing("deny"), truth=truth)
    assert report.honest == {
        "declared an organisation": 1,
        "no longer accused": 1,
        "plan education": 1,
        "verification organisation": 1,
    }
    assert (report.touched, report.honest_touched, report.innocent_touched) == (4, 3, 2)
    assert report.by_truth == {"campaign": 1, "class": 2, "not labelled": 1}
    assert report.honest_exchanges_refused == 1_000
    assert report.lapsed == 1
    blind, _ = backtest([first], doing("deny"))
    assert (blind.innocent_touched, blind.honest_exchanges_refused, blind.by_truth) == (None, None, {})


def test_unknown_revenue_is_not_reported_as_none_touched() -> None:
    report, _ = backtest([step(0, known(), a1=msgspec.structs.replace(USED, revenue=None))], doing("deny"))
    assert report.revenue_touched is None


def test_the_largest_day_is_of_accounts_newly_touched_within_any_24_hours() -> None:
    history = [step(n, *(known(i) for i in range(2 * n + 1))) for n in range(4)]  # 1, 2, 2, 2 more, every ten hours
    report, _ = backtest(history, doing("deny"))
    assert (report.touched, report.largest_day) == (7, 6)


def history() -> list[Step]:
    """Three days: a ring that grows, a twin whose verdict falls away, an account that comes and goes."""
    steps = []
    for number in range(18):
        ring = [known(n, confidence=0.9 + 0.005 * number) for n in range(3 + number)]
        twin = known(90, campaign_id="c2", confidence=0.96 if number < 9 else 0.6)
        seen = [*ring, twin] if number % 4 else ring
        usage = {f"a{n}": USED for n in (*range(3 + number), 90)}
        steps.append(step(number, *seen, hours=4, **usage))
    return steps


@pytest.mark.parametrize("mode", ["shadow", "staged", "armed"])
@pytest.mark.parametrize("name", ["cautious", "standard", "observe"])
def test_a_replay_decides_what_live_decided(name: str, mode: str) -> None:
    """Live keeps decisions in a store, in any order, and asks with all of them each time, ended ones too."""
    policy, _ = load_policy(name)
    live: list[Decision] = []
    for at in history():
        outcome = decide(policy, tuple(reversed(at.standings)), reversed(live), at.at, mode, 0.5, KEY)
        live = sorted(applied(live, outcome, at.at), key=lambda d: d.decision_id)
    replay = Replay(policy, Terms(mode=mode, share=0.5, key=KEY))
    for at in history():
        replay.take(at)
    assert sorted(replay.decisions, key=lambda d: d.decision_id) == live
    assert live


def test_a_stricter_candidate_stands_beside_the_active_policy() -> None:
    candidate, active = load_policy("standard")[0], load_policy("observe")[0]
    ours, theirs = backtest(history(), candidate, active, Terms(key=KEY))
    assert theirs is not None
    assert (theirs.prevented, theirs.touched, theirs.campaigns_acted_on) == (0, 0, 0)
    assert theirs.let_through == 800 * sum(4 + n for n in range(18))
    assert ours.prevented > 0
    assert ours.prevented + ours.asked + ours.let_through == pytest.approx(theirs.let_through)


def test_the_report_is_rows_that_survive_json() -> None:
    candidate, active = load_policy("standard")[0], load_policy("observe")[0]
    ours, theirs = backtest(history(), candidate, active)
    table = rows(ours, theirs)
    assert msgspec.json.decode(msgspec.json.encode(table), type=type(table)) is not None
    assert len({row.measure for row in table}) == len(table) > len(MEASURES)
    named = {row.measure: row for row in table}
    assert named["policy"].candidate == "standard-1"
    assert named["decisions: deny"].active == 0
    assert all(row.active is None for row in rows(ours))


def test_time_runs_forwards() -> None:
    replay = Replay(doing("deny"))
    replay.take(step(1))
    with pytest.raises(ValueError, match="follow one another"):
        replay.take(step(0))
    with pytest.raises(ValueError, match="follow one another"):
        replay.take(msgspec.structs.replace(step(2), until=NOW - DAY))


def test_a_ladder_replayed_in_shadow_changes_nothing() -> None:
    report, _ = backtest(history(), policy_of(LADDER), terms=Terms(mode="shadow"))
    assert report.decisions["deny"] > 0
    assert (report.prevented, report.asked, report.touched) == (0, 0, 0)
