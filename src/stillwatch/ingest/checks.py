"""Columns as a source has them → columns of the data contract, and the rows that may not pass.

Works on whole columns; only a column that does not convert as a whole is walked value by value (`rows` is the plain
reference). Knows the contract and what is plausible; not where a row came from, nor whether it was seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch import tables
from stillwatch.ingest import rows, times
from stillwatch.ingest.addresses import canonical_addresses
from stillwatch.ingest.dedup import string_buffers
from stillwatch.ingest.options import EARLIEST, MAX_PROMPT_BYTES, MAX_ROW_BYTES, TEXT_COLUMNS

COUNTS = (
    "message_count",
    "image_count",
    "max_tokens",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "latency_ms",
    "ttft_ms",
    "status_code",
)
_ADDRESSES = ("client_address", "signup_address")
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_FIRST_US = round(EARLIEST.timestamp() * 1e6)


class Conformed(msgspec.Struct, kw_only=True):
    """``batch`` has every row given; ``bad`` says which may not pass and why; ``bad_addresses`` became null."""

    batch: pa.RecordBatch
    bad: dict[int, str]
    bad_addresses: int = 0


Fill = Callable[[dict[str, pa.Array]], dict[str, pa.Array]]


def conform(
    given: pa.RecordBatch | pa.Table,
    schema: pa.Schema = tables.EXCHANGES,
    *,
    latest: datetime | None = None,
    fill: Fill | None = None,
    missing: Mapping[str, str] | None = None,
    encoded: bool = False,
) -> Conformed:
    """Casts and checks a batch. Cost: a few passes over fixed-width columns, none over clean text.

    ``fill`` completes the cast columns before they are checked (joins, defaults). ``missing`` adds a hint to the
    reason for rows that lack a required column. ``encoded`` lets dictionaries of text through as they are.
    """
    bad: dict[int, str] = {}
    columns: dict[str, pa.Array] = {}
    names = set(given.schema.names)
    for field in schema:
        if field.name not in names:
            columns[field.name] = pa.nulls(given.num_rows, field.type)
        else:
            columns[field.name] = _cast(_flat(given.column(field.name), encoded=encoded), field, bad)
    if fill is not None:
        columns = fill(columns)
    bad_addresses = 0
    for name in _ADDRESSES:
        if name in columns and columns[name].null_count < given.num_rows:
            columns[name], failed = canonical_addresses(columns[name])
            bad_addresses += failed
    arrays = list(columns.values())
    _check_required(schema, arrays, bad, missing or {})
    _check_times(schema, arrays, bad, latest)
    _check_counts(schema, arrays, bad)
    _check_sizes(schema, arrays, bad)
    nullable = pa.schema([field.with_nullable(True).with_type(columns[field.name].type) for field in schema])
    return Conformed(batch=pa.RecordBatch.from_arrays(arrays, schema=nullable), bad=bad, bad_addresses=bad_addresses)


def unusable_columns(found: pa.Schema, schema: pa.Schema) -> list[str]:
    """Columns whose type can never be converted, as ``name: found X, expected Y`` (a scan of the schema only)."""
    problems: list[str] = []
    for field in schema:
        index = found.get_field_index(field.name)
        if index >= 0 and not _castable(found.field(index).type, field.type):
            problems.append(f"{field.name} is {found.field(index).type}, expected {field.type}")
    return problems


def _castable(found: pa.DataType, wanted: pa.DataType) -> bool:
    kinds = pa.types
    if kinds.is_dictionary(found):
        return _castable(found.value_type, wanted)
    if kinds.is_list(found) or kinds.is_large_list(found):
        return kinds.is_list(wanted) and _castable(found.value_type, wanted.value_type)
    text = kinds.is_string(found) or kinds.is_large_string(found) or kinds.is_string_view(found)
    number = kinds.is_integer(found) or kinds.is_floating(found) or kinds.is_decimal(found)
    if text or kinds.is_null(found) or found == wanted:
        return True
    if kinds.is_timestamp(wanted):
        return number or kinds.is_timestamp(found) or kinds.is_date(found)
    if kinds.is_string(wanted):
        return kinds.is_integer(found) or kinds.is_binary(found) or kinds.is_large_binary(found)
    return number and (kinds.is_integer(wanted) or kinds.is_floating(wanted))


def _flat(column: pa.Array | pa.ChunkedArray, *, encoded: bool) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if not isinstance(column, pa.DictionaryArray):
        return column
    clean = encoded and column.type == _DICTIONARY and column.dictionary.null_count == 0
    # the dictionary is a whole row group's, the column one batch of it
    return column if clean and len(column.dictionary) <= len(column) else column.dictionary_decode()


def _cast(column: pa.Array, field: pa.Field, bad: dict[int, str]) -> pa.Array:
    if column.type == field.type:
        return _finite(column) if pa.types.is_floating(field.type) else column
    if column.type == _DICTIONARY:
        return column if pa.types.is_string(field.type) else _cast(column.dictionary_decode(), field, bad)
    try:
        if pa.types.is_timestamp(field.type):
            return times.times_of(_plain_text(column))
        if pa.types.is_list(field.type) and not pa.types.is_nested(column.type) and not pa.types.is_null(column.type):
            return _cast_each(column, field, bad)
        return _finite(pc.cast(_whole(column, field.type), field.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
        return _cast_each(column, field, bad)


def _plain_text(column: pa.Array) -> pa.Array:
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return pc.cast(column, pa.string())
    return column


def _whole(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Floats that stand for counts (a NaN is how some writers say null)."""
    if pa.types.is_floating(column.type) and pa.types.is_integer(wanted):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def _finite(column: pa.Array) -> pa.Array:
    if not pa.types.is_floating(column.type) or column.null_count == len(column):
        return column
    finite = pc.is_finite(column)
    return column if pc.all(finite).as_py() is not False else pc.if_else(finite, column, pa.scalar(None, column.type))


