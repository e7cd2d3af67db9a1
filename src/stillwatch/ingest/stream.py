"""Many files → one stream of batches in the data contract's schema, counted, checked and without repeats.

The only place where reading, checking, joining, masking and counting meet. Text leaves here only inside the batches,
and only as far as ``Options.content`` allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch import tables
from stillwatch.errors import InputError
from stillwatch.ingest import canonical
from stillwatch.ingest.batches import RawBatch
from stillwatch.ingest.checks import conform
from stillwatch.ingest.dedup import SeenIds
from stillwatch.ingest.formats import Detected, detect
from stillwatch.ingest.join import load_join
from stillwatch.ingest.keeping import hashed_keys, with_content
from stillwatch.ingest.options import Options, latest_allowed
from stillwatch.ingest.parsing import RecordParser
from stillwatch.ingest.quarantine import Quarantine
from stillwatch.ingest.records import BrokenDocumentError
from stillwatch.ingest.sources import EmptyFileError, Source, find_files, open_source


class ExchangeStream:
    """Exchanges of many files, to be iterated once. The counters are final when ``batches`` is exhausted."""

    def __init__(
        self, sources: Sequence[Source], detected: dict[Path, Detected], options: Options, quarantine: Quarantine
    ) -> None:
        self._sources, self.detected, self._options, self.quarantine = sources, detected, options, quarantine
        self._join = load_join(options.join) if options.join is not None else None
        self._parser = RecordParser(options)
        # joins and masking rewrite values row by row
        self._encoded = options.encoded and options.join is None and options.content == "full"
        self._latest = latest_allowed(options)
        self._seen = SeenIds(options.salt)
        self.present_columns: set[str] = set()
        self._extra: dict[str, None] = {}
        self.rows_read = self.accepted = self.duplicates = self.skipped = self.bad_addresses = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.total_bytes = sum(source.size for source in sources)
        self.read_bytes = 0
        self.finished = False

    @property
    def quarantined(self) -> int:
        return self.quarantine.count

    @property
    def extra_columns(self) -> tuple[str, ...]:
        return tuple(self._extra)

    def recognised(self) -> list[tuple[Source, Detected]]:
        """Every file with the format it was found to have."""
        return [(source, self.detected[source.path]) for source in self._sources]

    @property
    def join_counts(self) -> tuple[int, int, int] | None:
        """Rows the join matched, rows it did not, and repeated keys in it; None without a join."""
        join = self._join
        return None if join is None else (join.matched, join.unmatched, join.repeated)

    @property
    def missing_columns(self) -> tuple[str, ...]:
        """Columns of the contract for which no accepted row had a value."""
        return tuple(name for name in tables.EXCHANGES.names if name not in self.present_columns)

    def reject(self, source_name: str, reason: str) -> None:
        """Counts a whole file as one rejected row."""
        self.rows_read += 1
        self.quarantine.add(source_name, None, reason)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of at most about ``batch_rows`` rows, every one with the full schema of ``tables.EXCHANGES``.

        With ``Options.encoded`` some of its text columns may be dictionaries of that text.

        Raises InputError for a file that cannot be read and when too large a share of rows is rejected.
        """
        for source in self._sources:
            before = self.read_bytes
            for raw in self._read(source):
                self.read_bytes = before + int(source.size * min(raw.read_share, 1.0))
                yield from self._passed_on(source.name, raw)
            self.read_bytes = before + source.size
        for name, raw in self._parser.leftovers():
            yield from self._passed_on(name, raw)
        self.quarantine.check(self.rows_read, final=True)
        self.finished = True
        if self.accepted == 0:
            raise InputError(self._nothing(), hint="run `stillwatch inspect` on it")

    def _nothing(self) -> str:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in self.quarantine.top_reasons(3))
        skipped = f"{self.skipped} records are no model calls" if self.skipped else ""
        return "no usable exchange in the input" + "".join(f": {part}" for part in (reasons, skipped) if part)

    def _passed_on(self, source_name: str, raw: RawBatch) -> Iterator[pa.RecordBatch]:
        batch = self._accept(source_name, raw)
        if self._options.progress is not None:
            self._options.progress(self.read_bytes, self.total_bytes)
        if batch.num_rows:
            yield batch

    def _read(self, source: Source) -> Iterator[RawBatch]:
        found = self.detected[source.path]
        if found.format.name == "canonical" and source.container in canonical.READERS:
            optional = self._join is not None
            schema = _all_nullable(tables.EXCHANGES) if optional else tables.EXCHANGES
            yield from canonical.read(source, schema, self._options.batch_rows, encoded=self._encoded)
        else:
            yield from self._parser.read(source, found.format)

    def _accept(self, source_name: str, raw: RawBatch) -> pa.RecordBatch:
        self._extra.update(dict.fromkeys(raw.extra_columns))
        self.skipped += raw.skipped
        self.rows_read += raw.data.num_rows + len(raw.rejected)
        for line, reason, row in raw.rejected:
            self.quarantine.add(source_name, line, reason, row)
        checked = conform(
            raw.data,
            latest=self._latest,
            fill=lambda columns: self._filled(columns, raw),
            missing=self._hints(raw),
            encoded=self._encoded,
        )
        self.bad_addresses += checked.bad_addresses
        wanted = np.ones(checked.batch.num_rows, np.bool_)
        for row, reason in sorted(checked.bad.items()):
            wanted[row] = False
            line, given = raw.locate(row)
            self.quarantine.add(source_name, line, reason, given)
        self.quarantine.check(self.rows_read)
        batch = self._without_repeats(checked.batch, wanted)
        self._count(batch)
        return with_content(batch, self._options.content)

    def _filled(self, columns: dict[str, pa.Array], raw: RawBatch) -> dict[str, pa.Array]:
        columns["key_id"] = hashed_keys(columns["key_id"], self._options.salt)
        if self._join is not None:
            columns = self._join.fill(columns)
        if raw.default_platform and columns["platform"].null_count:
            columns["platform"] = pc.fill_null(columns["platform"], raw.default_platform)
        return columns

    def _hints(self, raw: RawBatch) -> dict[str, str]:
        if self._join is not None:
            return {"account_id": f" (the join {self._join.name} has none for this row either)"}
        return {} if raw.carries_account else {"account_id": " (this format carries none: pass --join)"}

    def _without_repeats(self, batch: pa.RecordBatch, wanted: npt.NDArray[np.bool_]) -> pa.RecordBatch:
        new = self._seen.first_seen(batch.column("exchange_id"), wanted)
        kept = int(new.sum())
        self.duplicates += int(wanted.sum()) - kept
        return batch if kept == batch.num_rows else batch.filter(pa.array(new))

    def _count(self, batch: pa.RecordBatch) -> None:
        self.accepted += batch.num_rows
        if batch.num_rows == 0:
            return
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if column.null_count < len(column):
                self.present_columns.add(name)
        low, high = pc.min_max(batch.column("started_at")).values()
        first, last = low.as_py(), high.as_py()
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


def _all_nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def open_exchanges(
    paths: Sequence[str | Path], options: Options | None = None, quarantine: Quarantine | None = None
) -> ExchangeStream:
    """Looks at every file and returns the stream; nothing but the heads is read yet.

    Raises InputError for missing, empty and binary files and for formats nobody knows.
    """
    options = options or Options()
    quarantine = quarantine or Quarantine(max_bad_share=options.max_bad_share, content=options.content)
    files = find_files([paths] if isinstance(paths, str | Path) else paths)
    detected: dict[Path, Detected] = {}
    sources: list[Source] = []
    broken: list[tuple[str, str]] = []
    for path in files:
        try:
            source = open_source(path)
            detected[path] = detect(source, options.format)
            sources.append(source)
        except (BrokenDocumentError, EmptyFileError) as error:
            if len(files) == 1:
                raise
            broken.append((str(path), error.problem))  # one bad file of many is one bad row
    stream = ExchangeStream(sources, detected, options, quarantine)
    for name, problem in broken:
        stream.reject(name, problem)
    return stream
