"""Standings, policies and campaigns written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from stillwatch.model import Campaign, Decision, Evidence, Member
from stillwatch.policy.compile import compile_policy
from stillwatch.policy.rules import Policy
from stillwatch.policy.standing import Standing

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY = b"a key of a test"
HARVESTER = Standing(
    platform="api",
    account_id="a1",
    plan="trial",
    verification="email",
    campaign_id="c1",
    verdict="extraction",
    confidence=0.99,
    probability=0.99,
    accused=True,
    operator_bits=8.0,
    harvest_bits=6.0,
    evidence={"network": 2.0, "payment": 4.0},
    campaign_evidence={"allocation": 5.0},
    capabilities={"reasoning": 0.7, "coding": 0.3},
    exchanges=900,
    harvest_exchanges=800,
    campaign_harvest=5_000,
    full_traces=40,
    traffic_share=0.001,
    revenue=12.0,
    revenue_share=0.002,
    first_seen=NOW - 9 * DAY,
    created_at=NOW - 10 * DAY,
)
LADDER = """
version = "ladder"
[defaults]
min_probability = 0.5
[[rules]]
name = "deny"
action = "deny"
min_confidence = 0.97
[[rules]]
name = "ask"
action = "challenge"
min_confidence = 0.9
[[rules]]
name = "slow"
action = "throttle"
throttle_per_h = 10
min_confidence = 0.8
[[rules]]
name = "look"
action = "observe"
verdicts = ["extraction", "resale", "coordinated"]
who = ["accused", "recognised", "possible"]
min_confidence = 0.0
min_probability = 0.0
"""


def policy_of(text: str) -> Policy:
    return compile_policy(text, "test.toml")[0]


def known(number: int = 1, **changes: object) -> Standing:
    """The harvester's standing, as another account, changed."""
    return msgspec.structs.replace(HARVESTER, account_id=f"a{number}", **changes)


def member(account_id: str, *, accused: bool = True, probability: float = 0.99, harvest: int = 800) -> Member:
    return Member(
        platform="api",
        account_id=account_id,
        probability=probability,
        accused=accused,
        exchanges=900,
        harvest_exchanges=harvest,
        first_seen=NOW - 9 * DAY,
        last_seen=NOW,
        evidence=(
            Evidence(name="p", family="payment", axis="operator", bits=4.0, says="pays alike"),
            Evidence(name="q", family="payment", axis="operator", bits=1.0, says="pays alike somewhat"),
            Evidence(name="n", family="network", axis="operator", bits=-2.0, says="uses other addresses"),
        ),
    )


def campaign(campaign_id: str, *roster: Member, verdict: str = "extraction", confidence: float = 0.99) -> Campaign:
    return Campaign(
        campaign_id=campaign_id,
        verdict=verdict,
        confidence=confidence,
        roster=roster,
        exchanges=10_000,
        extraction_exchanges=5_000,
        first_seen=NOW - 9 * DAY,
        last_seen=NOW,
        platforms={"api": 1},
        models={"m": 1},
        capabilities={"reasoning": 1.0},
        model_pivots=(),
        evidence=(Evidence(name="x", family="allocation", axis="harvest", bits=5.0, says="splits a list"),),
        operator_bits=8.0,
        harvest_bits=6.0,
    )


def actions(decisions: tuple[Decision, ...]) -> dict[str, str]:
    """What is done about whom, where one thing is done about each."""
    return {decision.account_id: decision.action for decision in decisions}
