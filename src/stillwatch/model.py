"""The values that cross seams: evidence, links, campaigns, and what a scan says.

All are frozen, keyword-only and serialise as they are (msgspec). Bits are log2 likelihood ratios: +1 bit doubles the
odds, negative bits are counter-evidence.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

Axis = Literal["operator", "harvest", "resale"]
Verdict = Literal["extraction", "resale", "coordinated"]

# what may be done about an account, mildest first
Action = Literal["observe", "watermark", "withhold_reasoning", "throttle", "challenge", "deny"]
ACTIONS: tuple[Action, ...] = get_args(Action)
Scope = Literal["exchange", "account", "campaign"]
Mode = Literal["off", "shadow", "staged", "armed"]

CAPABILITIES = (
    "reasoning",
    "rubric_grading",
    "coding",
    "agentic_coding",
    "tool_use",
    "orchestration",
    "data_analysis",
    "vision",
    "computer_use",
    "policy_rewriting",
    "instruction_following",
    "other",
)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One reason, in bits. ``exchange_ids`` are examples a person can look up (at most 20)."""

    name: str
    family: str
    axis: Axis
    bits: float
    says: str
    exchange_ids: tuple[str, ...] = ()


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Two accounts joined, with the strongest reasons. Accounts are positions in the campaign's ``roster``."""

    left: int
    right: int
    bits: float
    reasons: tuple[str, ...]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An account of a campaign. ``accused`` members stand in ``accounts``, the others in ``possible_accounts``."""

    platform: str
    account_id: str
    probability: float
    accused: bool
    exchanges: int
    harvest_exchanges: int
    first_seen: datetime
    last_seen: datetime
    created_at: datetime | None = None
    closed_at: datetime | None = None
    evidence: tuple[Evidence, ...] = ()


class ModelPivot(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    to_model: str
    share: float


class TimelinePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Exchanges of a campaign in one hour with one model."""

    at: datetime
    model: str
    exchanges: int
    harvest_exchanges: int


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """A closed account whose work moved on to another."""

    closed: int
    successor: int
    closed_at: datetime
    resumed_at: datetime
    says: str


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    campaign_id: str
    verdict: Verdict
    confidence: float
    roster: tuple[Member, ...]
    exchanges: int
    extraction_exchanges: int
    first_seen: datetime
    last_seen: datetime
    platforms: dict[str, int]
    models: dict[str, int]
    capabilities: dict[str, float]
    model_pivots: tuple[ModelPivot, ...]
    evidence: tuple[Evidence, ...]
    operator_bits: float
    harvest_bits: float
    links: tuple[Link, ...] = ()
    timeline: tuple[TimelinePoint, ...] = ()
    successions: tuple[Succession, ...] = ()


class KnownCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as last mined, under the id it keeps. ``signature`` is for the live recogniser, opaque here."""

    campaign: Campaign
    signature: bytes
    found_at: datetime
    mined_at: datetime
    state: Literal["active", "dormant", "merged", "dismissed"] = "active"


class CampaignEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A turn in a campaign's life. ``others``: campaigns merged into it or split from it."""

    campaign_id: str
    at: datetime
    kind: Literal["found", "grown", "shrunk", "merged", "split", "dormant", "returned", "dismissed", "pivoted"]
    says: str
    others: tuple[str, ...] = ()


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """An account that matched a known campaign between two minings."""

    platform: str
    account_id: str
    campaign_id: str
    probability: float
    bits: float
    after_exchanges: int
    at: datetime
    because: tuple[str, ...] = ()


class LookAlike(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate group that was considered and let go, and why. ``accounts`` may be cut to the first 50."""

    says: str
    account_count: int
    operator_bits: float
    harvest_bits: float
    accounts: tuple[tuple[str, str], ...]
    evidence: tuple[Evidence, ...]


class NotApplicable(msgspec.Struct, frozen=True, kw_only=True):
    detector: str
    because: str


class InputSummary(msgspec.Struct, frozen=True, kw_only=True):
    exchanges: int
    accounts: int
    quarantined: int
    first: datetime
    last: datetime
    missing_columns: tuple[str, ...]
    duplicate_exchanges: int = 0
    extra_columns: tuple[str, ...] = ()


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a scan found. The per-account table travels beside it as Arrow (see ``tables.ACCOUNT_SCORES``)."""

    input: InputSummary
    campaigns: tuple[Campaign, ...]
    lookalikes: tuple[LookAlike, ...]
    not_applicable: tuple[NotApplicable, ...]
    model_first_seen: dict[str, datetime] = {}
    configuration_digest: str = ""
    version: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about one account, why, since when and for how long. Undoing adds to it and removes nothing.

    ``simulated``: recorded, never enforced (shadow mode, or outside the staged share). ``value``: exchanges an hour
    where the action is ``throttle``. ``starts_at`` lies after ``made_at`` by a jitter, so that reaction time teaches an
    attacker nothing. ``held``: waits for a second person, and is not enforced until then.
    """

    decision_id: str
    platform: str
    account_id: str
    action: Action
    value: float | None = None
    scope: Scope = "account"
    simulated: bool = True
    held: bool = False
    campaign_id: str | None = None
    verdict: Verdict | None = None
    confidence: float = 0.0
    probability: float = 0.0
    rule: str
    rule_version: str
    origin: Literal["rule", "person"] = "rule"
    made_at: datetime
    starts_at: datetime
    expires_at: datetime
    because: tuple[str, ...] = ()
    undone_at: datetime | None = None
    undone_by: str | None = None
    undone_because: str | None = None
