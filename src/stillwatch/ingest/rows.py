"""One row at a time: the plain, slow reference of what `checks` does to whole columns.

Used where a row is bad (to say why) and for sources that are parsed record by record. The two must agree: a test
holds them side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pyarrow as pa

from stillwatch import tables
from stillwatch.ingest import times
from stillwatch.ingest.options import TEXT_COLUMNS

_BOOLS = {"true": "1", "false": "0"}  # DuckDB reads them so where a number is due
_INT_LIMITS = {pa.int32(): 2**31 - 1, pa.int64(): 2**63 - 1}


class BadRowError(ValueError):
    """A row that cannot be used; the message is the quarantine's reason."""


def typed(row: Mapping[str, Any], schema: pa.Schema = tables.EXCHANGES) -> dict[str, Any]:
    """``row`` with every column of ``schema`` in its type (None where absent). Raises BadRowError with the reason."""
    out: dict[str, Any] = {}
    for field in schema:
        value = row.get(field.name)
        if value is None or value == "":
            out[field.name] = None
            if not field.nullable:
                raise BadRowError(f"missing {field.name}")
            continue
        try:
            if field.name in TEXT_COLUMNS and isinstance(value, dict | list):
                value = msgspec.json.encode(value).decode()
            out[field.name] = value_of(value, field.type)
        except ValueError as error:
            raise BadRowError(f"{field.name}: {error}") from error
        if not field.nullable and out[field.name] == "":
            raise BadRowError(f"missing {field.name}")
    return out


def value_of(value: Any, kind: pa.DataType) -> Any:
    """One value in a column's type. Raises ValueError naming what was found and what was expected."""
    for matches, convert in _CONVERTERS:
        if matches(kind):
            return convert(value, kind)
    raise ValueError(f"no conversion to {kind}")


def _time(value: Any, _kind: pa.DataType) -> int:
    return times.microseconds(value)


def _text(value: Any, _kind: pa.DataType) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, int | float):
        text = str(value)
    else:
        raise ValueError(f"expected text, found {_named(value)}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text is not valid Unicode") from error
    return text


def _integer(value: Any, kind: pa.DataType) -> int | None:
    if isinstance(value, bool):
        value = int(value)  # as DuckDB reads them; Arrow takes none
    if isinstance(value, str):
        text = _BOOLS.get(value.strip().lower(), value.strip())
        try:
            value = int(text) if text.lstrip("+-").isdigit() else float(text)
        except ValueError as error:
            raise ValueError(f"expected a whole number, found {value[:40]!r}") from error
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if not value.is_integer():
            raise ValueError(f"expected a whole number, found {value!r}")
        value = int(value)
    if not isinstance(value, int):
        raise ValueError(f"expected a whole number, found {_named(value)}")
    if abs(value) > _INT_LIMITS[kind]:
        raise ValueError(f"{str(value)[:30]} does not fit {kind}")
    return value


def _number(value: Any, _kind: pa.DataType) -> float | None:
    try:
        number = float(_BOOLS.get(value.strip().lower(), value) if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"expected a number, found {str(value)[:40]!r}") from error
    return number if math.isfinite(number) else None


def _truth(value: Any, _kind: pa.DataType) -> bool:
    if isinstance(value, str):
        value = _BOOLS.get(value.strip().lower(), value)
    try:
        return float(value) != 0
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"expected true or false, found {_named(value)}") from error


def _texts(value: Any, kind: pa.DataType) -> list[str | None]:
    if isinstance(value, str | int | float):
        value = _listed(_text(value, kind))
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list of texts, found {_named(value)}")
    return [None if item is None else _text(_nested(item), kind) for item in value]


def _nested(item: Any) -> Any:
    return msgspec.json.encode(item).decode() if isinstance(item, dict | list) else item


def _listed(text: str) -> Any:
    if text.lstrip().startswith("{"):
        raise ValueError(f"expected a list of texts, found {text[:40]!r}")
    if text.lstrip().startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise ValueError(f"expected a list of texts, found {text[:40]!r}") from error
    return [part.strip() for part in text.split(";") if part.strip()]


def _named(value: Any) -> str:
    return {bool: "true or false", dict: "an object", list: "a list"}.get(type(value), f"{str(value)[:40]!r}")


_CONVERTERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any, pa.DataType], Any]], ...] = (
    (pa.types.is_timestamp, _time),
    (pa.types.is_string, _text),
    (pa.types.is_integer, _integer),
    (pa.types.is_floating, _number),
    (pa.types.is_boolean, _truth),
    (pa.types.is_list, _texts),
)


def table(typed_rows: list[dict[str, Any]], schema: pa.Schema = tables.EXCHANGES) -> pa.RecordBatch:
    """Rows from ``typed`` as one batch of ``schema`` (every column nullable)."""
    columns: list[pa.Array] = []
    for field in schema:
        values = [row[field.name] for row in typed_rows]
        if pa.types.is_timestamp(field.type):
            columns.append(pa.array(values, pa.int64()).cast(pa.timestamp("us")).cast(field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, names=schema.names)
