"""Structs to rows and back, and the few statements that SQLite and PostgreSQL spell differently.

A row's columns are named as the struct's fields, so nothing stands between the two. Knows no table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Select, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stillwatch.store.schema import COUNTERS

Value = TypeVar("Value", bound=msgspec.Struct)
Row = dict[str, Any]

CHUNK = 5_000  # parameters of one statement: PostgreSQL takes 65,535, SQLite 32,766


def row_of(value: msgspec.Struct) -> Row:
    """By field; the columns know how to write each."""
    return msgspec.structs.asdict(value)


def values_of(connection: Connection, query: Select[Any], kind: type[Value]) -> list[Value]:
    """Every row of a query whose columns are the struct's fields."""
    return [kind(**row) for row in connection.execute(query).mappings()]


def columns_of(table: Table, kind: type[msgspec.Struct]) -> list[Column[Any]]:
    """The columns that a struct is made of; a table may have more."""
    return [table.c[name] for name in kind.__struct_fields__]


def insert_one(connection: Connection, table: Table, row: Row) -> bool:
    """False where its key is there already, and stays as it is."""
    came = _insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key).values(row)
    return connection.execute(came).first() is not None


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Rows whose key is there already are left out. Nobody says how many: psycopg does not know it of a batch."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def put(connection: Connection, table: Table, rows: Sequence[Row], keep: Sequence[str] = ()) -> None:
    """Rows replace those of the same key, but for the columns named in ``keep``."""
    if not rows:
        return
    insert = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    named = [name for name in rows[0] if name not in keys and name not in keep]
    changed = {name: insert.excluded[name] for name in named}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def hold(connection: Connection, counter: str) -> None:
    """Whoever else wants the counter waits until this transaction ends."""
    connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == counter).with_for_update())


def bump(connection: Connection, counter: str) -> int:
    """The counter's next value. Whoever else wants it waits until this transaction ends."""
    grown = update(COUNTERS).where(COUNTERS.c.name == counter).values(value=COUNTERS.c.value + 1)
    return connection.execute(grown.returning(COUNTERS.c.value)).scalar_one()


def count(connection: Connection, table: Table) -> int:
    """Rows of a table. O(rows)."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def chunks(items: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """The items, so many at a time."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk


def _insert(connection: Connection, table: Table) -> Any:
    """The dialect's own insert: both know ``on_conflict``, the common one does not."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
