"""What is known of an account at the moment of deciding, and how it is put together from what a mining found.

An account has one standing per campaign it is linked to. An account that was looked at and belongs to none has one
without a campaign: what was decided about it no longer holds. An account that was not looked at has none, and what
was decided about it stays as it is: not seen is not the same as cleared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.model import Campaign, Decision, Evidence, Member, Verdict

Account = tuple[str, str]  # platform, account_id


class RecognisedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that matched a known campaign by its signature, between two minings."""

    platform: str
    account_id: str
    campaign_id: str
    probability: float
    bits: float
    exchanges: int
    first_seen: datetime


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What an account did in the window that was looked at. ``revenue`` in any one currency; None: not known."""

    exchanges: int
    revenue: float | None = None
    full_traces: int | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One account and one campaign. ``None`` is *not known*, never zero.

    ``accused`` and ``recognised``: both False is *merely linked*. ``evidence``, ``campaign_evidence``: bits by family
    that speak for it (the strongest of a family). ``harvest_exchanges``: of the account; ``campaign_harvest``: of all
    accounts of the campaign. ``traffic_share``, ``revenue_share``: of everybody's, 0..1.
    """

    platform: str
    account_id: str
    org: str | None = None
    plan: str | None = None
    verification: str | None = None
    campaign_id: str | None = None
    verdict: Verdict | None = None
    confidence: float = 0.0
    probability: float = 0.0
    accused: bool = False
    recognised: bool = False
    operator_bits: float = 0.0
    harvest_bits: float = 0.0
    evidence: dict[str, float] = {}
    campaign_evidence: dict[str, float] = {}
    capabilities: dict[str, float] = {}
    exchanges: int = 0
    harvest_exchanges: int | None = None
    campaign_harvest: int = 0
    full_traces: int | None = None
    traffic_share: float | None = None
    revenue: float | None = None
    revenue_share: float | None = None
    first_seen: datetime | None = None
    created_at: datetime | None = None

    @property
    def account(self) -> Account:
        return self.platform, self.account_id

    @property
    def vouched(self) -> bool:
        """Whether somebody has looked at who this is: an enterprise contract, or a verified organisation."""
        return self.plan == "enterprise" or self.verification == "organisation"


def standings(
    campaigns: Iterable[Campaign],
    recognised: Iterable[RecognisedAccount],
    accounts: pa.Table | None,
    traffic: Mapping[Account, Traffic],
    watched: Iterable[Decision] = (),
    dismissed: Collection[str] = (),
) -> tuple[Standing, ...]:
    """What is known of every account that anything may be decided about, in order of account and campaign.

    ``campaigns``: all that stand, dormant ones too, as last mined. ``accounts``: ``tables.ACCOUNTS``, columns may be
    missing. ``traffic``: of all accounts in the window, so that shares can be told. ``watched``: live decisions; their
    accounts get a standing without a campaign where they had traffic and no campaign names them, or where their
    campaign is one of ``dismissed``. A recognised account of an unknown or dismissed campaign is passed over.
    Cost: O(accounts of the campaigns), and one pass over the keys of ``accounts`` and ``traffic``.
    """
    known = {campaign.campaign_id: campaign for campaign in campaigns if campaign.campaign_id not in dismissed}
    found = {
        (member.platform, member.account_id, campaign.campaign_id): of_member(campaign, member)
        for campaign in known.values()
        for member in campaign.roster
    }
    for one in recognised:
        campaign, key = known.get(one.campaign_id), (one.platform, one.account_id, one.campaign_id)
        if campaign is not None and not (key in found and found[key].accused):
            found[key] = of_recognised(campaign, one)
    named = {key[:2] for key in found}
    for decision in watched:
        account = decision.platform, decision.account_id
        if account not in named and (account in traffic or decision.campaign_id in dismissed):
            found[*account, ""] = Standing(platform=account[0], account_id=account[1])
    details = _details(accounts, {key[:2] for key in found})
    revenues = [one.revenue for one in traffic.values() if one.revenue is not None]
    totals = sum(one.exchanges for one in traffic.values()), sum(revenues)
    return tuple(
        _completed(found[key], details.get(key[:2], {}), traffic.get(key[:2]), totals) for key in sorted(found)
    )


def of_member(campaign: Campaign, member: Member) -> Standing:
    """A member's standing in its campaign, before anything is known of its traffic and its plan."""
    return msgspec.structs.replace(
        _in(campaign, member.platform, member.account_id),
        probability=member.probability,
        accused=member.accused,
        evidence=by_family(member.evidence),
        exchanges=member.exchanges,
        harvest_exchanges=member.harvest_exchanges,
        first_seen=member.first_seen,
        created_at=member.created_at,
    )


def of_recognised(campaign: Campaign, found: RecognisedAccount) -> Standing:
    """The standing of an account that matched a campaign's signature; what it harvested is not known yet."""
    return msgspec.structs.replace(
        _in(campaign, found.platform, found.account_id),
        probability=found.probability,
        recognised=True,
        evidence={"signature": found.bits},
        exchanges=found.exchanges,
        first_seen=found.first_seen,
    )


def by_family(evidence: Iterable[Evidence]) -> dict[str, float]:
    """The strongest evidence of each family that speaks for it, in bits; correlated evidence does not add up."""
    strongest: dict[str, float] = {}
    for one in evidence:
        if one.bits > strongest.get(one.family, 0.0):
            strongest[one.family] = one.bits
    return dict(sorted(strongest.items()))


def _in(campaign: Campaign, platform: str, account_id: str) -> Standing:
    return Standing(
        platform=platform,
        account_id=account_id,
        campaign_id=campaign.campaign_id,
        verdict=campaign.verdict,
        confidence=campaign.confidence,
        operator_bits=campaign.operator_bits,
        harvest_bits=campaign.harvest_bits,
        campaign_evidence=by_family(campaign.evidence),
        capabilities=campaign.capabilities,
        campaign_harvest=campaign.extraction_exchanges,
    )


def _details(accounts: pa.Table | None, wanted: Collection[Account]) -> dict[Account, dict[str, Any]]:
    """Rows of the accounts table by account, of those that are wanted alone."""
    if accounts is None or not wanted:
        return {}
    there = [n for n in ("declared_org", "plan", "verification", "created_at") if n in accounts.column_names]
    ids = pa.array(sorted({account_id for _, account_id in wanted}), pa.string())
    rows = accounts.select(["platform", "account_id", *there])
    rows = rows.filter(pc.is_in(rows["account_id"].cast(pa.string()), value_set=ids))
    return {(row["platform"], row["account_id"]): row for row in rows.to_pylist()}


def _completed(
    standing: Standing, row: Mapping[str, Any], traffic: Traffic | None, totals: tuple[int, float]
) -> Standing:
    exchanges, revenue = totals
    if traffic is None:
        share, traffic = (0.0 if exchanges else None), Traffic(exchanges=standing.exchanges)
    else:
        share = traffic.exchanges / exchanges if exchanges else None
    paid = traffic.revenue
    return msgspec.structs.replace(
        standing,
        org=row.get("declared_org"),
        plan=row.get("plan"),
        verification=row.get("verification"),
        created_at=row.get("created_at") or standing.created_at,
        exchanges=max(traffic.exchanges, standing.exchanges),
        full_traces=traffic.full_traces,
        traffic_share=share,
        revenue=paid,
        revenue_share=None if paid is None else (paid / revenue if revenue > 0 else 0.0),
    )
