"""A file as a sequence of decoded records, each with the line it stood on: the slow way in, for every format but ours.

Knows containers: JSON lines (with the prefix a logger put before them), one JSON document (an array is its items), CSV,
Parquet, OTLP protobuf. Knows nothing of what a record means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.ingest import canonical, jsonl
from stillwatch.ingest.batches import Rejections
from stillwatch.ingest.options import MAX_ROW_BYTES
from stillwatch.ingest.sources import Source, TooLong, read_all, read_chunks

_LONGEST_PREFIX = 200
_FEW = 64  # rows made into Python objects at a time: recognising a format needs no more


Signal = Literal["traces", "logs"]


class BrokenDocumentError(InputError):
    """A JSON document of which nothing can be read: one bad row among many files, an error when alone."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record: an object, or the text of a line that is none. ``problem`` says why it cannot be used."""

    line: int | None
    value: dict[str, Any] | str
    raw: object
    problem: str | None = None


def read_records(source: Source, signal: Signal | None = None) -> Iterator[Record]:
    """Every record of a file, bounded memory except for documents. Raises InputError where the file breaks off.

    ``signal`` says what an OTLP protobuf holds, which its bytes alone do not always tell.
    """
    return _protobuf(source, signal) if source.container == "protobuf" else _READERS[source.container](source)


def sample(source: Source, count: int = 20) -> list[dict[str, Any] | str]:
    """The first few readable records, to recognise a format by."""
    found: list[dict[str, Any] | str] = []
    try:
        for seen, record in enumerate(read_records(source)):
            if record.problem is None:
                found.append(record.value)
            if len(found) >= count or seen >= 10 * count:
                break
    except InputError:
        if not found:
            raise
    return found


def _lines(source: Source) -> Iterator[Record]:
    for chunk in read_chunks(source, 4 << 20):
        if isinstance(chunk, TooLong):
            yield Record(
                line=chunk.line, value={}, raw=chunk.head, problem=f"the row is larger than {MAX_ROW_BYTES >> 20} MB"
            )
            continue
        for number, line in chunk.lines():
            if line.strip():
                yield from line_records(number, line)


def line_records(number: int, line: bytes) -> Iterator[Record]:
    """The records on one line: one, or the items of an array."""
    text = line.strip()
    if text[:1] not in (b"{", b"["):
        yield _of_log_line(number, line)
        return
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        logged = _of_log_line(number, line)
        yield (
            logged
            if logged.problem is None and isinstance(logged.value, dict)
            else Record(line=number, value={}, raw=line, problem=jsonl.json_problem(line, error))
        )
        return
    yield from _items(value, number, line)


