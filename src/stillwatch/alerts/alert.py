"""What is worth telling: turns of campaigns, decisions that bite or wait, and doubts about detection itself.

Pure. It knows what was the case before and what is the case now; whether an alert was already told is the outbox's
business, by ``key``. Shadow decisions are not told: nothing happened to anybody.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import quote

import msgspec

from stillwatch.alerts.health import Health, Reason
from stillwatch.alerts.wording import (
    MAX_ACCOUNTS,
    NAMES,
    account_count,
    accounts_of,
    body,
    clean,
    contra,
    decided_accounts,
    pro,
    sides,
    size,
)
from stillwatch.model import Decision, Verdict
from stillwatch.report.words import accused_count, counted, join_and, moment, percent
from stillwatch.store.protocol import CampaignEvent, KnownCampaign

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
Topic = Literal["campaign", "enforcement", "health"]
Matter = Literal[
    "campaign.found",
    "campaign.grown",
    "campaign.returned",
    "campaign.pivoted",
    "campaign.merged",
    "campaign.split",
    "campaign.verdict",
    "campaign.dormant",
    "campaign.dismissed",
    "enforcement.enforced",
    "enforcement.approval_needed",
    "enforcement.disarmed",
    "enforcement.undone",
    "health.doubt",
    "health.over",
]
MATTERS: tuple[Matter, ...] = get_args(Matter)
# ``undone_by`` of decisions that the service itself undid because honest-looking accounts were touched beyond budget
AUTOMATIC = "automatic"
_FOUND_AS: dict[Verdict, Severity] = {"extraction": "high", "resale": "medium", "coordinated": "low"}


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell. ``key`` is the same however often the same thing is looked at, and never used again.

    ``accounts``: at most ten, as ``platform/account_id``; ``account_count``: all of them. ``link``: a path of the
    console. Numbers are None where the alert is not about a campaign.
    """

    key: str
    matter: Matter
    at: datetime
    severity: Severity
    title: str
    body: str
    link: str
    campaign_id: str | None = None
    verdict: Verdict | None = None
    confidence: float | None = None
    account_count: int | None = None
    exchanges: int | None = None
    extraction_exchanges: int | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    reasons: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    @property
    def topic(self) -> Topic:
        """What it is about, the first part of the matter."""
        return "campaign" if self.matter[0] == "c" else "enforcement" if self.matter[0] == "e" else "health"


def alerts(
    before: Sequence[KnownCampaign],
    after: Sequence[KnownCampaign],
    events: Iterable[CampaignEvent],
    decisions: Iterable[Decision],
    health: Health | None,
) -> list[Alert]:
    """What the step from ``before`` to ``after`` is worth telling, most severe first.

    ``events``: turns since the last look. ``decisions``: those made, approved or undone since. Looking twice at the
    same gives the same keys. Campaigns a person dismissed are silent but for the dismissal. Cost: one pass over
    everything.
    """
    now = {known.campaign.campaign_id: known for known in after}
    found = [*_turns(before, now, events), *_decided(list(decisions), now), *(_doubts(health) if health else ())]
    once = {alert.key: alert for alert in found}
    return sorted(once.values(), key=lambda one: (-SEVERITIES.index(one.severity), one.at, one.key))


def _turns(
    before: Sequence[KnownCampaign], now: Mapping[str, KnownCampaign], events: Iterable[CampaignEvent]
) -> Iterator[Alert]:
    past = {known.campaign.campaign_id: known for known in before}
    for campaign_id, known in now.items():
        if known.state not in {"active", "dormant"}:
            continue
        if campaign_id not in past:
            yield _about(known, "campaign.found", "", known.found_at, _new(known), f"{_who(known)} was found.")
            continue
        yield from _changed(past[campaign_id], known)
    for event in events:
        if event.campaign_id in now and (alert := _turn(event, now[event.campaign_id])):
            yield alert


def _changed(past: KnownCampaign, known: KnownCampaign) -> Iterator[Alert]:
    """A new verdict, or twice as many accounts as when it was found or last told; each size is told once."""
    was, is_ = past.campaign, known.campaign
    if was.verdict != is_.verdict:
        old = NAMES[was.verdict][1]
        says = f"{_who(known)} was taken for {NAMES[was.verdict][0]} {old} before."
        tail = f":{known.mined_at.isoformat()}"
        title = f"Campaign {_id(known)} is now {NAMES[is_.verdict][0]} {NAMES[is_.verdict][1]}, it was {old}"
        yield _about(known, "campaign.verdict", tail, known.mined_at, title, says)
    step = int(math.log2(max(accused_count(is_), 1)))
    if step > int(math.log2(max(accused_count(was), 1))):
        says = f"{_who(known)} has grown from {counted(accused_count(was), 'account')}."
        title = f"Campaign {_id(known)} has grown to {counted(accused_count(is_), 'account')}"
        yield _about(known, "campaign.grown", f":{2**step}", known.mined_at, title, says)


