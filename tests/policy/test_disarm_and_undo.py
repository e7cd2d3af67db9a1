"""Back to shadow when too many who look honest are touched; and every way of undoing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from known_standings import DAY, HOUR, KEY, LADDER, NOW, known, policy_of

from stillwatch.model import Decision
from stillwatch.policy.book import in_force
from stillwatch.policy.decide import decide
from stillwatch.policy.disarm import Sign, SignKind, disarm, signs_of
from stillwatch.policy.rules import Budget
from stillwatch.policy.standing import Standing
from stillwatch.policy.undo import UndoPlan, undo_campaign, undo_decision, undo_everything, undo_version

LATER = NOW + DAY
BUDGET = Budget()


def decided(count: int, **changes: object) -> list[Decision]:
    standings = [known(n, **changes) for n in range(count)]
    return list(decide(policy_of(LADDER), standings, [], NOW, "armed", key=KEY).new)


def signs(kind: SignKind, count: int) -> list[Sign]:
    return [Sign(kind=kind, platform="api", account_id=f"a{n}", at=NOW + HOUR) for n in range(count)]


def carried_out(decisions: Sequence[Decision], plan: UndoPlan) -> list[Decision]:
    undo = {"undone_at": LATER, "undone_by": "ana", "undone_because": plan.because}
    return [msgspec.structs.replace(d, **undo) if d.decision_id in plan.ids else d for d in decisions]


@pytest.mark.parametrize(
    ("kind", "most", "says"),
    [
        ("appeals_won", 2, "won an appeal, 2 may"),
        ("challenges_passed", 10, "passed a challenge, 10 may"),
        ("fell_away", 5, "lost their verdict at a later mining, 5 may"),
        ("vouched", 0, "have an enterprise plan or a verified organisation, 0 may"),
    ],
)
def test_each_kind_of_sign_has_its_budget(kind: SignKind, most: int, says: str) -> None:
    made = decided(300)
    assert disarm(BUDGET, made, signs(kind, most), LATER) is None
    back = disarm(BUDGET, made, signs(kind, most + 1), LATER)
    assert back is not None
    assert f"{most + 1} accounts {says}" in back.because
    assert len(back.accounts) == most + 1
    assert len(back.undo.ids) == 300


def test_signs_of_several_kinds_add_up_by_account() -> None:
    made, budget = decided(300), Budget(accounts=3, challenges_passed=9, fell_away=9, appeals_won=9)
    same = [*signs("challenges_passed", 3), *signs("fell_away", 3)]
    assert disarm(budget, made, same, LATER) is None
    assert disarm(budget, made, [*same, *signs("appeals_won", 4)], LATER) is not None


def test_a_share_counts_once_enough_were_touched() -> None:
    budget = Budget(share=0.1, share_from=20)
    assert disarm(budget, decided(19), signs("challenges_passed", 3), LATER) is None
    back = disarm(budget, decided(20), signs("challenges_passed", 3), LATER)
    assert back is not None
    assert back.because == "3 of 20 touched accounts look honest, a share of 0.1 may"


def test_what_is_set_to_nothing_is_not_counted() -> None:
    text = LADDER + "[disarm]\nappeals_won = 100\naccounts = 200\nshare = 1.0\n"
    assert disarm(policy_of(text).disarm, decided(300), signs("appeals_won", 99), LATER) is None
    blind = Budget(appeals_won=None)
    assert disarm(blind, decided(300), signs("appeals_won", 50), LATER) is None


@pytest.mark.parametrize(
    "change",
    [
        {"simulated": True},
        {"held": True},
        {"origin": "person"},
        {"starts_at": LATER + HOUR},
        {"undone_at": NOW},
        {"expires_at": LATER - 8 * DAY},
    ],
)
def test_nobody_disarms_by_appealing_against_nothing(change: dict[str, object]) -> None:
    made = decided(5)
    assert disarm(BUDGET, made, signs("appeals_won", 5), LATER) is not None
    untouched = [msgspec.structs.replace(d, **change) for d in made]
    assert disarm(BUDGET, untouched, signs("appeals_won", 5), LATER) is None


def test_old_signs_and_later_ones_are_passed_over() -> None:
    made = decided(5)
    for at in (LATER - 8 * DAY, LATER + HOUR):
        moved = [msgspec.structs.replace(sign, at=at) for sign in signs("appeals_won", 5)]
        assert disarm(BUDGET, made, moved, LATER) is None


def test_fallen_verdicts_and_vouched_accounts_are_signs_by_themselves() -> None:
    made = decided(3)
    cleared = [Standing(platform="api", account_id="a0")]
    (lapse,) = decide(policy_of(LADDER), cleared, made, NOW + HOUR, "armed", key=KEY).lapse
    fallen = {"undone_at": NOW + HOUR, "undone_by": "policy", "undone_because": lapse.because}
    made[0] = msgspec.structs.replace(made[0], **fallen)
    made[1] = msgspec.structs.replace(
        made[1], **{**fallen, "undone_because": "lapsed: another decision takes its place"}
    )
    vouched = [known(0), known(1, plan="trial"), known(2, plan="enterprise")]
    found = signs_of(made, vouched, LATER)
    assert sorted((sign.kind, sign.account_id) for sign in found) == [("fell_away", "a0"), ("vouched", "a2")]
    assert disarm(BUDGET, made, found, LATER) is not None
    assert signs_of(made, vouched, NOW - HOUR) == []


def test_a_disarmed_policy_in_shadow_enforces_nothing_and_decides_again_when_armed() -> None:
    made = decided(5)
    back = disarm(BUDGET, made, signs("appeals_won", 5), LATER)
    assert back is not None
    after = carried_out(made, back.undo)
    assert not any(in_force(d, LATER) for d in after)
    shadow = decide(policy_of(LADDER), [known(n) for n in range(5)], after, LATER, "shadow", key=KEY)
    assert all(d.simulated for d in shadow.new)
    again = decide(policy_of(LADDER), [known(n) for n in range(5)], after, LATER, "armed", key=KEY)
    assert {d.action for d in again.new} == {"deny"}


# undoing


def mixed() -> list[Decision]:
    first, second, third, fourth = decided(4)
    return [
        first,
        msgspec.structs.replace(second, campaign_id="c2", rule_version="v2"),
        msgspec.structs.replace(third, origin="person", action="challenge"),
        msgspec.structs.replace(fourth, undone_at=NOW),
    ]


def test_one_decision_is_undone_and_said_what_that_restores() -> None:
    made = mixed()
    plan = undo_decision(made, made[0].decision_id, LATER, "our own")
    assert plan.ids == (made[0].decision_id,)
    assert (plan.accounts, plan.released, plan.actions) == (1, 1, {"deny": 1})
    assert plan.restores["deny"].startswith("the account is let in again")
    assert plan.because == "our own"


def test_a_campaigns_a_versions_and_all_decisions_are_undone() -> None:
    made = mixed()
    ids = [d.decision_id for d in made]
    assert set(undo_campaign(made, "c1", LATER, "x").ids) == {ids[0], ids[2]}
    assert undo_version(made, "v2", LATER, "x").ids == (ids[1],)
    assert undo_version(made, made[0].rule_version, LATER, "x").ids == (ids[0],)
    assert set(undo_everything(made, LATER, "x").ids) == set(ids[:3])
    assert set(undo_everything(made, LATER, "x", persons=False).ids) == set(ids[:2])


def test_a_plan_says_why_there_is_nothing_to_undo() -> None:
    made = mixed()
    assert undo_decision(made, "d-none", LATER, "x").missing == "no such decision is known"
    assert "undone already" in undo_decision(made, made[3].decision_id, LATER, "x").missing
    assert "ended by themselves" in undo_everything(made, NOW + 60 * DAY, "x").missing


def test_a_plan_counts_those_released_apart_from_those_on_record() -> None:
    made = decided(2)
    made[1] = msgspec.structs.replace(made[1], simulated=True)
    plan = undo_everything(made, LATER, "x")
    assert (plan.accounts, plan.released) == (2, 1)


@pytest.mark.parametrize(("undo", "again"), [("campaign", "observe"), ("version", "deny"), ("everything", "deny")])
def test_undoing_accounts_lasts_and_undoing_rules_does_not(undo: str, again: str) -> None:
    made = decided(3)
    plans = {
        "campaign": undo_campaign(made, "c1", LATER, "not them"),
        "version": undo_version(made, made[0].rule_version, LATER, "not so"),
        "everything": undo_everything(made, LATER, "stop"),
    }
    after = carried_out(made, plans[undo])
    outcome = decide(policy_of(LADDER), [known(n) for n in range(3)], after, LATER + HOUR, "armed", key=KEY)
    assert {d.action for d in outcome.new} == {again}
