"""What requests and answers look like: the structs that the OpenAPI document is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from stillwatch.model import Action, Campaign, Decision, Mode, Verdict
from stillwatch.store.protocol import DeadLetter

Text = Annotated[str, Meta(min_length=1, max_length=512)]
Reason = Annotated[str, Meta(min_length=1, max_length=2_000)]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of a request. All of it is durable once this is sent."""

    accepted: int
    duplicates: int
    rejected: int
    too_old: int
    problems: tuple[str, ...] = ()  # why rows were rejected, the first few


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which account a gateway asks about."""

    platform: Text
    account_id: Text


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now: whether it ``passes``, perhaps marked. ``would``: what a simulated decision asks."""

    passes: bool
    action: Action | None
    why: str
    value: float | None
    retry_after_s: float
    decision_id: str | None
    would: Action | None
    version: int


class Undo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to undo: one of them, and why. ``all`` undoes every live decision."""

    because: Reason
    decision_ids: tuple[Text, ...] = ()
    campaign_id: Text | None = None
    rule_version: Text | None = None
    all: bool = False


class Approve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision_ids: tuple[Text, ...]


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    because: Reason


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many it was."""

    count: int


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    decisions: tuple[Decision, ...]


class CampaignLine(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign in a list."""

    campaign_id: str
    state: str
    verdict: Verdict
    confidence: float
    accounts: int
    possible_accounts: int
    recognised_accounts: int
    exchanges: int
    extraction_exchanges: int
    first_seen: datetime
    last_seen: datetime
    found_at: datetime
    mined_at: datetime
    capabilities: dict[str, float]


class Dismiss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a campaign is none, and what it is instead."""

    because: Reason


class PolicyText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=200_000)]


class PolicyLine(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    added_at: datetime
    added_by: str
    mode: Mode
    active: bool
    text: str


class SetMode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mode: Mode
    because: Reason


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Text
    password: Annotated[str, Meta(min_length=1, max_length=1024)]


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    role: str
    scopes: tuple[str, ...]
    csrf_token: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    scopes: tuple[str, ...]


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Text
    scopes: tuple[Text, ...]
    days: Annotated[float, Meta(gt=0, le=3650)] = 365.0


class MadeToken(msgspec.Struct, frozen=True, kw_only=True):
    """``secret`` is shown once, here."""

    token_id: str
    secret: str
    expires_at: datetime | None


class TokenLine(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    name: str
    scopes: tuple[str, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Text
    role: Annotated[str, Meta(pattern="^(viewer|analyst|responder|admin)$")]
    password: Annotated[str, Meta(min_length=12, max_length=1024)] | None = None


class NewPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    old: Annotated[str, Meta(min_length=1, max_length=1024)]
    new: Annotated[str, Meta(min_length=12, max_length=1024)]


class PersonLine(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    role: str
    by_password: bool
    by_oidc: bool
    made_at: datetime
    disabled_at: datetime | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the service is. ``details``: what a monitor would plot."""

    status: str
    reasons: tuple[str, ...]
    details: dict[str, Any]


class RecognisedLine(msgspec.Struct, frozen=True, kw_only=True):
    """An account that matched a campaign's signature between two minings."""

    platform: str
    account_id: str
    probability: float
    bits: float
    after_exchanges: int
    at: datetime
    because: tuple[str, ...]


class CampaignView(msgspec.Struct, frozen=True, kw_only=True):
    campaign: Campaign
    state: str
    found_at: datetime
    mined_at: datetime
    recognised: tuple[RecognisedLine, ...]


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    held: int
    letters: tuple[DeadLetter, ...]
