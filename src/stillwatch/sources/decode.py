"""Bytes → exchanges: every format and container that ingest knows, from memory, for whatever way they came.

Nothing that is sent can raise: a row that cannot be used becomes a letter with its reason, a body that cannot be read
becomes one letter. Repeats are passed on; who stores exchanges recognises them by their id. Pure: no clock, no
network. Does not wait for other parts of a call that one body does not hold.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch import tables
from stillwatch.errors import ConfigError, InputError
from stillwatch.ingest import canonical, formats
from stillwatch.ingest.batches import RawBatch
from stillwatch.ingest.checks import conform
from stillwatch.ingest.keeping import hashed_keys, with_content
from stillwatch.ingest.options import Content, Options, latest_allowed
from stillwatch.ingest.parsing import RecordParser
from stillwatch.ingest.records import Record, line_records, read_records
from stillwatch.ingest.sources import Source
from stillwatch.sources.bodies import MAX_BODY_BYTES, Body, opened
from stillwatch.sources.letters import Letter, letter
from stillwatch.sources.lines import is_utf8, read_texts
from stillwatch.sources.parquet import check_expansion

SCHEMA = pa.schema([field.with_nullable(True) for field in tables.EXCHANGES])
MAX_DOCUMENT_BYTES = 64 << 20
_PARQUET_ROWS = 4096


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How bodies are read. ``now`` bounds how late a row may be (a day of skew is allowed); None bounds nothing.

    ``content`` and ``salt`` as in ingest. ``max_bytes`` is what one body may hold once decompressed, ``max_rows``
    how many lines. ``max_letters`` are kept of one decoding; more are only counted.
    """

    salt: bytes
    content: Content = "full"
    now: datetime | None = None
    default_platform: str = "api"
    max_bytes: int = MAX_BODY_BYTES
    max_rows: int = 1_000_000
    max_letters: int = 1_000


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """``batch`` has the columns of ``tables.EXCHANGES``, all nullable, and only rows that passed every check.

    ``rejected`` counts all bad rows, ``letters`` holds the first of them. ``refused``: why a body as a whole could not
    be read (it is a letter too). ``skipped`` counts records that are no model calls.
    """

    batch: pa.RecordBatch
    letters: tuple[Letter, ...] = ()
    rejected: int = 0
    refused: str | None = None
    skipped: int = 0


def decode(body: Body, reading: Reading, *, exact: bool = False) -> Decoded:
    """The exchanges in one body. Raises ConfigError for a format nobody knows, nothing else.

    ``exact`` takes canonical rows the slow way, one by one: the reference for the fast one.
    """
    return decode_all([body], reading, exact=exact)


def decode_all(bodies: Sequence[Body], reading: Reading, *, exact: bool = False) -> Decoded:
    """The exchanges of many small bodies at once: far cheaper than one by one. Memory is that of all of them."""
    work = _Work(reading)
    texts = _Texts()
    others: dict[str, tuple[Any, list[tuple[Body, Source]]]] = {}
    for body in bodies:
        if not body.data and body.problem is None:
            continue  # a probe, or a mark that something was deleted
        try:
            source = opened(body, reading.max_bytes)
            _check_amount(source, reading)
            form = _format_of(body, source)
            if form.name != "canonical":
                others.setdefault(form.name, (form, []))[1].append((body, source))
            elif not texts.take(body, source):
                work.columns(body, source)
        except ConfigError:
            raise
        except InputError as error:
            work.refuse(body, error)
    work.texts(texts, exact=exact)
    for form, given in others.values():
        work.records(form, given)
    return work.done()


