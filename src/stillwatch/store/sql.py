"""The contract in SQL: every method opens one transaction and hands it to the module that knows the tables.

Nothing is decided here but where a transaction begins and ends, and what its errors are called.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine

from stillwatch.errors import EngineError
from stillwatch.model import Decision, Mode
from stillwatch.store import decided, exchanges, found, people
from stillwatch.store.faults import told_as_engine_error
from stillwatch.store.opening import shown, writing
from stillwatch.store.protocol import (
    AuditEnds,
    AuditEntry,
    CampaignEvent,
    CampaignState,
    DeadLetter,
    KnownCampaign,
    Offset,
    PendingLogin,
    Person,
    PolicyVersion,
    Purged,
    Recognised,
    Segment,
    Session,
    Token,
)
from stillwatch.store.rows import count
from stillwatch.store.schema import DEAD_LETTERS

_PURGES = {
    "segments": exchanges.purge_segments,
    "dead_letters": exchanges.purge_dead_letters,
    "decisions": decided.purge_decisions,
    "campaigns": found.purge,
    "audit": people.purge_audit,
    "sessions": people.purge_sessions,
    "alerts": decided.purge_alerts,
    "attempts": people.purge_attempts,
}


class SqlStore:
    """A ``protocol.Store`` on a database whose schema is ready. May be used from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._writer, self._where = engine, writing(engine), shown(engine)
        # SQLite has one writer; threads that stand in line here take turns fairly instead of polling its lock
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else None

    def close(self) -> None:
        self._engine.dispose()

    def healthy(self) -> bool:
        try:
            self.decision_version()
        except EngineError:
            return False
        return True

    @contextmanager
    def _read(self) -> Generator[Connection]:
        with told_as_engine_error(self._where), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Generator[Connection]:
        if self._turn is None:
            with told_as_engine_error(self._where), self._writer.begin() as connection:
                yield connection
            return
        with self._turn, told_as_engine_error(self._where), self._writer.begin() as connection:
            yield connection

    # exchanges

    def add_segment(self, segment: Segment, offsets: Sequence[Offset]) -> None:
        with self._write() as connection:
            exchanges.add_segment(connection, segment, offsets)

    def replace_segments(self, old: Sequence[str], new: Segment | None) -> None:
        with self._write() as connection:
            exchanges.replace_segments(connection, old, new)

    def segments(self, since: datetime | None = None) -> list[Segment]:
        with self._read() as connection:
            return exchanges.segments(connection, since)

    def put_offsets(self, offsets: Sequence[Offset]) -> None:
        with self._write() as connection:
            exchanges.put_offsets(connection, offsets)

    def offsets(self, source: str) -> dict[str, str]:
        with self._read() as connection:
            return exchanges.offsets(connection, source)

    def add_dead_letters(self, letters: Sequence[DeadLetter], keep: int) -> None:
        with self._write() as connection:
            exchanges.add_dead_letters(connection, letters, keep)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        with self._read() as connection:
            return exchanges.dead_letters(connection, limit)

    def dead_letter_count(self) -> int:
        with self._read() as connection:
            return count(connection, DEAD_LETTERS)

    def put_accounts(self, rows: Iterable[Mapping[str, object]]) -> int:
        with self._write() as connection:
            return exchanges.put_accounts(connection, rows)

    def accounts(self) -> list[dict[str, object]]:
        with self._read() as connection:
            return exchanges.accounts(connection)

    # campaigns

    def put_mining(
        self, at: datetime, campaigns: Sequence[KnownCampaign], events: Sequence[CampaignEvent], summary: str
    ) -> None:
        with self._write() as connection:
            found.put_mining(connection, at, campaigns, events, summary)

    def last_mining(self) -> tuple[datetime, str] | None:
        with self._read() as connection:
            return found.last_mining(connection)

    def campaigns(self) -> list[KnownCampaign]:
        with self._read() as connection:
            return found.campaigns(connection)

    def set_campaign_state(self, campaign_id: str, state: CampaignState, event: CampaignEvent) -> None:
        with self._write() as connection:
            found.set_campaign_state(connection, campaign_id, state, event)

    def history(self, campaign_id: str | None = None) -> list[CampaignEvent]:
        with self._read() as connection:
            return found.history(connection, campaign_id)

    def add_recognised(self, found: Sequence[Recognised]) -> None:
        with self._write() as connection:
            _add_recognised(connection, found)

    def recognised(self, campaign_id: str | None = None) -> list[Recognised]:
        with self._read() as connection:
            return found.recognised(connection, campaign_id)

    # decisions

    def add_decisions(self, decisions: Sequence[Decision]) -> int:
        with self._write() as connection:
            return decided.add_decisions(connection, decisions)

    def undo_decisions(self, ids: Sequence[str], at: datetime, who: str, because: str) -> int:
        with self._write() as connection:
            return decided.undo_decisions(connection, ids, at, who, because)

    def approve_decisions(self, ids: Sequence[str], at: datetime, who: str) -> int:
        with self._write() as connection:
            return decided.approve_decisions(connection, ids, at, who)

    def decisions(self, live_at: datetime | None = None, campaign_id: str | None = None) -> list[Decision]:
        with self._read() as connection:
            return decided.decisions(connection, live_at, campaign_id)

    def decision_version(self) -> int:
        with self._read() as connection:
            return decided.decision_version(connection)

    # rules

    def put_policy(self, version: PolicyVersion) -> None:
        with self._write() as connection:
            decided.put_policy(connection, version)

    def policies(self) -> list[PolicyVersion]:
        with self._read() as connection:
            return decided.policies(connection)

    def set_mode(self, digest: str, mode: Mode) -> None:
        with self._write() as connection:
            decided.set_mode(connection, digest, mode)

    # people

    def put_token(self, token: Token) -> None:
        with self._write() as connection:
            people.put_token(connection, token)

    def token(self, token_id: str) -> Token | None:
        with self._read() as connection:
            return people.token(connection, token_id)

    def tokens(self) -> list[Token]:
        with self._read() as connection:
            return people.tokens(connection)

    def put_person(self, person: Person) -> None:
        with self._write() as connection:
            people.put_person(connection, person)

    def person(self, name: str) -> Person | None:
        with self._read() as connection:
            return people.person(connection, name)

    def people(self) -> list[Person]:
        with self._read() as connection:
            return people.people(connection)

    def put_session(self, session: Session) -> None:
        with self._write() as connection:
            people.put_session(connection, session)

    def session(self, digest: str) -> Session | None:
        with self._read() as connection:
            return people.session(connection, digest)

    def end_session(self, digest: str) -> None:
        with self._write() as connection:
            people.end_session(connection, digest)

    def end_sessions(self, name: str) -> int:
        with self._write() as connection:
            return people.end_sessions(connection, name)

    def put_pending_login(self, pending: PendingLogin) -> None:
        with self._write() as connection:
            people.put_pending_login(connection, pending)

    def take_pending_login(self, digest: str) -> PendingLogin | None:
        with self._write() as connection:
            return people.take_pending_login(connection, digest)

    def add_attempts(self, keys: Sequence[str], at: datetime, since: datetime) -> dict[str, int]:
        with self._write() as connection:
            return people.add_attempts(connection, keys, at, since)

    def forget_attempts(self, keys: Sequence[str]) -> None:
        with self._write() as connection:
            people.forget_attempts(connection, keys)

    # the audit log, alerts, retention

    def append_audit(self, at: datetime, who: str, what: str, target: str, detail: Mapping[str, str]) -> AuditEntry:
        with self._write() as connection:
            return people.append_audit(connection, at, who, what, target, detail)

    def audit(self, after: int = 0, limit: int = 1000) -> list[AuditEntry]:
        with self._read() as connection:
            return people.audit(connection, after, limit)

    def audit_ends(self) -> AuditEnds:
        with self._read() as connection:
            return people.audit_ends(connection)

    def first_alert(self, key: str, at: datetime) -> bool:
        with self._write() as connection:
            return decided.first_alert(connection, key, at)

    def purge(self, what: Purged, before: datetime) -> int:
        with self._write() as connection:
            return _PURGES[what](connection, before)


_add_recognised = found.add_recognised  # the method's parameter hides the module's name