def _turn(event: CampaignEvent, known: KnownCampaign) -> Alert | None:
    """The alert for a recorded turn. Growth is told by doublings, and a campaign that shrinks is not news."""
    matters: dict[str, tuple[Matter, str]] = {
        "found": ("campaign.found", ""),
        "returned": ("campaign.returned", "is back"),
        "pivoted": ("campaign.pivoted", "has turned to another model"),
        "merged": ("campaign.merged", "was merged"),
        "split": ("campaign.split", "was split"),
        "dormant": ("campaign.dormant", "has fallen silent"),
        "dismissed": ("campaign.dismissed", "was dismissed"),
    }
    if event.kind not in matters or (known.state == "dismissed" and event.kind != "dismissed"):
        return None
    matter, words = matters[event.kind]
    if event.kind == "found":
        return _about(known, matter, "", event.at, _new(known), f"{_who(known)} was found.")
    title = f"Campaign {_id(known)} {words}"
    others = [clean(other, 64) for other in event.others[:MAX_ACCOUNTS]]
    along = f" Other campaigns concerned: {join_and(others)}." if others else ""
    says = f"{_who(known)} {words}. {clean(event.says).rstrip('.')}.{along}"
    return _about(known, matter, f":{event.at.isoformat()}", event.at, title, says)


def _about(known: KnownCampaign, matter: Matter, tail: str, at: datetime, title: str, opening: str) -> Alert:
    campaign = known.campaign
    severity: Severity = "info" if matter in {"campaign.dormant", "campaign.dismissed"} else _FOUND_AS[campaign.verdict]
    if matter == "campaign.verdict" and campaign.verdict != "extraction":
        severity = "high"  # an accusation that was weakened: whatever was done on its strength wants a look
    return Alert(
        key=f"{matter}:{campaign.campaign_id}{tail}",
        matter=matter,
        at=at,
        severity=severity,
        title=title,
        body=body(campaign, opening),
        link=_campaign_link(campaign.campaign_id),
        campaign_id=clean(campaign.campaign_id, 64),
        verdict=campaign.verdict,
        confidence=campaign.confidence,
        account_count=accused_count(campaign),
        exchanges=campaign.exchanges,
        extraction_exchanges=campaign.extraction_exchanges,
        first_seen=campaign.first_seen,
        last_seen=campaign.last_seen,
        reasons=pro(campaign),
        against=contra(campaign),
        accounts=accounts_of(campaign),
    )


def _id(known: KnownCampaign) -> str:
    return clean(known.campaign.campaign_id, 64)


def _who(known: KnownCampaign) -> str:
    return f"Campaign {_id(known)}, {NAMES[known.campaign.verdict][0]} {NAMES[known.campaign.verdict][1]},"


def _new(known: KnownCampaign) -> str:
    return f"New {NAMES[known.campaign.verdict][1]}: {size(known.campaign)}"


def _campaign_link(campaign_id: str | None) -> str:
    return f"/campaigns/{quote(campaign_id, safe='')}" if campaign_id else "/decisions"


def _decided(decisions: Sequence[Decision], now: Mapping[str, KnownCampaign]) -> Iterator[Alert]:
    """Decisions gathered into one alert per campaign (or rule), action and kind, so that a wave is told once."""
    groups: dict[tuple[Matter, str, str], list[Decision]] = defaultdict(list)
    for one in decisions:
        subject = f"{one.campaign_id or one.rule}:{one.action}:{one.rule_version}"
        if one.undone_at is not None:
            matter: Matter = "enforcement.disarmed" if one.undone_by == AUTOMATIC else "enforcement.undone"
            if not one.simulated:
                groups[matter, f"{one.rule_version}:{one.undone_at.isoformat()}", ""].append(one)
        elif one.held:  # at most one an hour: whoever approves looks at all of them
            groups["enforcement.approval_needed", subject, f":{one.made_at:%Y-%m-%dT%H}"].append(one)
        elif not one.simulated and one.action != "observe":
            groups["enforcement.enforced", subject, f":{one.made_at:%Y-%m-%d}"].append(one)
    for (matter, subject, tail), group in groups.items():
        campaigns = {one.campaign_id for one in group}
        known = now.get(next(iter(campaigns)) or "") if len(campaigns) == 1 else None
        yield _decision_alert(matter, f"{matter}:{subject}{tail}", group, known)