def _check_amount(source: Source, reading: Reading) -> None:
    """Raises InputError where objects in memory would be many times what the bytes are."""
    assert source.body is not None
    if source.container == "parquet":
        check_expansion(source.body, source.name, reading.max_bytes)
    elif source.container == "document" and len(source.body) > MAX_DOCUMENT_BYTES:
        problem = f"one JSON document of more than {MAX_DOCUMENT_BYTES >> 20} MB"
        raise InputError(problem, source=source.name, hint="send one object per line")
    elif source.container == "csv" and not is_utf8([source.body]):
        # rows of another width reach us through a callback that cannot fail
        raise InputError("not valid UTF-8", source=source.name, hint="write it as UTF-8")
    elif source.body.count(b"\n") > reading.max_rows:
        raise InputError(f"more than {reading.max_rows:,} lines", source=source.name, hint="send less at a time")


def _format_of(body: Body, source: Source) -> formats.Format:
    if body.format is None and body.signal is None:
        return formats.detect(source, None).format
    try:
        return formats.named(body.format or "otel")
    except InputError as error:
        raise ConfigError(error.problem, hint=error.hint) from error


class _Texts:
    """JSON texts of canonical rows, and where each stood."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self._bodies: list[tuple[int, Body, str]] = []
        self._starts: list[int] = []

    def take(self, body: Body, source: Source) -> bool:
        """Whether the body is made of such texts: lines, or an array."""
        assert source.body is not None
        if source.container == "lines":
            found = source.body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        elif source.container == "document":
            found = _items(source.body)
        else:
            found = None
        if found is None:
            return False
        self._starts.append(len(self.texts))
        self._bodies.append((len(self.texts), body, source.container))
        self.texts.extend(found)
        return True

    def where(self, index: int) -> str:
        """``line 3``, ``item 3``, or the place and the byte at it where the text began."""
        start, body, container = self._bodies[bisect_right(self._starts, index) - 1]
        if container == "document":
            return _at(body, f"item {index - start + 1}")
        if not body.place:
            return f"line {index - start + 1}"
        offset = sum(len(text) + 1 for text in self.texts[start:index])
        return f"{body.place}:{body.start + offset}"


def _items(data: bytes) -> list[bytes] | None:
    """The items of a JSON array (or the one object); None where it is broken, and is to be saved piece by piece."""
    try:
        if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"[":
            return [data.removeprefix(b"\xef\xbb\xbf")]
        return [bytes(item) for item in msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _at(body: Body, what: str) -> str:
    return f"{body.place}:{body.start} {what}" if body.place else what


class _Work:
    """Rows on their way into one batch."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._options = Options(salt=reading.salt, now=reading.now, default_platform=reading.default_platform)
        self._latest = latest_allowed(self._options)
        self._batches: list[pa.RecordBatch] = []
        self._letters: list[Letter] = []
        self._rejected = self._skipped = 0
        self._refused: str | None = None

    def refuse(self, body: Body, error: InputError) -> None:
        self._refused = self._refused or error.problem
        self._reject(_at(body, "body"), error.problem, body.data[:4096] if body.data[:1] in (b"{", b"[") else None)

    def _reject(self, position: str, because: str, row: object) -> None:
        self._rejected += 1
        if len(self._letters) < self._reading.max_letters:
            self._letters.append(letter(position, because, row, self._reading.content))

    def _checked(self, data: pa.RecordBatch | pa.Table, raw: RawBatch | None) -> tuple[pa.RecordBatch, dict[int, str]]:
        def fill(columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
            columns["key_id"] = hashed_keys(columns["key_id"], self._reading.salt)
            if raw is not None and raw.default_platform and columns["platform"].null_count:
                columns["platform"] = pc.fill_null(columns["platform"], raw.default_platform)
            return columns

        checked = conform(data, latest=self._latest, fill=fill)
        return checked.batch.cast(SCHEMA), checked.bad

    def texts(self, given: _Texts, *, exact: bool) -> None:
        """Canonical rows, in the order they were sent."""
        filled = [at for at, text in enumerate(given.texts) if text and not text.isspace()]
        texts = given.texts if len(filled) == len(given.texts) else [given.texts[at] for at in filled]
        found = read_texts(texts, exact=exact)
        bad = dict(found.refused)
        kept: list[pa.RecordBatch] = []
        order: list[int] = []
        for piece in found.pieces:
            batch, wrong = self._checked(piece.data, None)
            if wrong:
                bad |= {piece.texts[row]: reason for row, reason in wrong.items()}
                wanted = [row for row in range(batch.num_rows) if row not in wrong]
                batch = batch.take(pa.array(wanted, pa.int64()))
                order += [piece.texts[row] for row in wanted]
            else:
                order += piece.texts
            kept.append(batch)
        for at, reason in sorted(bad.items()):
            index = filled[at]
            wanted_letter = len(self._letters) < self._reading.max_letters
            self._reject(given.where(index) if wanted_letter else "", reason, given.texts[index])
        self._batches += _in_order(kept, order)

    def columns(self, body: Body, source: Source) -> None:
        """Canonical Parquet or CSV, or what can be saved of a broken document. Raises InputError."""
        if source.container not in ("parquet", "csv"):
            self.records(formats.named("canonical"), [(body, source)])
            return
        for raw in canonical.read(source, tables.EXCHANGES, _PARQUET_ROWS):
            self._take(raw, lambda line: _at(body, f"row {line}"))

    def records(self, form: formats.Format, given: Iterable[tuple[Body, Source]]) -> None:
        """Every other format, record by record."""
        parser = RecordParser(self._options)
        try:
            for raw in parser.parse(self._numbered(given), form):
                self._take(raw, str)
            for _, raw in parser.leftovers():
                self._take(raw, str)
        except RecursionError:
            self._refused = self._refused or "nested too deeply"
            self._reject("body", "nested too deeply", None)

    def _numbered(self, given: Iterable[tuple[Body, Source]]) -> Iterator[tuple[str, Record]]:
        for body, source in given:
            try:
                for record in _records(body, source):
                    yield body.place, record
            except InputError as error:
                self.refuse(body, error)

    def _take(self, raw: RawBatch, where: Callable[[int | None], str]) -> None:
        self._skipped += raw.skipped
        for line, reason, row in raw.rejected:
            self._reject(where(line), reason, row)
        batch, bad = self._checked(raw.data, raw)
        wanted = np.ones(batch.num_rows, np.bool_)
        for at, reason in sorted(bad.items()):
            wanted[at] = False
            line, row = raw.locate(at)
            self._reject(where(line), reason, row)
        self._batches.append(batch.filter(pa.array(wanted)) if bad else batch)

    def done(self) -> Decoded:
        table = pa.Table.from_batches(self._batches, SCHEMA).combine_chunks()
        batches = table.to_batches()
        batch = batches[0] if batches else pa.RecordBatch.from_pylist([], SCHEMA)
        return Decoded(
            batch=with_content(batch, self._reading.content),
            letters=tuple(self._letters),
            rejected=self._rejected,
            refused=self._refused,
            skipped=self._skipped,
        )


def _in_order(batches: list[pa.RecordBatch], order: list[int]) -> list[pa.RecordBatch]:
    """Rows in the order of their texts: those that needed a closer look go back between the others."""
    places = np.asarray(order, np.int64)
    if len(places) < 2 or bool(np.all(places[1:] > places[:-1])):
        return batches
    table = pa.Table.from_batches(batches, SCHEMA)
    return table.take(pa.array(np.argsort(places))).combine_chunks().to_batches()


def _records(body: Body, source: Source) -> Iterator[Record]:
    """Records with the line each stood on; at a place, with the byte, which does not depend on where reading began."""
    if source.container != "lines" or not body.place:
        yield from read_records(source, body.signal)
        return
    assert source.body is not None
    offset = body.start
    for line in source.body.split(b"\n"):
        if line and not line.isspace():
            yield from line_records(offset, line)
        offset += len(line) + 1
