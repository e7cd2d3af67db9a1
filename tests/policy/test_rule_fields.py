"""Each field of a rule by itself: one standing that meets it, and the nearest ones that do not."""

from __future__ import annotations

import msgspec
import pytest
from known_standings import DAY, HARVESTER, NOW, known, policy_of

from stillwatch.policy.holding import holds, reasons, shields
from stillwatch.policy.rules import Asked, Protection, Rule
from stillwatch.policy.standing import Standing

BASE = (
    'version = "x"\n[defaults]\nmin_confidence = 0.5\nmin_probability = 0.5\n[[rules]]\nname = "r"\naction = "{}"\n{}\n'
)
# what the rule asks -> what a standing that does not meet it has instead
FIELDS: dict[str, list[dict[str, object]]] = {
    'verdicts = ["extraction"]': [{"verdict": "resale"}, {"verdict": "coordinated"}, {"verdict": None}],
    'who = ["accused"]': [{"accused": False}, {"accused": False, "recognised": True}],
    "min_confidence = 0.9": [{"confidence": 0.8999}],
    "min_probability = 0.9": [{"probability": 0.8999}],
    "families = {payment = 3.0}": [{"evidence": {"payment": 2.9}}, {"evidence": {"network": 9.0}}, {"evidence": {}}],
    "families = {payment = 0.0}": [{"evidence": {"network": 9.0}}],
    "campaign_families = {allocation = 5.0}": [{"campaign_evidence": {"allocation": 4.0}}, {"campaign_evidence": {}}],
    "min_families = 2": [{"evidence": {"payment": 9.0}}, {"evidence": {"payment": 9.0, "network": 0.9}}],
    "min_families = 2\nmin_family_bits = 2.0": [{"evidence": {"payment": 9.0, "network": 1.9}}],
    "min_operator_bits = 8.0": [{"operator_bits": 7.9}],
    "min_harvest_bits = 6.0": [{"harvest_bits": 5.9}, {"harvest_bits": -1.0}],
    "min_harvest_bits = 0.0": [{"harvest_bits": -0.1}],
    'plans = ["free", "trial"]': [{"plan": "enterprise"}, {"plan": None}, {"plan": "a new plan"}],
    'verifications = ["email"]': [{"verification": "phone"}, {"verification": None}],
    "min_age_d = 10": [{"created_at": NOW - 9.9 * DAY}, {"created_at": None}, {"created_at": None, "first_seen": None}],
    "max_age_d = 10": [{"created_at": NOW - 10.1 * DAY}, {"created_at": None}],
    "min_account_harvest = 800": [{"harvest_exchanges": 799}, {"harvest_exchanges": None}],
    "min_campaign_harvest = 5000": [{"campaign_harvest": 4_999}],
    "min_full_traces = 40": [{"full_traces": 39}, {"full_traces": None}],
    'capabilities = ["reasoning"]': [{"capabilities": {"reasoning": 0.49, "coding": 0.51}}, {"capabilities": {}}],
    'capabilities = ["coding"]\nmin_capability_share = 0.3': [{"capabilities": {"coding": 0.2, "reasoning": 0.8}}],
}


def rule_of(asks: str, action: str = "deny") -> Rule:
    return policy_of(BASE.format(action, asks)).rules[0]


@pytest.mark.parametrize(("asks", "fails"), [(asks, fail) for asks, fails in FIELDS.items() for fail in fails])
def test_a_rule_asks_what_it_says_and_no_more(asks: str, fails: dict[str, object]) -> None:
    assert holds(rule_of(asks), HARVESTER, NOW)
    assert not holds(rule_of(asks), msgspec.structs.replace(HARVESTER, **fails), NOW)


def test_every_field_of_a_rule_has_such_a_test() -> None:
    tested = {line.split(" = ")[0] for asks in FIELDS for line in asks.split("\n")}
    assert set(Asked.__struct_fields__) - {"name", "action", "says"} <= tested


def test_what_is_unknown_counts_only_where_unknown_is_named() -> None:
    stranger = known(plan=None, verification="a new step")
    assert holds(rule_of('plans = ["unknown"]\nverifications = ["unknown", "none"]'), stranger, NOW)
    assert not holds(rule_of('plans = ["unknown"]'), HARVESTER, NOW)


def test_an_account_of_unknown_age_is_as_old_as_its_first_exchange_and_never_young() -> None:
    old = known(created_at=None, first_seen=NOW - 40 * DAY)
    assert holds(rule_of("min_age_d = 30"), old, NOW)
    assert not holds(rule_of("max_age_d = 60"), old, NOW)


def test_slack_is_given_to_certainty_alone() -> None:
    rule = rule_of("min_confidence = 0.9\nmin_probability = 0.9\nmin_account_harvest = 800")
    assert holds(rule, known(confidence=0.89, probability=0.89), NOW, slack=0.02)
    assert not holds(rule, known(confidence=0.87), NOW, slack=0.02)
    assert not holds(rule, known(harvest_exchanges=799), NOW, slack=0.02)


def test_reasons_name_the_figures_a_person_can_check() -> None:
    says = " | ".join(reasons(rule_of('says = "because it harvests"'), HARVESTER))
    assert "confidence 0.990, asks 0.5" in says
    assert "payment +4.0, network +2.0" in says
    assert "harvested: 800 exchanges" in says
    assert says.endswith("because it harvests")
    unseen = " | ".join(reasons(rule_of(""), known(harvest_exchanges=None)))
    assert "harvested by its campaign: 5000" in unseen


def protect(**what: object) -> Protection:
    return Protection(reason="known to us", until=NOW + DAY, **what)


@pytest.mark.parametrize(
    ("protection", "standing", "covered"),
    [
        (protect(account="api/a1"), HARVESTER, True),
        (protect(account="vertex/a1"), HARVESTER, False),
        (protect(plan="trial"), HARVESTER, True),
        (protect(plan="trial"), known(plan=None), False),
        (protect(organisation="Some  university"), known(org="some University ", verification="organisation"), True),
        (protect(organisation="Some University"), known(org="Some University"), False),
        (protect(organisation="Some University", unverified=True), known(org="Some University"), True),
        (protect(organisation="Some University"), known(org=None, verification="organisation"), False),
    ],
)
def test_a_protection_covers_whom_it_names(protection: Protection, standing: Standing, covered: bool) -> None:  # noqa: FBT001
    assert shields(protection, standing, NOW) is covered
    assert not shields(protection, standing, protection.until)