def _of_log_line(number: int, line: bytes) -> Record:
    """``[time] {json}`` and the like; a line without JSON is kept as text."""
    brace = line.find(b"{", 1, _LONGEST_PREFIX)
    if brace > 0:
        try:
            value = msgspec.json.decode(line[brace:])
            if isinstance(value, dict):
                return Record(line=number, value=value, raw=line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    try:
        return Record(line=number, value=line.decode(), raw=line)
    except UnicodeDecodeError:
        return Record(line=number, value={}, raw=line, problem="not valid UTF-8")


def _items(value: Any, number: int | None, raw: object) -> Iterator[Record]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield Record(line=number, value=item, raw=raw if item is value else item)
        else:
            yield Record(line=number, value={}, raw=raw, problem=f"expected a JSON object, found {type(item).__name__}")


def _document(source: Source) -> Iterator[Record]:
    data = read_all(source)
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        value = msgspec.json.decode(data, type=list[msgspec.Raw] if data.lstrip()[:1] == b"[" else dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _broken_document(source, data)
        return
    if isinstance(value, dict):
        yield Record(line=1, value=value, raw=value)
        return
    at, line = 0, 1
    for item in value:
        piece = bytes(item)
        found = data.find(piece, at)
        line += data.count(b"\n", at, found)
        try:
            yield from _items(msgspec.json.decode(piece), line, piece)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield Record(line=line, value={}, raw=piece, problem=jsonl.json_problem(piece, error))
        line += piece.count(b"\n")
        at = found + len(piece)


def _broken_document(source: Source, data: bytes) -> Iterator[Record]:
    """What can be saved of a document that is no JSON as a whole: leading items of an array, objects in a row."""
    text = data.decode("utf-8", "replace")
    decoder, at, saved, line, counted = json.JSONDecoder(), 0, 0, 1, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,[":
            at += 1
        if at >= len(text) or text[at] == "]":
            break
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            if saved == 0:
                raise BrokenDocumentError(_first_problem(data), source=source.name, hint="fetch it again") from None
            yield Record(
                line=line, value={}, raw=text[at : at + 4000], problem="not valid JSON: the document breaks off here"
            )
            return
        saved += 1
        yield from _items(value, line, text[at:end])
        at = end


def _first_problem(data: bytes) -> str:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        at = re.search(r"\(byte (\d+)\)", str(error))
        line = data.count(b"\n", 0, int(at[1])) + 1 if at else 1
        place = f" at line {line}" if line > 1 else ""
        return jsonl.json_problem(data, error) + place
    return "not valid JSON"


def _csv(source: Source) -> Iterator[Record]:
    rejected: Rejections = []
    start = 2
    with canonical.csv_batches(source, rejected) as (_, batches):
        for batch in batches:
            for offset, row in enumerate(batch.to_pylist()):
                value = {name: item for name, item in row.items() if item is not None}
                yield Record(line=start + offset, value=value, raw=value)
            start += batch.num_rows + len(rejected)
            yield from _bad_rows(rejected)
    yield from _bad_rows(rejected)


def _bad_rows(rejected: Rejections) -> Iterator[Record]:
    for line, problem, raw in rejected:
        yield Record(line=line, value={}, raw=raw, problem=problem)
    rejected.clear()


def _parquet(source: Source) -> Iterator[Record]:
    file, start = canonical.parquet_file(source), 1
    try:
        for batch in file.iter_batches(8192):
            for first in range(0, batch.num_rows, _FEW):
                for offset, value in enumerate(batch.slice(first, _FEW).to_pylist()):
                    yield Record(line=start + first + offset, value=value, raw=value)
            start += batch.num_rows
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(
            f"damaged Parquet after row {start - 1}: {str(error).splitlines()[0][:200]}",
            source=source.name,
            hint="fetch it again",
        ) from error


def _protobuf(source: Source, signal: Signal | None) -> Iterator[Record]:
    try:  # an optional package, asked for only where such a file comes
        from google.protobuf.json_format import MessageToDict  # noqa: PLC0415
        from google.protobuf.message import DecodeError  # noqa: PLC0415
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest  # noqa: PLC0415
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            "OTLP protobuf needs the opentelemetry-proto package",
            source=source.name,
            hint="install it, or export OTLP/JSON",
        ) from error
    data = read_all(source)
    kinds = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
    for name, kind in kinds.items():
        if signal not in (None, name):
            continue
        try:
            value = MessageToDict(kind.FromString(data))
        except (DecodeError, ValueError, RecursionError):
            continue
        # fields of another type than expected are passed over: logs can be read as spans with nothing in them
        if value and (signal or name == "logs" or _has_spans(value)):
            yield Record(line=1, value=value, raw=None)
            return
    raise InputError("not an OTLP export request", source=source.name, hint="expected traces or logs as protobuf")


def _has_spans(value: dict[str, Any]) -> bool:
    spans = (
        span
        for resource in value.get("resourceSpans", ())
        for scope in (*resource.get("scopeSpans", ()), *resource.get("instrumentationLibrarySpans", ()))
        for span in scope.get("spans", ())
    )
    return any("spanId" in span or "startTimeUnixNano" in span for span in spans)


_READERS = {"lines": _lines, "document": _document, "csv": _csv, "parquet": _parquet}
