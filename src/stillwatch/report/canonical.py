"""One form of a scan's result: sorted, rounded, in UTC, and checked.

Two equal results become the same bytes however their parts were ordered, and what is read back equals what was
written. It does not know whether a verdict is right, only whether it can be told without contradiction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from stillwatch.model import (
    CAPABILITIES,
    Campaign,
    Evidence,
    InputSummary,
    Link,
    LookAlike,
    Member,
    ScanResult,
    Succession,
    TimelinePoint,
)

PROBABILITY_DIGITS = 4
BITS_DIGITS = 3
ACCUSED_FROM = 0.5  # SCHEMA.md: members stand under ``accounts`` from this probability on
_VERDICT_ORDER = {"extraction": 0, "resale": 1, "coordinated": 2}


def canonical(result: ScanResult) -> ScanResult:
    """The result in canonical form: idempotent, and the same for any order of campaigns, members, links and evidence.

    Raises ``ValueError`` naming the campaign where numbers contradict the contract (not finite, an accused member
    below probability 0.5, a link to nobody, a time without a zone). Cost: a sort of everything in the result.
    """
    campaigns = sorted((_campaign(campaign) for campaign in result.campaigns), key=_campaign_order)
    ids = [campaign.campaign_id for campaign in campaigns]
    if len(set(ids)) != len(ids):
        raise ValueError(f"two campaigns carry the same campaign_id: {min(i for i in ids if ids.count(i) > 1)!r}")
    lookalikes = sorted((_lookalike(group) for group in result.lookalikes), key=_lookalike_order)
    return msgspec.structs.replace(
        result,
        input=_input(result.input),
        campaigns=tuple(campaigns),
        lookalikes=tuple(lookalikes),
        not_applicable=tuple(sorted(result.not_applicable, key=lambda item: (item.detector, item.because))),
        model_first_seen={model: utc(at) for model, at in sorted(result.model_first_seen.items())},
    )


def utc(at: datetime) -> datetime:
    """The same instant in UTC; ``ValueError`` for a time without a zone, which could be any instant."""
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be reported: {at.isoformat()}")
    return at.astimezone(UTC)


def probability(value: float) -> float:
    """Rounded to four digits, but never up to certainty: only 1 itself is 1, only 0 itself is 0."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"not a probability: {value!r}")
    rounded, step = round(float(value), PROBABILITY_DIGITS), 10.0**-PROBABILITY_DIGITS
    if rounded == 1.0 and value < 1.0:
        return 1.0 - step
    return step if rounded == 0.0 and value > 0.0 else rounded


