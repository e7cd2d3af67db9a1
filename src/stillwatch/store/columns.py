"""How values become columns: times, text that may hold anything, and lists. Alike in SQLite and PostgreSQL.

Times are integers, microseconds since 1970 UTC: exact, and ordered the same way everywhere. PostgreSQL keeps no text
with a NUL in it and neither keeps half a surrogate pair; both arrive in hostile messages, so they are written escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# "C": both order text by its bytes, whatever the language of the server
PLAIN_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite numbers rows by itself only where the type is INTEGER
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

_ESCAPE = "\ue000"  # a private-use character: legal, and next to never in a message
_NEEDS_ESCAPE = re.compile("[\x00\ue000\ud800-\udfff]")
_ESCAPED = re.compile(_ESCAPE + "([0-9a-f]{4})")


def microseconds(at: datetime) -> int:
    """Since 1970. Raises ValueError for a time without a zone: nobody knows when that was."""
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone: {at.isoformat()}")
    return (at - _EPOCH) // _MICROSECOND


def escape(text: str) -> str:
    """Text that any database keeps; ``unescape`` gives back what it was. Equal only where the originals are."""
    if _NEEDS_ESCAPE.search(text) is None:
        return text
    return _NEEDS_ESCAPE.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def unescape(text: str) -> str:
    """What ``escape`` was given."""
    if _ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


class Time(TypeDecorator[datetime]):
    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Words(TypeDecorator[str]):
    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else escape(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else unescape(value)


class Several(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings, as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else msgspec.json.encode([escape(each) for each in value]).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[str, ...] | None:
        del dialect
        if value is None:
            return None
        return tuple(unescape(each) for each in msgspec.json.decode(value, type=tuple[str, ...]))


class Details(TypeDecorator[Mapping[str, str]]):
    """A mapping of strings to strings, as a JSON object."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> str | None:
        del dialect
        if value is None:
            return None
        return msgspec.json.encode({escape(key): escape(each) for key, each in value.items()}).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Mapping[str, str] | None:
        del dialect
        if value is None:
            return None
        return {unescape(k): unescape(v) for k, v in msgspec.json.decode(value, type=dict[str, str]).items()}
