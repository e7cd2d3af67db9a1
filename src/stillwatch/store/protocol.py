"""The contract of the store. Embedded (SQLite) and PostgreSQL answer alike; one suite of tests holds both to it.

Every method is one transaction: either all of it is there afterwards, or nothing. Methods raise EngineError where the
store is away or full. Whoever called may try again, also where a connection broke while committing and nobody knows
whether it did: saying the same thing twice changes nothing the second time (an audit entry alone is written twice).
Times are aware UTC and come from the caller, down to the microsecond: a store has no clock. Text may hold anything.
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


class AuditEnds(msgspec.Struct, frozen=True, kw_only=True):
    """Where the audit log begins and ends: ``before`` is the last entry purged (0 and GENESIS if none was).

    An empty log has ``head == before``. Whoever keeps ``head`` elsewhere notices a log cut short.
    """

    before: int
    before_chain: str
    head: int
    head_chain: str


class PendingLogin(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody sent to an OIDC provider and not yet back. ``digest`` is of the secret in the browser's cookie."""

    digest: str
    state: str
    nonce: str
    verifier: str
    expires_at: datetime


CampaignState = Literal["active", "dormant", "merged", "dismissed"]
Purged = Literal["segments", "dead_letters", "decisions", "campaigns", "audit", "sessions", "alerts", "attempts"]


class Store(Protocol):
    """What every store does. Lists come in a stable order (time, then id) unless said otherwise."""

    def close(self) -> None: ...
    def healthy(self) -> bool:
        """Whether it answers now. Raises nothing."""
        ...

    # exchanges: where their fingerprints lie, and how far each source was read
    def add_segment(self, segment: Segment, offsets: Sequence[Offset]) -> None:
        """Raises ValueError where another segment has this name already."""
        ...

    def replace_segments(self, old: Sequence[str], new: Segment | None) -> None:
        """All of ``old`` go and ``new`` comes. Raises ValueError, and changes nothing, where one of them is gone."""
        ...

    def segments(self, since: datetime | None = None) -> list[Segment]:
        """Those with an exchange at or after ``since``, ordered by the time they were stored, then by name."""
        ...

    def put_offsets(self, offsets: Sequence[Offset]) -> None: ...
    def offsets(self, source: str) -> dict[str, str]:
        """Position by partition."""
        ...

    def add_dead_letters(self, letters: Sequence[DeadLetter], keep: int) -> None:
        """Of all letters the last ``keep`` to come stay."""
        ...

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The last that came, latest first."""
        ...

    def dead_letter_count(self) -> int:
        """How many are held now."""
        ...

    # the side table of accounts, as JSON rows of the data contract; later rows replace earlier ones
    def put_accounts(self, rows: Iterable[Mapping[str, object]]) -> int:
        """How many rows were read. Raises InputError, and keeps none, where a row lacks platform or account_id."""
        ...

    def accounts(self) -> list[dict[str, object]]:
        """Ordered by platform and account id; times are ISO 8601 text."""
        ...

    # campaigns through time
    def put_mining(
        self, at: datetime, campaigns: Sequence[KnownCampaign], events: Sequence[CampaignEvent], summary: str
    ) -> None:
        """Campaigns not named stay as they are.

        A dismissed one stays dismissed: a person said so, and mining cannot unsay it. The same ``at`` again replaces
        the events of that mining.
        """
        ...

    def last_mining(self) -> tuple[datetime, str] | None: ...
    def campaigns(self) -> list[KnownCampaign]:
        """Ordered by when they were found, then by id."""
        ...

    def set_campaign_state(self, campaign_id: str, state: CampaignState, event: CampaignEvent) -> None:
        """What a person says of a campaign. Raises InputError where there is none of this id."""
        ...

    def history(self, campaign_id: str | None = None) -> list[CampaignEvent]: ...
    def add_recognised(self, found: Sequence[Recognised]) -> None: ...
    def recognised(self, campaign_id: str | None = None) -> list[Recognised]: ...

    # decisions: appended, undone, never removed; ``decision_version`` grows with every change of them.
    # Read the version before the decisions: then what is held is never older than the version says.
    def add_decisions(self, decisions: Sequence[Decision]) -> int:
        """How many were new; one whose id is there already is left as it is."""
        ...

    def undo_decisions(self, ids: Sequence[str], at: datetime, who: str, because: str) -> int:
        """How many were undone by this; the others were undone before, or are unknown."""
        ...

    def approve_decisions(self, ids: Sequence[str], at: datetime, who: str) -> int:
        """How many were held, not undone, and are now released."""
        ...

    def decisions(self, live_at: datetime | None = None, campaign_id: str | None = None) -> list[Decision]:
        """Ordered by when they were made. With ``live_at``: neither undone nor expired by then.

        Held, simulated and not yet started ones are among them. Undone is undone at every time, so that a clock that
        jumps back revives nothing.
        """
        ...

    def decision_version(self) -> int: ...

    # rules as code: one version is active
    def put_policy(self, version: PolicyVersion) -> None:
        """An active one makes the others inactive. Of a version already there only mode and active change."""
        ...

    def policies(self) -> list[PolicyVersion]: ...
    def set_mode(self, digest: str, mode: Mode) -> None:
        """Raises InputError where there is no such version."""
        ...

    # who may do what, and what they did
    def put_token(self, token: Token) -> None:
        """Replaces; but what was revoked stays revoked."""
        ...

    def token(self, token_id: str) -> Token | None: ...
    def tokens(self) -> list[Token]: ...
    def put_person(self, person: Person) -> None:
        """Replaces the person of this name. Raises InputError where somebody else has this ``subject``."""
        ...

    def person(self, name: str) -> Person | None: ...
    def people(self) -> list[Person]: ...
    def put_session(self, session: Session) -> None: ...
    def session(self, digest: str) -> Session | None: ...
    def end_session(self, digest: str) -> None: ...
    def end_sessions(self, name: str) -> int:
        """Every login of a person ends. How many did."""
        ...

    def put_pending_login(self, pending: PendingLogin) -> None:
        """Also forgets those that had expired long before."""
        ...

    def take_pending_login(self, digest: str) -> PendingLogin | None:
        """Answers once: whoever asks a second time gets None."""
        ...

    def add_attempts(self, keys: Sequence[str], at: datetime, since: datetime) -> dict[str, int]:
        """Notes an attempt under each key; how many each now has after ``since``, these included."""
        ...

    def forget_attempts(self, keys: Sequence[str]) -> None: ...
    def append_audit(self, at: datetime, who: str, what: str, target: str, detail: Mapping[str, str]) -> AuditEntry:
        """Numbers have no gaps, and the chain never forks, however many processes append."""
        ...

    def audit(self, after: int = 0, limit: int = 1000) -> list[AuditEntry]:
        """Ordered by number, those above ``after``."""
        ...

    def audit_ends(self) -> AuditEnds: ...

    # alerts already sent, by campaign and what was said: True the first time
    def first_alert(self, key: str, at: datetime) -> bool: ...

    # retention: everything of a class older than ``before`` goes; how many rows went
    def purge(self, what: Purged, before: datetime) -> int:
        """Age counts from a thing's end.

        That is a segment's last exchange, a decision's expiry or undoing, the last mining of a campaign (its events
        and recognised accounts go with it), a session's expiry. What still holds is never purged. Of the audit log a
        beginning goes, never the middle, and ``audit_ends`` remembers where it ended.
        """
        ...
