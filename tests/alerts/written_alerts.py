"""Campaigns, decisions and health made by hand, with names that want to break out of every format."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stillwatch.alerts.alert import Alert, alerts
from stillwatch.model import Action, Campaign, Decision, Evidence, Member, Verdict
from stillwatch.store.protocol import KnownCampaign

AT = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
HOSTILE_IDS = (
    "<!channel>",
    "<http://evil.example|click>",
    "<@U024BE7LH>",
    "`*bold*` _it_ ~no~",
    "http://evil.example/login",
    "mallory@evil.example",
    "acct-\u202egnp.exe",
    "two\nlines\u0000\u001b[31m",
    "x" * 500,
)
EVIDENCE = (
    Evidence(
        name="partition", family="content", axis="operator", bits=12.7, says="one list of 9,400 prompts is split up"
    ),
    Evidence(name="hours", family="timing", axis="operator", bits=-2.3, says="activity follows five time zones"),
    Evidence(name="follow_ups", family="conversation", axis="harvest", bits=5.2, says="no follow-up in 11,840 turns"),
    Evidence(name="varied", family="output", axis="harvest", bits=-1.6, says="answers vary in length as people's do"),
)


def member(number: int, account_id: str = "", *, accused: bool = True) -> Member:
    return Member(
        platform="api",
        account_id=account_id or f"acct-{number:04d}",
        probability=0.99 - number / 1000 if accused else 0.4,
        accused=accused,
        exchanges=200,
        harvest_exchanges=186,
        first_seen=AT - timedelta(days=13),
        last_seen=AT,
    )


def campaign(
    size: int = 14, linked: int = 2, *, campaign_id: str = "c-7f3a", verdict: Verdict = "extraction", **changes: object
) -> Campaign:
    members = [member(n) for n in range(size)] + [member(100 + n, accused=False) for n in range(linked)]
    values: dict[str, object] = {
        "campaign_id": campaign_id,
        "verdict": verdict,
        "confidence": 0.9712,
        "roster": tuple(members),
        "exchanges": 200 * (size + linked),
        "extraction_exchanges": 186 * size,
        "first_seen": AT - timedelta(days=13),
        "last_seen": AT,
        "platforms": {"api": 200 * (size + linked)},
        "models": {"still-3": 200 * (size + linked)},
        "capabilities": {"reasoning": 0.7, "coding": 0.3},
        "model_pivots": (),
        "evidence": EVIDENCE,
        "operator_bits": 10.4,
        "harvest_bits": 3.6,
    }
    return Campaign(**{**values, **changes})


def hostile() -> Campaign:
    names = tuple(member(n, one) for n, one in enumerate(HOSTILE_IDS))
    says = "they pay <!here> as eve@evil.example and call `<https://evil.example|this>`\nand more"
    bad = Evidence(name="bad", family="payment", axis="operator", bits=9.0, says=says)
    return campaign(campaign_id="c-<!everyone>", roster=names, evidence=(bad, *EVIDENCE[1:]))


def known(one: Campaign, **changes: object) -> KnownCampaign:
    values = {"campaign": one, "signature": b"", "found_at": AT, "mined_at": AT}
    return KnownCampaign(**{**values, **changes})


def decision(number: int = 0, action: Action = "throttle", **changes: object) -> Decision:
    values: dict[str, object] = {
        "decision_id": f"d-{number:04d}",
        "platform": "api",
        "account_id": f"acct-{number:04d}",
        "action": action,
        "simulated": False,
        "campaign_id": "c-7f3a",
        "verdict": "extraction",
        "confidence": 0.97,
        "probability": 0.9 + number / 1000,
        "rule": "harvesters",
        "rule_version": "r1",
        "made_at": AT,
        "starts_at": AT,
        "expires_at": AT + timedelta(days=7),
        "because": ("extraction at 0.97",),
    }
    return Decision(**{**values, **changes})


def found(one: Campaign | None = None) -> Alert:
    """The alert of a campaign found."""
    (alert,) = alerts([], [known(one or campaign())], [], [], None)
    return alert


def numbered(number: int, severity: str = "high") -> Alert:
    return Alert(
        key=f"campaign.found:c-{number}",
        matter="campaign.found",
        at=AT + timedelta(seconds=number),
        severity=severity,
        title=f"New extraction campaign {number}",
        body="These accounts harvest.",
        link=f"/campaigns/c-{number}",
    )
