"""Tokens, people, logins and the audit log, on an open transaction. Of a secret only a digest ever comes here."""

# ruff: noqa: D103 - the methods of the same name in protocol.py say what these do

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from stillwatch.errors import InputError
from stillwatch.store.chain import chain_of
from stillwatch.store.protocol import AuditEnds, AuditEntry, PendingLogin, Person, Session, Token
from stillwatch.store.rows import columns_of, insert_new, put, row_of, values_of
from stillwatch.store.schema import ATTEMPTS, AUDIT, AUDIT_ENDS, PENDING_LOGINS, PEOPLE, SESSIONS, TOKENS

# logins that were never finished are forgotten this long after they expired
FORGOTTEN_AFTER = timedelta(hours=1)


def put_token(connection: Connection, token: Token) -> None:
    revoked = connection.execute(
        select(TOKENS.c.revoked_at).where(TOKENS.c.token_id == token.token_id).with_for_update()
    ).scalar()
    row = row_of(token)
    put(connection, TOKENS, [row if revoked is None else {**row, "revoked_at": revoked}])


def token(connection: Connection, token_id: str) -> Token | None:
    found = values_of(connection, select(TOKENS).where(TOKENS.c.token_id == token_id), Token)
    return found[0] if found else None


def tokens(connection: Connection) -> list[Token]:
    return values_of(connection, select(TOKENS).order_by(TOKENS.c.made_at, TOKENS.c.token_id), Token)


def put_person(connection: Connection, person: Person) -> None:
    if person.subject is not None:
        query = select(PEOPLE.c.name).where(PEOPLE.c.subject == person.subject, PEOPLE.c.name != person.name)
        other = connection.execute(query).scalar()
        if other is not None:
            raise InputError(f"{other} has this subject already", hint="one person, one name")
    put(connection, PEOPLE, [row_of(person)])


def person(connection: Connection, name: str) -> Person | None:
    found = values_of(connection, select(PEOPLE).where(PEOPLE.c.name == name), Person)
    return found[0] if found else None


def people(connection: Connection) -> list[Person]:
    return values_of(connection, select(PEOPLE).order_by(PEOPLE.c.made_at, PEOPLE.c.name), Person)


def put_session(connection: Connection, session: Session) -> None:
    put(connection, SESSIONS, [row_of(session)])


def session(connection: Connection, digest: str) -> Session | None:
    found = values_of(connection, select(SESSIONS).where(SESSIONS.c.digest == digest), Session)
    return found[0] if found else None


def end_session(connection: Connection, digest: str) -> None:
    connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest))


def end_sessions(connection: Connection, name: str) -> int:
    return connection.execute(delete(SESSIONS).where(SESSIONS.c.name == name)).rowcount


def put_pending_login(connection: Connection, pending: PendingLogin) -> None:
    long_ago = pending.expires_at - FORGOTTEN_AFTER
    connection.execute(delete(PENDING_LOGINS).where(PENDING_LOGINS.c.expires_at < long_ago))
    put(connection, PENDING_LOGINS, [row_of(pending)])


def take_pending_login(connection: Connection, digest: str) -> PendingLogin | None:
    taken = delete(PENDING_LOGINS).where(PENDING_LOGINS.c.digest == digest).returning(PENDING_LOGINS)
    row = connection.execute(taken).mappings().first()
    return None if row is None else PendingLogin(**row)


def add_attempts(connection: Connection, keys: Sequence[str], at: datetime, since: datetime) -> dict[str, int]:
    wanted = sorted(set(keys))
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key.in_(wanted), ATTEMPTS.c.at <= since))
    insert_new(connection, ATTEMPTS, [{"key": key, "at": at} for key in wanted])
    query = select(ATTEMPTS.c.key, func.count()).where(ATTEMPTS.c.key.in_(wanted), ATTEMPTS.c.at > since)
    found = {key: number for key, number in connection.execute(query.group_by(ATTEMPTS.c.key)).all()}  # noqa: C416
    return {key: found.get(key, 0) for key in wanted}


def forget_attempts(connection: Connection, keys: Sequence[str]) -> None:
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key.in_(list(keys))))


def append_audit(
    connection: Connection, at: datetime, who: str, what: str, target: str, detail: Mapping[str, str]
) -> AuditEntry:
    # the one row of the ends is locked from here to the commit: appenders stand in line, the chain cannot fork
    ends = connection.execute(select(AUDIT_ENDS).with_for_update()).one()
    entry = AuditEntry(number=ends.head + 1, at=at, who=who, what=what, target=target, detail=dict(detail), chain="")
    entry = msgspec.structs.replace(entry, chain=chain_of(entry, ends.head_chain))
    connection.execute(AUDIT.insert(), row_of(entry))
    connection.execute(update(AUDIT_ENDS).values(head=entry.number, head_chain=entry.chain))
    return entry


def audit(connection: Connection, after: int, limit: int) -> list[AuditEntry]:
    query = select(*columns_of(AUDIT, AuditEntry)).where(AUDIT.c.number > after)
    return values_of(connection, query.order_by(AUDIT.c.number).limit(limit), AuditEntry)


def audit_ends(connection: Connection) -> AuditEnds:
    return values_of(connection, select(*columns_of(AUDIT_ENDS, AuditEnds)), AuditEnds)[0]


def purge_audit(connection: Connection, before: datetime) -> int:
    """The entries up to the first that is young enough: a clock that once ran wrong leaves no hole in the middle."""
    ends = connection.execute(select(AUDIT_ENDS).with_for_update()).one()
    young = select(func.min(AUDIT.c.number)).where(AUDIT.c.at >= before)
    last = (connection.execute(young).scalar() or ends.head + 1) - 1
    if last <= ends.before:
        return 0
    chain = connection.execute(select(AUDIT.c.chain).where(AUDIT.c.number == last)).scalar_one()
    connection.execute(update(AUDIT_ENDS).values(before=last, before_chain=chain))
    return connection.execute(delete(AUDIT).where(AUDIT.c.number <= last)).rowcount


def purge_sessions(connection: Connection, before: datetime) -> int:
    connection.execute(delete(PENDING_LOGINS).where(PENDING_LOGINS.c.expires_at < before))
    return connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < before)).rowcount


def purge_attempts(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.at < before)).rowcount
