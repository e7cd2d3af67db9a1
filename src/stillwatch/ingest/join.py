"""Enrichment: a table keyed by request id fills what the traffic source could not know — above all who pays.

Only nulls are filled; a value the source had stays. Applying a join twice changes nothing. Of several rows with the
same key the first counts. Does not know why a key is missing: it counts matched and unmatched rows and says so.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch import tables
from stillwatch.errors import InputError
from stillwatch.ingest import canonical
from stillwatch.ingest.checks import conform, unusable_columns
from stillwatch.ingest.sources import Source, open_source, read_all

KEYS = (
    "exchange_id",
    "request_id",
    "requestId",
    "requestID",
    "x-request-id",
    "correlation_id",
    "correlationId",
    "CorrelationId",
)
# What the usual second streams call our columns (CloudTrail, Cloud Audit Logs, access logs).
ALIASES = {
    "sourceIPAddress": "client_address",
    "ip": "client_address",
    "client_ip": "client_address",
    "callerIp": "client_address",
    "CallerIpAddress": "client_address",
    "userAgent": "user_agent",
    "user-agent": "user_agent",
    "callerSuppliedUserAgent": "user_agent",
    "asn": "client_asn",
    "country": "client_country",
    "principalEmail": "account_id",
    "account": "account_id",
}


class Join:
    """A loaded join table. ``matched`` and ``unmatched`` count the rows it was asked about."""

    def __init__(self, table: pa.Table, key: str, name: str) -> None:
        keys = table.column(key).combine_chunks()
        keys = keys if isinstance(keys, pa.Array) else pa.concat_arrays(keys.chunks)
        self.name = name
        self.matched = self.unmatched = self.repeated = 0
        order = pc.sort_indices(keys)  # stable: the first of equal keys stays first
        self._keys = np.asarray(keys.take(order).to_numpy(zero_copy_only=False), dtype=object)
        self._order = order.to_numpy()
        self.repeated = int(len(self._keys) - len(np.unique(self._keys))) if len(self._keys) else 0
        self._table = table

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it can fill."""
        return tuple(
            name for name in self._table.column_names if name in tables.EXCHANGES.names and name != "exchange_id"
        )

    def fill(self, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
        """``columns`` (of EXCHANGES types) with nulls filled where ``exchange_id`` is known here. Order is kept."""
        ids = columns["exchange_id"]
        where = self._positions(ids)
        known = np.asarray(where.is_valid())
        self.matched += int(known.sum())
        self.unmatched += int(len(known) - known.sum())
        out = dict(columns)
        for name in self.columns:
            if columns[name].null_count and known.any():
                brought = self._table.column(name).combine_chunks()
                brought = brought if isinstance(brought, pa.Array) else pa.concat_arrays(brought.chunks)
                out[name] = _filled(columns[name], brought.take(where))
        return out

    def _positions(self, ids: pa.Array) -> pa.Array:
        wanted = np.asarray(ids.fill_null("").to_numpy(zero_copy_only=False), dtype=object)
        if not len(self._keys):
            return pa.nulls(len(ids), pa.int64())
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        same = (self._keys[at] == wanted) & np.asarray(ids.is_valid())
        return pa.array(self._order[at].astype(np.int64), pa.int64(), mask=~same)


def _filled(column: pa.Array, brought: pa.Array) -> pa.Array:
    if not pa.types.is_list(column.type):
        return pc.coalesce(column, brought)
    pairs = zip(column.to_pylist(), brought.to_pylist(), strict=True)
    return pa.array([own if own is not None else other for own, other in pairs], column.type)


def load_join(path: Path) -> Join:
    """Reads a join table (CSV, JSONL or Parquet, plain or compressed). Raises InputError where it cannot serve."""
    source = open_source(path)
    names = _names(source)
    key = next((name for name in KEYS if name in names), None)
    if key is None:
        raise InputError(
            "no column to join by",
            source=source.name,
            hint=f"expected one of {', '.join(KEYS[:3])}; it has {', '.join(names[:10])}",
        )
    fields = [pa.field(name, pa.string()) if name == key else _field(name) for name in names]
    schema = pa.schema([field for field in fields if field is not None])
    if len(schema) < 2:
        raise InputError(
            "nothing to fill: no column of the exchange table", source=source.name, hint="see docs/formats.md"
        )
    batches = [_batch(raw, schema, source) for raw in canonical.read(source, schema)]
    table = pa.Table.from_batches(batches) if batches else schema.empty_table()
    renamed = [name if name == key else ALIASES.get(name, name) for name in map(str, table.column_names)]
    table = table.rename_columns(_unique(renamed))
    return Join(table, key, source.name)


def _batch(raw: Any, schema: pa.Schema, source: Source) -> pa.RecordBatch:
    if raw.rejected:
        line, reason, _ = raw.rejected[0]
        raise InputError(f"the join table is broken: {reason}", source=source.name, line=line)
    checked = conform(raw.data, schema)
    if checked.bad:
        row, reason = min(checked.bad.items())
        raise InputError(f"the join table is broken: {reason}", source=source.name, line=raw.locate(row)[0])
    return checked.batch


def _field(name: str) -> pa.Field | None:
    at = tables.EXCHANGES.get_field_index(ALIASES.get(name, name))
    return None if at < 0 else tables.EXCHANGES.field(at).with_name(name).with_nullable(True)


def _unique(names: list[str]) -> list[str]:
    return [name if name not in names[:at] else f"{name}#{at}" for at, name in enumerate(names)]


def _names(source: Source) -> list[str]:
    if source.container == "parquet":
        schema = canonical.parquet_file(source).schema_arrow
        known = pa.schema([field for field in map(_field, schema.names) if field is not None])
        if problems := unusable_columns(schema, known):
            raise InputError("columns of the wrong type: " + "; ".join(problems), source=source.name)
        return list(schema.names)
    if source.container == "csv":
        header = source.head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
        return next(csv.reader(io.StringIO(header.rstrip("\r"))), [])
    names: dict[str, None] = {}
    data = source.head if source.container == "lines" else read_all(source)
    for line in data.splitlines()[:200]:
        try:
            names.update(dict.fromkeys(msgspec.json.decode(line, type=dict[str, msgspec.Raw])))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return list(names)
