"""Records → typed rows → batches, for every format that is read record by record.

A record that breaks its parser is a bad row, never the end of the run. Records of formats that spread one call over
several (Azure) wait here until their call is complete or too many wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pyarrow as pa

from stillwatch import tables
from stillwatch.ingest import rows
from stillwatch.ingest.batches import Located, RawBatch, Rejections
from stillwatch.ingest.context import Context
from stillwatch.ingest.formats import Format
from stillwatch.ingest.mapped import MappedFormat
from stillwatch.ingest.options import Options
from stillwatch.ingest.records import Record, read_records
from stillwatch.ingest.sources import Source

_BATCH_ROWS = 8_192
_MOST_WAITING = 200_000
_LENIENT = pa.schema([field.with_nullable(True) for field in tables.EXCHANGES])


class _Waiting(msgspec.Struct):
    source: str
    line: int | None
    parts: list[dict[str, Any]]


class _Collected:
    """Rows on their way to one batch."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.where: list[Located] = []
        self.rejected: Rejections = []
        self.skipped = 0

    def batch(self, form: Format, platform: str | None) -> RawBatch:
        where = self.where
        return RawBatch(
            data=rows.table(self.rows, _LENIENT),
            locate=lambda row: where[row],
            rejected=self.rejected,
            skipped=self.skipped,
            carries_account=form.carries_account,
            default_platform=platform,
        )

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejected)


class RecordParser:
    """Runs formats over files; ``leftovers`` gives what was still waiting for its other half at the end."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._formats: dict[str, MappedFormat] = {}

    def read(self, source: Source, form: Format) -> Iterator[RawBatch]:
        """Batches of one file. Raises InputError where the file itself breaks."""
        yield from self.parse(((source.name, record) for record in read_records(source)), form)

    def parse(self, records: Iterable[tuple[str, Record]], form: Format) -> Iterator[RawBatch]:
        """Batches of records, each with the name of where it stood. A record from nowhere is named by its content."""
        platform = None if form.name == "canonical" else self._options.default_platform
        collected = _Collected()
        for name, record in records:
            if record.problem is not None:
                collected.rejected.append((record.line, record.problem, record.raw))
            elif isinstance(form, MappedFormat) and self._wait(form, name, record):
                if len(self._waiting) > _MOST_WAITING:
                    yield self._released(form, platform)
            else:
                context = Context(salt=self._options.salt, source=name, line=record.line)
                _take(collected, form, record.value, context, record.raw)
            if len(collected) >= _BATCH_ROWS:
                yield collected.batch(form, platform)
                collected = _Collected()
        if len(collected) or collected.skipped:
            yield collected.batch(form, platform)

    def _wait(self, form: MappedFormat, source: str, record: Record) -> bool:
        if not form.merges or not isinstance(record.value, dict):
            return False
        key = form.merge_key(record.value)
        if key is None:
            return False
        self._formats[form.name] = form
        known = self._waiting.setdefault((form.name, key), _Waiting(source, record.line, []))
        known.parts.append(record.value)
        return True

    def _released(self, form: MappedFormat, platform: str | None) -> RawBatch:
        """The older half of what waits: their other parts are unlikely to come any more."""
        collected = _Collected()
        keys = [key for key in self._waiting if key[0] == form.name][: _MOST_WAITING // 2]
        for key in keys:
            _merge(collected, form, self._waiting.pop(key), self._options.salt)
        return collected.batch(form, platform)

    def leftovers(self) -> Iterator[tuple[str, RawBatch]]:
        """Merged calls, by the source in which each began."""
        by_source: dict[tuple[str, str], list[_Waiting]] = {}
        for (name, _), waiting in self._waiting.items():
            by_source.setdefault((name, waiting.source), []).append(waiting)
        self._waiting = {}
        for (name, source), calls in by_source.items():
            for begin in range(0, len(calls), _BATCH_ROWS):
                collected = _Collected()
                for waiting in calls[begin : begin + _BATCH_ROWS]:
                    _merge(collected, self._formats[name], waiting, self._options.salt)
                yield source, collected.batch(self._formats[name], self._options.default_platform)


def _merge(collected: _Collected, form: MappedFormat, waiting: _Waiting, salt: bytes) -> None:
    merged = form.merged(waiting.parts)
    _take(collected, form, merged, Context(salt=salt, source=waiting.source, line=waiting.line), merged)


def _take(collected: _Collected, form: Format, value: dict[str, Any] | str, context: Context, raw: object) -> None:
    found = 0
    try:
        for row in form.parse(value, context):
            found += 1
            collected.rows.append(rows.typed(row, _LENIENT))
            collected.where.append((context.line, raw))
    except rows.BadRowError as error:
        collected.rejected.append((context.line, str(error), raw))
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        # a shape its parser did not expect: the row is set aside, the run goes on
        collected.rejected.append((context.line, f"not understood as {form.name}: {type(error).__name__}", raw))
    else:
        collected.skipped += found == 0
