"""From standings to decisions: who wins, who is spared, what is held, what lapses, what stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
import pytest
from known_standings import DAY, HOUR, KEY, LADDER, NOW, actions, known, policy_of

from stillwatch.model import Decision, Mode
from stillwatch.policy.book import applied
from stillwatch.policy.compile import load_policy
from stillwatch.policy.decide import decide
from stillwatch.policy.outcome import Outcome
from stillwatch.policy.rules import Policy
from stillwatch.policy.standing import Standing

POLICY = policy_of(LADDER)


def armed(
    standings: Iterable[Standing], live: Iterable[Decision] = (), at: datetime = NOW, policy: Policy = POLICY
) -> Outcome:
    return decide(policy, tuple(standings), live, at, "armed", key=KEY)


def undone(decision: Decision, who: str, because: str, at: datetime = NOW) -> Decision:
    return msgspec.structs.replace(decision, undone_at=at, undone_by=who, undone_because=because)


@pytest.mark.parametrize(
    ("confidence", "action"), [(0.99, "deny"), (0.95, "challenge"), (0.85, "throttle"), (0.3, "observe")]
)
def test_the_strongest_rule_that_holds_wins(confidence: float, action: str) -> None:
    (decision,) = armed([known(confidence=confidence)]).new
    assert decision.action == action
    assert decision.value == (10 if action == "throttle" else None)
    assert decision.simulated == (action == "observe")


def test_of_several_campaigns_the_one_with_the_strongest_action_counts() -> None:
    (decision,) = armed([known(campaign_id="c1", confidence=0.85), known(campaign_id="c2", confidence=0.98)]).new
    assert (decision.action, decision.campaign_id) == ("deny", "c2")


def test_of_two_throttles_the_tighter_wins() -> None:
    text = 'version = "x"\n' + "".join(
        f'[[rules]]\nname = "t{n}"\naction = "throttle"\nthrottle_per_h = {n}\n' for n in (5, 50)
    )
    assert [d.value for d in armed([known()], policy=policy_of(text)).new] == [5]


def test_a_ring_is_denied_and_its_honest_twins_are_left_alone() -> None:
    """Twins: linked without evidence of their own; merely coordinated; enterprise; a verified organisation; cleared."""
    policy, _ = load_policy("standard")
    ring = [known(n) for n in range(5)]
    twins = [
        known(10, accused=False, probability=0.4),
        known(11, verdict="coordinated", campaign_id="c2"),
        known(12, plan="enterprise"),
        known(13, verification="organisation"),
        Standing(platform="api", account_id="a14"),
        known(15, confidence=0.6),
    ]
    found = actions(armed([*ring, *twins], policy=policy).new)
    assert {found[f"a{n}"] for n in range(5)} == {"deny"}
    assert [found.get(f"a{n}") for n in range(10, 16)] == [
        "observe",
        "observe",
        "observe",
        "challenge",
        None,
        "observe",
    ]


def test_a_decision_says_who_why_since_when_and_until_when() -> None:
    (decision,) = armed([known()]).new
    assert decision.rule == "deny"
    assert decision.rule_version == POLICY.digest
    assert decision.made_at == NOW
    assert 0 <= (decision.starts_at - NOW).total_seconds() < 900
    assert decision.expires_at - decision.starts_at == 168 * HOUR
    assert decision.because
    assert (decision.verdict, decision.confidence, decision.probability) == ("extraction", 0.99, 0.99)


def test_jitter_follows_from_the_key_and_spreads() -> None:
    many = [known(n) for n in range(200)]
    late = [(d.starts_at - NOW).total_seconds() for d in armed(many).new]
    assert late == [(d.starts_at - NOW).total_seconds() for d in armed(many).new]
    assert min(late) < 90
    assert 810 < max(late) < 900
    other = decide(POLICY, many, [], NOW, "armed", key=b"another")
    assert [d.decision_id for d in other.new] == [d.decision_id for d in armed(many).new]
    assert [d.starts_at for d in other.new] != [d.starts_at for d in armed(many).new]


def test_ids_are_told_apart_by_account_rule_version_campaign_and_epoch() -> None:
    (first,) = armed([known()]).new
    others = [
        armed([known(2)]).new[0],
        armed([known(platform="vertex")]).new[0],
        armed([known(campaign_id="c2")]).new[0],
        armed([known()], at=NOW + HOUR).new[0],
        armed([known()], policy=policy_of(LADDER.replace('"ladder"', '"next"'))).new[0],
        decide(POLICY, [known()], [], NOW, "shadow").new[0],
    ]
    assert len({first.decision_id, *(other.decision_id for other in others)}) == 7
    assert armed([known()], at=NOW.replace(minute=59)).new[0].decision_id == first.decision_id


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_nothing_is_enforced_but_by_arms(mode: Mode) -> None:
    assert all(d.simulated for d in decide(POLICY, [known()], [], NOW, mode).new)
    live = armed([known()]).new
    back = decide(POLICY, [], live, NOW, mode, key=KEY)
    assert [lapse.kind for lapse in back.lapse] == ["mode"]


def test_what_was_recorded_in_shadow_is_enforced_once_armed() -> None:
    shadow = decide(POLICY, [known()], [], NOW, "shadow", key=KEY).new
    outcome = armed([known()], shadow)
    assert [d.simulated for d in outcome.new] == [False]
    assert [lapse.kind for lapse in outcome.lapse] == ["superseded"]


def test_a_stage_enforces_its_share_and_records_the_rest() -> None:
    many = [known(n) for n in range(2_000)]
    staged = decide(POLICY, many, [], NOW, "staged", 0.25, KEY).new
    assert 400 < sum(not d.simulated for d in staged) < 600
    assert all(d.simulated for d in decide(POLICY, many, [], NOW, "staged", 0.0, KEY).new)
    assert not any(d.simulated for d in decide(POLICY, many, [], NOW, "staged", 1.0, KEY).new)


def test_a_smaller_stage_takes_back_those_outside_it_seen_or_not() -> None:
    many = [known(n) for n in range(50)]
    live = decide(POLICY, many, [], NOW, "staged", 1.0, KEY).new
    back = decide(POLICY, [], live, NOW, "staged", 0.5, KEY)
    assert 0 < len(back.lapse) < 50
    assert {lapse.kind for lapse in back.lapse} == {"mode"}


PROTECTED = '[[protected]]\naccount = "api/a1"\nreason = "a partner"\nuntil = 2026-06-01T00:00:00Z\n'


def test_a_protected_account_is_observed_and_it_is_said_what_it_was_spared() -> None:
    outcome = armed([known(1), known(2)], policy=policy_of(LADDER + PROTECTED))
    assert actions(outcome.new) == {"a1": "observe", "a2": "deny"}
    (spared,) = outcome.spared
    assert (spared.action, spared.rule, spared.account_id) == ("deny", "deny", "a1")
    assert spared.because == "protected until 2026-06-01T00:00:00+00:00: a partner"


def test_a_protection_takes_back_what_stands_even_unseen_and_ends_by_itself() -> None:
    policy, live = policy_of(LADDER + PROTECTED), armed([known()]).new
    assert [lapse.kind for lapse in armed([], live, policy=policy).lapse] == ["protected"]
    later = datetime.fromisoformat("2026-06-01T00:00:00Z")
    assert actions(armed([known()], at=later, policy=policy).new) == {"a1": "deny"}


def test_a_verdict_that_falls_away_is_taken_back_and_one_that_was_not_looked_at_stays() -> None:
    live = armed([known()]).new
    assert armed([], live, NOW + DAY).lapse == ()
    for fallen in (
        Standing(platform="api", account_id="a1"),
        known(verdict="coordinated"),
        known(accused=False),
    ):
        (lapse,) = armed([fallen], live, NOW + DAY).lapse
        assert (lapse.kind, lapse.because) == ("fell_away", "lapsed: the verdict on the account fell away")


def test_a_figure_that_trembles_around_a_threshold_opens_and_closes_nothing() -> None:
    live = armed([known(confidence=0.971)]).new
    trembling = armed([known(confidence=0.96)], live, NOW + HOUR)
    assert (trembling.new, trembling.lapse) == ((), ())
    sunk = armed([known(confidence=0.94)], live, NOW + HOUR)
    assert actions(sunk.new) == {"a1": "challenge"}
    assert [lapse.kind for lapse in sunk.lapse] == ["superseded"]
    assert sunk.new[0].starts_at == NOW + HOUR  # a step down leaves no gap
    assert [lapse.kind for lapse in armed([known(confidence=0.5)], live, NOW + HOUR).lapse] == ["weakened"]


def test_a_stronger_decision_lets_the_milder_stand_until_it_begins() -> None:
    live = armed([known(confidence=0.95)]).new
    at = NOW + HOUR
    up = armed([known()], live, at)
    assert (actions(up.new), up.lapse) == ({"a1": "deny"}, ())
    later = armed([known()], applied(live, up, at), at + HOUR)
    assert [lapse.kind for lapse in later.lapse] == ["superseded"]
    assert later.new == ()


def test_a_decision_is_renewed_before_it_ends_without_a_gap() -> None:
    (first,) = armed([known()]).new
    assert armed([known()], [first], first.expires_at - DAY).new == ()
    (second,) = armed([known()], [first], first.expires_at - HOUR).new
    assert second.starts_at == first.expires_at
    assert armed([known()], [first, second], first.expires_at - HOUR).new == ()
    assert armed([known()], [first, second], first.expires_at + HOUR).new == ()


def test_another_version_of_the_rules_leaves_standing_what_it_asks_as_well() -> None:
    live = armed([known(1), known(2, confidence=0.85)]).new
    text = LADDER.replace("min_confidence = 0.8\n", "min_confidence = 0.88\n").replace('"ladder"', '"next"')
    outcome = armed([known(1), known(2, confidence=0.85)], live, NOW + HOUR, policy_of(text))
    assert [(lapse.account_id, lapse.kind) for lapse in outcome.lapse] == [("a2", "policy")]
    assert actions(outcome.new) == {"a2": "observe"}


def test_what_a_person_undid_is_not_decided_again_until_it_would_have_ended() -> None:
    (first,) = armed([known()]).new
    back = undone(first, "ana", "it is our own evaluation")
    outcome = armed([known()], [back], NOW + HOUR)
    assert actions(outcome.new) == {"a1": "observe"}
    assert "ana undid deny" in outcome.spared[0].because
    assert actions(armed([known()], [back], first.expires_at).new) == {"a1": "deny"}
    assert actions(armed([known(campaign_id="c9")], [back], NOW + HOUR).new) == {"a1": "deny"}


@pytest.mark.parametrize("because", ["lapsed: the verdict on the account fell away", "disarmed: too many appeals"])
def test_what_fell_away_or_was_disarmed_is_decided_again_in_the_next_epoch(because: str) -> None:
    (first,) = armed([known()]).new
    back = undone(first, "policy", because)
    same = armed([known()], [back])
    assert same.new == ()
    assert "within this hour" in same.spared[0].because
    assert actions(armed([known()], [back], NOW + HOUR).new) == {"a1": "deny"}


def test_persons_decisions_are_left_alone_and_not_doubled() -> None:
    (made,) = armed([known()]).new
    own = msgspec.structs.replace(made, decision_id="p-1", origin="person", rule="by hand")
    assert armed([known()], [own], NOW + HOUR).new == ()
    assert armed([Standing(platform="api", account_id="a1")], [own], NOW + HOUR).lapse == ()
    mild = msgspec.structs.replace(own, action="watermark")
    assert actions(armed([known()], [mild], NOW + HOUR).new) == {"a1": "deny"}


def test_a_rule_about_campaigns_reaches_all_its_accused_as_soon_as_one_meets_it() -> None:
    text = LADDER + '[[rules]]\nname = "all"\naction = "deny"\nscope = "campaign"\nmin_account_harvest = 900\n'
    roster = [
        known(1, harvest_exchanges=1_000, confidence=0.9),
        known(2, harvest_exchanges=1, confidence=0.9),
        known(3, accused=False, confidence=0.9),
        known(4, campaign_id="c2", confidence=0.9),
    ]
    outcome = armed(roster, policy=policy_of(text))
    assert actions(outcome.new) == {"a1": "deny", "a2": "deny", "a3": "observe", "a4": "challenge"}
    assert {d.scope for d in outcome.new if d.action == "deny"} == {"campaign"}


# how far the blast may reach


def test_past_the_cap_a_campaign_waits_as_a_whole_and_a_smaller_one_goes() -> None:
    policy = policy_of(LADDER + "[cap]\naccounts = 5\n")
    large, small = [known(n) for n in range(6)], [known(n, campaign_id="c2", confidence=0.98) for n in range(10, 14)]
    outcome = armed([*large, *small], policy=policy)
    held = {d.account_id for d in outcome.new if d.held}
    assert held == {f"a{n}" for n in range(6)} == {h.account_id for h in outcome.held}
    assert outcome.held[0].because == "all rules together would touch 6 accounts, 5 may be"
    assert sum(not d.held for d in outcome.new) == 4


def test_the_cap_counts_what_was_touched_in_its_window_and_not_what_is_simulated() -> None:
    policy = policy_of(LADDER + "[cap]\naccounts = 5\nwindow_h = 24\n")
    live = armed([known(n) for n in range(4)], policy=policy).new
    more = [known(n, campaign_id="c2") for n in range(10, 13)]
    assert len(armed(more, live, NOW + HOUR, policy).held) == 3
    assert armed(more, live, NOW + 25 * HOUR, policy).held == ()
    assert decide(policy, [known(n) for n in range(9)], [], NOW, "shadow").held == ()


def test_what_joins_a_campaign_that_waits_waits_with_it() -> None:
    policy = policy_of(LADDER + "[cap]\naccounts = 5\n")
    live = armed([known(n) for n in range(6)], policy=policy).new
    outcome = armed([known(n) for n in range(7)], live, NOW + HOUR, policy)
    assert [h.because for h in outcome.held] == ["others of its campaign wait by the same rule"]


def test_an_approved_campaign_does_not_use_up_the_cap() -> None:
    policy = policy_of(LADDER + "[cap]\naccounts = 5\n")
    held = armed([known(n) for n in range(6)], policy=policy).new
    approved = [msgspec.structs.replace(d, held=False) for d in held]
    outcome = armed([known(n, campaign_id="c2") for n in range(20, 25)], approved, NOW + HOUR, policy)
    assert outcome.held == ()
    assert armed([known(n) for n in range(6)], approved, NOW + HOUR, policy).new == ()


def test_what_waits_by_its_own_cap_gets_the_next_milder_action_meanwhile() -> None:
    policy = policy_of(LADDER.replace("min_confidence = 0.97", "min_confidence = 0.97\ncap = {accounts = 1}"))
    outcome = armed([known(1), known(2)], policy=policy)
    assert [(d.action, d.held) for d in outcome.new] == [("deny", True)] * 2 + [("challenge", False)] * 2
    assert armed([known(1), known(2)], outcome.new, policy=policy).new == ()
    approved = [msgspec.structs.replace(d, held=False) for d in outcome.new]
    later = armed([known(1), known(2)], approved, NOW + HOUR, policy)
    assert [lapse.kind for lapse in later.lapse] == ["superseded"] * 2


@pytest.mark.parametrize(("what", "word"), [("traffic_share", "traffic"), ("revenue_share", "revenue")])
def test_shares_are_capped_and_an_unknown_share_waits(what: str, word: str) -> None:
    policy = policy_of(LADDER + f"[cap]\n{what} = 0.05\n")
    assert armed([known(n, **{what: 0.01}) for n in range(5)], policy=policy).held == ()
    assert (
        f"of {word}, 0.05 may be" in armed([known(n, **{what: 0.02}) for n in range(5)], policy=policy).held[0].because
    )
    assert f"whose share of {word} is not known" in armed([known(**{what: None})], policy=policy).held[0].because
    assert armed([known(**{what: None})]).held == ()
