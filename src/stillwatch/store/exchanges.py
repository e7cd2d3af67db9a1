"""Segments, offsets, dead letters and the side table of accounts, on an open transaction."""

# ruff: noqa: D103 - the methods of the same name in protocol.py say what these do

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, select

from stillwatch.errors import InputError
from stillwatch.store.protocol import DeadLetter, Offset, Segment
from stillwatch.store.rows import Row, chunks, columns_of, insert_new, insert_one, put, row_of, values_of
from stillwatch.store.schema import ACCOUNTS, DEAD_LETTERS, OFFSETS, SEGMENTS


def add_segment(connection: Connection, segment: Segment, offsets: Sequence[Offset]) -> None:
    if not insert_one(connection, SEGMENTS, row_of(segment)) and _segment(connection, segment.name) != segment:
        raise ValueError(f"another segment is named {segment.name} already")
    put_offsets(connection, offsets)


def replace_segments(connection: Connection, old: Sequence[str], new: Segment | None) -> None:
    gone = 0
    for names in chunks(dict.fromkeys(old)):
        gone += connection.execute(delete(SEGMENTS).where(SEGMENTS.c.name.in_(names))).rowcount
    if gone != len(set(old)):
        if gone == 0 and (new is None or _segment(connection, new.name) == new):
            return  # said twice: it is done
        raise ValueError("a segment to be replaced is gone: what it held may have been purged")
    if new is not None:
        add_segment(connection, new, ())


def segments(connection: Connection, since: datetime | None) -> list[Segment]:
    query = select(SEGMENTS).order_by(SEGMENTS.c.stored_at, SEGMENTS.c.name)
    return values_of(connection, query if since is None else query.where(SEGMENTS.c.last_at >= since), Segment)


def _segment(connection: Connection, name: str) -> Segment | None:
    found = values_of(connection, select(SEGMENTS).where(SEGMENTS.c.name == name), Segment)
    return found[0] if found else None


def put_offsets(connection: Connection, offsets: Sequence[Offset]) -> None:
    latest = {(offset.source, offset.partition): row_of(offset) for offset in offsets}
    put(connection, OFFSETS, [latest[key] for key in sorted(latest)])


def offsets(connection: Connection, source: str) -> dict[str, str]:
    query = select(OFFSETS.c.partition, OFFSETS.c.position).where(OFFSETS.c.source == source)
    return {row.partition: row.position for row in connection.execute(query.order_by(OFFSETS.c.partition))}


def add_dead_letters(connection: Connection, letters: Sequence[DeadLetter], keep: int) -> None:
    insert_new(connection, DEAD_LETTERS, [row_of(letter) for letter in letters])
    last = select(DEAD_LETTERS.c.number).order_by(DEAD_LETTERS.c.number.desc())
    oldest_kept = connection.execute(last.offset(max(keep, 1) - 1).limit(1)).scalar()
    if keep <= 0:
        connection.execute(delete(DEAD_LETTERS))
    elif oldest_kept is not None:
        connection.execute(delete(DEAD_LETTERS).where(DEAD_LETTERS.c.number < oldest_kept))


def dead_letters(connection: Connection, limit: int) -> list[DeadLetter]:
    query = select(*columns_of(DEAD_LETTERS, DeadLetter)).order_by(DEAD_LETTERS.c.number.desc()).limit(limit)
    return values_of(connection, query, DeadLetter)


def put_accounts(connection: Connection, rows: Iterable[Mapping[str, object]]) -> int:
    read = 0
    for chunk in chunks(rows):
        latest = {(row["platform"], row["account_id"]): row for row in map(_account_row, chunk)}
        # in one order, so that two writers never wait for each other in a ring
        put(connection, ACCOUNTS, [latest[key] for key in sorted(latest)])
        read += len(chunk)
    return read


def _account_row(row: Mapping[str, object]) -> Row:
    platform, account_id = row.get("platform"), row.get("account_id")
    if not isinstance(platform, str) or not isinstance(account_id, str):
        raise InputError("an account lacks its platform or account_id", hint="both are required, as text")
    return {"platform": platform, "account_id": account_id, "body": msgspec.json.encode(row)}


def accounts(connection: Connection) -> list[dict[str, object]]:
    query = select(ACCOUNTS.c.body).order_by(ACCOUNTS.c.platform, ACCOUNTS.c.account_id)
    return [msgspec.json.decode(body, type=dict[str, object]) for body in connection.execute(query).scalars()]


def purge_segments(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(SEGMENTS).where(SEGMENTS.c.last_at < before)).rowcount


def purge_dead_letters(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(DEAD_LETTERS).where(DEAD_LETTERS.c.at < before)).rowcount
