"""The contract of the store. Embedded (SQLite) and PostgreSQL answer alike; one suite of tests holds both to it.

Every method is one transaction: either all of it is there afterwards, or nothing. Methods raise EngineError where the
store is away or full; whoever called may try again. Times are aware UTC and come from the caller: a store has no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from stillwatch.model import CampaignEvent, Decision, KnownCampaign, Mode, Recognised


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable Parquet file of fingerprints. ``name`` is its file name; a file without a row here is garbage."""

    name: str
    exchanges: int
    first_at: datetime
    last_at: datetime
    stored_at: datetime
    bytes: int


class Offset(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source has been read: everything before ``position`` is stored."""

    source: str
    partition: str
    position: str


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be read. ``excerpt`` is cut, and masked unless content is kept in full."""

    source: str
    position: str
    because: str
    excerpt: str
    at: datetime


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the rules, as text, and how far it may act. ``digest`` names it."""

    digest: str
    text: str
    added_at: datetime
    added_by: str
    mode: Mode
    active: bool


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log. ``chain`` is the digest over this entry and the one before."""

    number: int
    at: datetime
    who: str
    what: str
    target: str
    detail: Mapping[str, str]
    chain: str


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An API token; of the secret only a digest is kept."""

    token_id: str
    digest: str
    name: str
    scopes: tuple[str, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may log in. ``password`` is an Argon2 digest, None for who comes through OIDC alone."""

    name: str
    role: Literal["viewer", "analyst", "responder", "admin"]
    password: str | None
    subject: str | None
    made_at: datetime
    disabled_at: datetime | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A login. ``digest`` is of the cookie's secret."""

    digest: str
    name: str
    made_at: datetime
    expires_at: datetime


class Store(Protocol):
    """What every store does. Lists come in a stable order (time, then id) unless said otherwise."""

    def close(self) -> None: ...
    def healthy(self) -> bool: ...

    # exchanges: where their fingerprints lie, and how far each source was read
    def add_segment(self, segment: Segment, offsets: Sequence[Offset]) -> None: ...
    def replace_segments(self, old: Sequence[str], new: Segment | None) -> None: ...
    def segments(self, since: datetime | None = None) -> list[Segment]: ...
    def offsets(self, source: str) -> dict[str, str]: ...
    def add_dead_letters(self, letters: Sequence[DeadLetter], keep: int) -> None: ...
    def dead_letters(self, limit: int) -> list[DeadLetter]: ...
    def dead_letter_count(self) -> int: ...

    # the side table of accounts, as JSON rows of the data contract; later rows replace earlier ones
    def put_accounts(self, rows: Iterable[Mapping[str, object]]) -> int: ...
    def accounts(self) -> list[dict[str, object]]: ...

    # campaigns through time
    def put_mining(
        self, at: datetime, campaigns: Sequence[KnownCampaign], events: Sequence[CampaignEvent], summary: str
    ) -> None: ...
    def last_mining(self) -> tuple[datetime, str] | None: ...
    def campaigns(self) -> list[KnownCampaign]: ...
    def history(self, campaign_id: str | None = None) -> list[CampaignEvent]: ...
    def add_recognised(self, found: Sequence[Recognised]) -> None: ...
    def recognised(self, campaign_id: str | None = None) -> list[Recognised]: ...

    # decisions: appended, undone, never removed; ``decision_version`` grows with every change of them
    def add_decisions(self, decisions: Sequence[Decision]) -> int: ...
    def undo_decisions(self, ids: Sequence[str], at: datetime, who: str, because: str) -> int: ...
    def approve_decisions(self, ids: Sequence[str], at: datetime, who: str) -> int: ...
    def decisions(self, live_at: datetime | None = None, campaign_id: str | None = None) -> list[Decision]: ...
    def decision_version(self) -> int: ...

    # rules as code: one version is active
    def put_policy(self, version: PolicyVersion) -> None: ...
    def policies(self) -> list[PolicyVersion]: ...
    def set_mode(self, digest: str, mode: Mode) -> None: ...

    # who may do what, and what they did
    def put_token(self, token: Token) -> None: ...
    def token(self, token_id: str) -> Token | None: ...
    def tokens(self) -> list[Token]: ...
    def put_person(self, person: Person) -> None: ...
    def person(self, name: str) -> Person | None: ...
    def people(self) -> list[Person]: ...
    def put_session(self, session: Session) -> None: ...
    def session(self, digest: str) -> Session | None: ...
    def end_session(self, digest: str) -> None: ...
    def append_audit(self, at: datetime, who: str, what: str, target: str, detail: Mapping[str, str]) -> AuditEntry: ...
    def audit(self, after: int = 0, limit: int = 1000) -> list[AuditEntry]: ...

    # alerts already sent, by campaign and what was said: True the first time
    def first_alert(self, key: str, at: datetime) -> bool: ...

    # retention: everything of a class older than ``before`` goes; how many rows went
    def purge(
        self, what: Literal["segments", "dead_letters", "decisions", "campaigns", "audit"], before: datetime
    ) -> int: ...