def _cast_each(column: pa.Array, field: pa.Field, bad: dict[int, str]) -> pa.Array:
    out: list[Any] = []
    for row, value in enumerate(_values(column)):
        converted = None
        if value is not None and value != "":
            try:
                converted = rows.value_of(value, field.type)
                _ = pa.scalar(converted, field.type)
            except (ValueError, OverflowError, pa.ArrowInvalid) as error:
                converted = None
                bad.setdefault(row, f"{field.name}: {error}")
        out.append(converted)
    if pa.types.is_timestamp(field.type):
        return pa.array(out, pa.int64()).cast(pa.timestamp("us")).cast(field.type)
    return pa.array(out, field.type)


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_pylist()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [None if item is None else item.decode("utf-8", "surrogateescape") for item in column.to_pylist()]
    if pa.types.is_decimal(column.type):
        return [None if item is None else float(item) for item in column.to_pylist()]
    return column.to_pylist()


def _check_required(schema: pa.Schema, columns: list[pa.Array], bad: dict[int, str], hints: Mapping[str, str]) -> None:
    for field, column in zip(schema, columns, strict=True):
        if field.nullable:
            continue
        missing = np.asarray(column.is_null()) if column.null_count else np.zeros(len(column), np.bool_)
        if pa.types.is_string(field.type):
            missing = missing | (_sizes(column) == 0)
        for row in np.flatnonzero(missing):
            bad.setdefault(int(row), f"missing {field.name}" + hints.get(field.name, ""))


def _sizes(column: pa.Array) -> npt.NDArray[np.int64]:
    """Bytes of every text of a column, 0 where null."""
    if not isinstance(column, pa.DictionaryArray):
        return np.diff(string_buffers(column)[0]).astype(np.int64)
    known = np.append(_sizes(column.dictionary), 0)  # the last stands for null
    return known[column.indices.fill_null(len(known) - 1).to_numpy()]


def _check_times(schema: pa.Schema, columns: list[pa.Array], bad: dict[int, str], latest: datetime | None) -> None:
    for field, column in zip(schema, columns, strict=True):
        if not pa.types.is_timestamp(field.type) or len(column) == column.null_count:
            continue
        us = column.cast(pa.int64())
        low, high = pc.min_max(us).values()
        last_us = round(latest.timestamp() * 1e6) if latest is not None else None
        if low.as_py() >= _FIRST_US and (last_us is None or high.as_py() <= last_us):
            continue
        values = us.fill_null(_FIRST_US).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(values < _FIRST_US):
            bad.setdefault(int(row), f"{field.name} is before 2015")
        if last_us is not None:
            for row in np.flatnonzero(values > last_us):
                bad.setdefault(int(row), f"{field.name} lies in the future")


def _check_counts(schema: pa.Schema, columns: list[pa.Array], bad: dict[int, str]) -> None:
    for field, column in zip(schema, columns, strict=True):
        if field.name not in COUNTS or column.null_count == len(column) or pc.min(column).as_py() >= 0:
            continue
        for row in np.flatnonzero(column.fill_null(0).to_numpy(zero_copy_only=False) < 0):
            bad.setdefault(int(row), f"{field.name} is negative")


def _check_sizes(schema: pa.Schema, columns: list[pa.Array], bad: dict[int, str]) -> None:
    total: npt.NDArray[np.int64] | None = None
    for field, column in zip(schema, columns, strict=True):
        if field.name not in TEXT_COLUMNS or column.null_count == len(column):
            continue
        sizes = _sizes(column)
        if sizes.max(initial=0) > MAX_PROMPT_BYTES:
            for row in np.flatnonzero(sizes > MAX_PROMPT_BYTES):
                bad.setdefault(int(row), f"{field.name} is larger than {MAX_PROMPT_BYTES >> 20} MB")
        total = sizes if total is None else total + sizes
    if total is not None and total.max(initial=0) > MAX_ROW_BYTES:
        for row in np.flatnonzero(total > MAX_ROW_BYTES):
            bad.setdefault(int(row), f"the row is larger than {MAX_ROW_BYTES >> 20} MB")
