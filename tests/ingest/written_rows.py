"""Canonical rows for tests, and ways to write them down."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from stillwatch.ingest import ExchangeStream, Options, Quarantine, open_exchanges

NOW = datetime(2026, 11, 23, tzinfo=UTC)
START = datetime(2026, 9, 1, 12, tzinfo=UTC)
Row = dict[str, Any]


def row(number: int, **changes: Any) -> Row:
    """One canonical exchange as JSON would hold it."""
    made: Row = {
        "exchange_id": f"ex-{number}",
        "started_at": (START + timedelta(seconds=number)).isoformat(),
        "platform": "api",
        "account_id": f"acct_{number % 7}",
        "request_model": "frontier-2",
        "client_address": f"203.0.113.{number % 250}",
        "message_count": 1 + number % 3,
        "prompt": f"What is {number} plus one?",
        "tool_names": ["search", "run"] if number % 2 else None,
        "temperature": 0.5,
        "stream": bool(number % 2),
    }
    return {**made, **changes}


def rows(count: int) -> list[Row]:
    return [row(number) for number in range(count)]


def jsonl(records: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def write_jsonl(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    return write(path, jsonl(records))


def write(path: Path, data: bytes) -> Path:
    """Compressed as the name says."""
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdCompressor().compress(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def write_parquet(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    made = [{**record, "started_at": datetime.fromisoformat(record["started_at"])} for record in records]
    pq.write_table(pa.Table.from_pylist(made), path, row_group_size=100)
    return path


def write_csv(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    for record in records:
        listed = {name: json.dumps(value) if isinstance(value, list) else value for name, value in record.items()}
        writer.writerow(
            {name: str(value).lower() if isinstance(value, bool) else value for name, value in listed.items()}
        )
    return write(path, text.getvalue().encode())


def read(*paths: Path | str, **choices: Any) -> tuple[list[Row], ExchangeStream]:
    """Every accepted row (without its empty columns), and the stream after it was read."""
    quarantine = choices.pop("quarantine", None) or Quarantine(max_bad_share=1.0)
    options = Options(now=NOW, max_bad_share=1.0, **choices)
    stream = open_exchanges(list(paths), options, quarantine)
    found = [item for batch in stream.batches() for item in batch.to_pylist()]
    return [{name: value for name, value in item.items() if value is not None} for item in found], stream