def _decision_alert(matter: Matter, key: str, group: Sequence[Decision], known: KnownCampaign | None) -> Alert:
    first = min(group, key=lambda one: (one.made_at, one.decision_id))
    campaign_id = first.campaign_id if len({one.campaign_id for one in group}) == 1 else None
    at = max(one.undone_at or one.made_at for one in group)
    severity, title, opening = _decision_words(matter, first, group)
    because = tuple(dict.fromkeys(clean(reason) for one in group for reason in one.because))[:3]
    reasons = pro(known.campaign) if known else because
    against = contra(known.campaign) if known else ()
    sure = sorted(one.probability for one in group)
    spread = f"The accounts belong to it with a probability of {percent(sure[0])} to {percent(sure[-1])}."
    until = f"The last of it ends {moment(max(one.expires_at for one in group))} UTC unless it is undone before."
    grounds = sides(reasons, against) if known else f"For it: {join_and(reasons)}." if reasons else ""
    told = [opening, spread if campaign_id else "", grounds, until if matter == "enforcement.enforced" else ""]
    return Alert(
        key=key,
        matter=matter,
        at=at,
        severity=severity,
        title=title,
        body=clean(" ".join(part for part in told if part), 2400),
        link=f"/decisions?campaign={quote(campaign_id, safe='')}" if campaign_id else "/decisions",
        campaign_id=clean(campaign_id, 64) if campaign_id else None,
        verdict=first.verdict if campaign_id else None,
        confidence=first.confidence if campaign_id else None,
        account_count=account_count(group),
        reasons=reasons,
        against=against,
        accounts=decided_accounts(group),
    )


def _decision_words(matter: Matter, first: Decision, group: Sequence[Decision]) -> tuple[Severity, str, str]:
    who, rule = counted(account_count(group), "account"), clean(first.rule, 64)
    action = first.action.replace("_", " ")
    if matter == "enforcement.enforced":
        by = "A person" if first.origin == "person" else f"The rule {rule}"
        return "medium", f"Enforced: {action} for {who}", f"{by} applies {action} to {who}."
    if matter == "enforcement.approval_needed":
        says = f"The rule {rule} would apply {action} to {who}, which is past its cap; nothing is done until then."
        return "high", f"Approval needed: {action} for {who}", f"A second person has to approve. {says}"
    because = clean(first.undone_because or "").rstrip(".") or "no reason was recorded"
    if matter == "enforcement.disarmed":
        says = f"Enforcement disarmed itself and {counted(len(group), 'decision')} about {who} were undone: {because}."
        return "critical", f"Disarmed automatically: {counted(len(group), 'decision')} undone", says
    by = clean(first.undone_by or "somebody", 64)
    return "info", f"Undone: {counted(len(group), 'decision')}", f"{by} undid what concerned {who}: {because}."


def _doubts(health: Health) -> Iterator[Alert]:
    for reason in health.reasons:
        severity: Severity = "high" if reason.status == "failing" else "medium"
        title = f"Detection is {reason.status}: {reason.matter.replace('_', ' ').replace('.', ', ')}"
        # a doubt that turns from degraded to failing is told again; while it lasts, once each
        yield _doubt(
            reason, "health.doubt", f":{reason.status}", severity, title, f"{clean(reason.says)}.", reason.since
        )
    for reason in health.over:
        title = f"Over: {reason.matter.replace('_', ' ').replace('.', ', ')}"
        span = f"It began {moment(reason.since)} UTC and is over since {moment(reason.clear_since)} UTC."
        says = f"{span} What it was: {clean(reason.says)}."
        yield _doubt(reason, "health.over", "", "info", title, says, health.at)


def _doubt(reason: Reason, matter: Matter, tail: str, severity: Severity, title: str, says: str, at: datetime) -> Alert:
    key = f"{matter}:{reason.matter}:{reason.since.isoformat()}{tail}"
    return Alert(key=key, matter=matter, at=at, severity=severity, title=clean(title, 140), body=says, link="/health")