def bits(value: float) -> float:
    """Rounded to a thousandth of a bit; ``ValueError`` where it is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"bits must be finite: {value!r}")
    return round(float(value), BITS_DIGITS) + 0.0  # + 0.0 turns -0.0 into 0.0


def shares(capabilities: dict[str, float]) -> dict[str, float]:
    """Shares that still sum to 1 after rounding (largest remainders), largest first; labels of nothing are left out."""
    unknown = sorted(set(capabilities) - set(CAPABILITIES))
    if unknown:
        raise ValueError(f"unknown capability label {unknown[0]!r}")
    if any(not math.isfinite(share) or share < 0 for share in capabilities.values()):
        raise ValueError("capability shares must be finite and not negative")
    total, units = sum(capabilities.values()), 10**PROBABILITY_DIGITS
    if total <= 0:
        return {}
    exact = {label: share / total * units for label, share in capabilities.items()}
    whole = {label: math.floor(value + 1e-6) for label, value in exact.items()}
    by_remainder = sorted(exact, key=lambda label: (whole[label] - exact[label], label))
    for label in by_remainder[: units - sum(whole.values())]:
        whole[label] += 1
    kept = sorted((label for label in whole if whole[label]), key=lambda label: (-whole[label], label))
    return {label: whole[label] / units for label in kept}


def evidence_order(item: Evidence) -> tuple[object, ...]:
    """Axis by axis, strongest first, counter-evidence last."""
    return (("operator", "harvest", "resale").index(item.axis), -item.bits, item.family, item.name, item.says)


def _evidence(items: Iterable[Evidence]) -> tuple[Evidence, ...]:
    rounded = (msgspec.structs.replace(item, bits=bits(item.bits)) for item in items)
    return tuple(sorted(rounded, key=lambda item: (evidence_order(item), item.exchange_ids)))


def _campaign(campaign: Campaign) -> Campaign:
    try:
        return _checked_campaign(campaign)
    except ValueError as error:
        raise ValueError(f"campaign {campaign.campaign_id!r}: {error}") from error


def _checked_campaign(campaign: Campaign) -> Campaign:
    members = [_member(member) for member in campaign.roster]
    order = sorted(range(len(members)), key=lambda position: _member_order(members[position]))
    place = {old: new for new, old in enumerate(order)}
    if len({(member.platform, member.account_id) for member in members}) != len(members):
        raise ValueError("an account stands twice in the roster")
    pivots = (
        msgspec.structs.replace(pivot, at=utc(pivot.at), share=probability(pivot.share))
        for pivot in campaign.model_pivots
    )
    return msgspec.structs.replace(
        campaign,
        confidence=probability(campaign.confidence),
        roster=tuple(members[old] for old in order),
        first_seen=utc(campaign.first_seen),
        last_seen=utc(campaign.last_seen),
        platforms=dict(sorted(campaign.platforms.items())),
        models=dict(sorted(campaign.models.items())),
        capabilities=shares(campaign.capabilities),
        model_pivots=tuple(sorted(pivots, key=lambda pivot: (pivot.at, pivot.to_model))),
        evidence=_evidence(campaign.evidence),
        operator_bits=bits(campaign.operator_bits),
        harvest_bits=bits(campaign.harvest_bits),
        links=_links(campaign.links, place),
        timeline=_timeline(campaign.timeline),
        successions=_successions(campaign.successions, place),
    )


def _member(member: Member) -> Member:
    if member.accused and member.probability < ACCUSED_FROM:
        raise ValueError(f"{member.platform}/{member.account_id} is accused at probability {member.probability}")
    return msgspec.structs.replace(
        member,
        probability=probability(member.probability),
        first_seen=utc(member.first_seen),
        last_seen=utc(member.last_seen),
        created_at=None if member.created_at is None else utc(member.created_at),
        closed_at=None if member.closed_at is None else utc(member.closed_at),
        evidence=_evidence(member.evidence),
    )


def _member_order(member: Member) -> tuple[object, ...]:
    return (not member.accused, -member.probability, member.platform, member.account_id)


def _links(links: Sequence[Link], place: dict[int, int]) -> tuple[Link, ...]:
    placed = [_link(link, place) for link in links]
    return tuple(sorted(placed, key=lambda link: (-link.bits, link.left, link.right, link.reasons)))


def _link(link: Link, place: dict[int, int]) -> Link:
    if link.left not in place or link.right not in place or link.left == link.right:
        raise ValueError(f"a link joins {link.left} and {link.right}, not two positions of the roster")
    ends = sorted((place[link.left], place[link.right]))
    return msgspec.structs.replace(link, left=ends[0], right=ends[1], bits=bits(link.bits))


def _timeline(points: Sequence[TimelinePoint]) -> tuple[TimelinePoint, ...]:
    placed = [msgspec.structs.replace(point, at=utc(point.at)) for point in points]
    return tuple(sorted(placed, key=lambda point: (point.at, point.model, point.exchanges, point.harvest_exchanges)))


def _successions(items: Sequence[Succession], place: dict[int, int]) -> tuple[Succession, ...]:
    if any(item.closed not in place or item.successor not in place for item in items):
        raise ValueError("a succession names a position outside the roster")
    placed = [
        msgspec.structs.replace(
            item,
            closed=place[item.closed],
            successor=place[item.successor],
            closed_at=utc(item.closed_at),
            resumed_at=utc(item.resumed_at),
        )
        for item in items
    ]
    return tuple(sorted(placed, key=lambda item: (item.closed_at, item.resumed_at, item.closed, item.successor)))


def _campaign_order(campaign: Campaign) -> tuple[object, ...]:
    return (_VERDICT_ORDER[campaign.verdict], -campaign.extraction_exchanges, -campaign.exchanges, campaign.campaign_id)


def _lookalike(group: LookAlike) -> LookAlike:
    return msgspec.structs.replace(
        group,
        operator_bits=bits(group.operator_bits),
        harvest_bits=bits(group.harvest_bits),
        accounts=tuple(sorted(group.accounts)),
        evidence=_evidence(group.evidence),
    )


def _lookalike_order(group: LookAlike) -> tuple[object, ...]:
    """The nearest miss first: an accusation needs both axes, so the weaker one says how near."""
    return (
        -min(group.operator_bits, group.harvest_bits),
        -group.account_count,
        group.says,
        group.accounts,
        -group.operator_bits,
        -group.harvest_bits,
    )


def _input(summary: InputSummary) -> InputSummary:
    return msgspec.structs.replace(
        summary,
        first=utc(summary.first),
        last=utc(summary.last),
        missing_columns=tuple(sorted(summary.missing_columns)),
        extra_columns=tuple(sorted(summary.extra_columns)),
    )
