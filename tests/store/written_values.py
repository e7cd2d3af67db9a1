"""Values to keep, written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stillwatch.model import Campaign, Decision, Evidence, Member
from stillwatch.store import (
    CampaignEvent,
    DeadLetter,
    KnownCampaign,
    Person,
    PolicyVersion,
    Recognised,
    Segment,
    Session,
    Token,
)

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
# what databases stumble over: NUL, half a surrogate pair, our own escape, quotes, another plane
HOSTILE = "a\x00b\ud800c\ue000d'\"\\ %s :x \U0001f600 \u202e"


def later(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def segment(name: str, hours: float = 0, **changes: Any) -> Segment:
    told = {"exchanges": 7, "bytes": 2**40, "first_at": later(hours - 1), "last_at": later(hours)}
    return Segment(**{"name": name, "stored_at": later(hours), **told, **changes})


def decision(name: str, **changes: Any) -> Decision:
    told = {"platform": "api", "account_id": f"account of {name}", "action": "throttle", "value": 0.1 + 0.2}
    rule = {"rule": "r1", "rule_version": "v1", "because": ("one", "two")}
    times = {"made_at": NOON, "starts_at": later(0.5), "expires_at": later(24)}
    return Decision(**{"decision_id": name, **told, **rule, **times, **changes})


def campaign(name: str, hours: float = 0, state: str = "active") -> KnownCampaign:
    told = Evidence(name="same_payment", family="payment", axis="operator", bits=12.5, says="one card")
    member = Member(
        platform="api",
        account_id="a1",
        probability=0.99,
        accused=True,
        exchanges=10,
        harvest_exchanges=9,
        first_seen=NOON,
        last_seen=later(1),
        evidence=(told,),
    )
    found = Campaign(
        campaign_id=name,
        verdict="extraction",
        confidence=0.97,
        roster=(member,),
        exchanges=10,
        extraction_exchanges=9,
        first_seen=NOON,
        last_seen=later(1),
        platforms={"api": 1},
        models={"m": 10},
        capabilities={"coding": 1.0},
        model_pivots=(),
        evidence=(told,),
        operator_bits=12.5,
        harvest_bits=3.25,
    )
    return KnownCampaign(campaign=found, signature=b"\x00\xff\x01", found_at=NOON, mined_at=later(hours), state=state)


def turn(name: str, kind: str = "found", hours: float = 0, **changes: Any) -> CampaignEvent:
    return CampaignEvent(**{"campaign_id": name, "at": later(hours), "kind": kind, "says": kind, **changes})


def letter(position: str, hours: float = 0) -> DeadLetter:
    return DeadLetter(source="kafka", position=position, because=HOSTILE, excerpt=HOSTILE, at=later(hours))


def seen(account: str, name: str, hours: float = 0) -> Recognised:
    return Recognised(
        platform="api",
        account_id=account,
        campaign_id=name,
        probability=0.9,
        bits=7.5,
        after_exchanges=11,
        at=later(hours),
        because=("payment",),
    )


def policy(digest: str, hours: float = 0, *, active: bool = True, mode: str = "shadow") -> PolicyVersion:
    return PolicyVersion(
        digest=digest, text=f"# {digest}", added_at=later(hours), added_by="ann", mode=mode, active=active
    )


def token(token_id: str, **changes: Any) -> Token:
    told = {"digest": "d" * 64, "name": token_id, "scopes": ("ingest:write",), "made_by": "ann", "made_at": NOON}
    return Token(**{"token_id": token_id, "expires_at": None, **told, **changes})


def somebody(name: str, **changes: Any) -> Person:
    return Person(**{"name": name, "role": "analyst", "password": None, "subject": None, "made_at": NOON, **changes})


def login(digest: str, name: str = "ann", hours: float = 12) -> Session:
    return Session(digest=digest, name=name, made_at=NOON, expires_at=later(hours))
