"""The shapes of ``campaigns.json`` and of the lines of ``evidence.jsonl``.

``campaigns.json`` is the public answer (SCHEMA.md); ``evidence.jsonl`` carries everything behind it, one record a line,
told apart by ``kind``. Together they hold the whole result, and no text of any prompt.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from stillwatch.model import Axis, Evidence, NotApplicable, Verdict

SCHEMA = "stillwatch/1"


class InputPart(msgspec.Struct, frozen=True, kw_only=True, rename={"first": "from", "last": "to"}):
    exchanges: int
    accounts: int
    quarantined: int
    first: datetime
    last: datetime
    missing_columns: tuple[str, ...]


class AccountPart(msgspec.Struct, frozen=True, kw_only=True):
    platform: str
    account_id: str
    probability: float


class PivotPart(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    to_model: str
    share: float


class EvidencePart(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    family: str
    bits: float
    says: str


class CampaignPart(msgspec.Struct, frozen=True, kw_only=True):
    campaign_id: str
    verdict: Verdict
    confidence: float
    accounts: tuple[AccountPart, ...]
    possible_accounts: tuple[AccountPart, ...]
    exchanges: int
    extraction_exchanges: int
    first_seen: datetime
    last_seen: datetime
    platforms: dict[str, int]
    models: dict[str, int]
    capabilities: dict[str, float]
    model_pivots: tuple[PivotPart, ...]
    evidence: tuple[EvidencePart, ...]


class CampaignsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of ``campaigns.json``."""

    schema: str
    input: InputPart
    campaigns: tuple[CampaignPart, ...]
    not_applicable: tuple[NotApplicable, ...]


Account = tuple[str, str]  # platform, account_id


class ScanLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="scan"):
    """The first line. ``campaigns_digest`` ties the file to its ``campaigns.json`` (SHA-256 of its bytes)."""

    schema: str
    campaigns_digest: str
    version: str
    configuration_digest: str
    duplicate_exchanges: int
    extra_columns: tuple[str, ...]
    model_first_seen: dict[str, datetime]


class CampaignLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="campaign"):
    campaign_id: str
    operator_bits: float
    harvest_bits: float


class MemberLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="member"):
    campaign_id: str
    platform: str
    account_id: str
    probability: float
    accused: bool
    exchanges: int
    harvest_exchanges: int
    first_seen: datetime
    last_seen: datetime
    created_at: datetime | None
    closed_at: datetime | None


class EvidenceLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="evidence"):
    """A reason for a campaign, or, where ``account`` is given, for that account's own part in it."""

    campaign_id: str
    account: Account | None
    name: str
    family: str
    axis: Axis
    bits: float
    says: str
    exchange_ids: tuple[str, ...]


class LinkLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="link"):
    campaign_id: str
    left: Account
    right: Account
    bits: float
    reasons: tuple[str, ...]


class TimelineLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="timeline"):
    campaign_id: str
    at: datetime
    model: str
    exchanges: int
    harvest_exchanges: int


class SuccessionLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="succession"):
    campaign_id: str
    closed: Account
    successor: Account
    closed_at: datetime
    resumed_at: datetime
    says: str


class LookAlikeLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="lookalike"):
    """A group that was considered and let go, with its evidence nested: it has no id of its own."""

    says: str
    account_count: int
    operator_bits: float
    harvest_bits: float
    accounts: tuple[Account, ...]
    evidence: tuple[Evidence, ...]


class EndLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="end"):
    """The last line: how many lines stand before it, so a file cut short is noticed."""

    lines: int


Line = (
    ScanLine
    | CampaignLine
    | MemberLine
    | EvidenceLine
    | LinkLine
    | TimelineLine
    | SuccessionLine
    | LookAlikeLine
    | EndLine
)
