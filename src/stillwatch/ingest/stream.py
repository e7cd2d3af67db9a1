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
from stillwatch.ingest.options import TEXT_COLUMNS, Options, latest_allowed
from stillwatch.ingest.quarantine import Quarantine
from stillwatch.ingest.redact import redacted_array
from stillwatch.ingest.sources import Source, find_files, open_source


class ExchangeStream:
    """Exchanges of many files, to be iterated once. The counters are final when ``batches`` is exhausted."""

    def __init__(self, sources: Sequence[Source], options: Options, quarantine: Quarantine) -> None:
        self._sources, self._options, self.quarantine = sources, options, quarantine
        self._seen = SeenIds(options.salt)
        self.present_columns: set[str] = set()
        self._extra: dict[str, None] = {}
        self.rows_read = self.accepted = self.duplicates = self.skipped = self.bad_addresses = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.total_bytes = sum(source.size for source in sources)
        self.read_bytes = 0

    @property
    def quarantined(self) -> int:
        return self.quarantine.count

    @property
    def extra_columns(self) -> tuple[str, ...]:
        return tuple(self._extra)

    @property
    def missing_columns(self) -> tuple[str, ...]:
        """Columns of the contract for which no accepted row had a value."""
        return tuple(name for name in tables.EXCHANGES.names if name not in self.present_columns)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of at most about ``batch_rows`` rows, every one with the full schema of ``tables.EXCHANGES``.

        Raises InputError for a file that cannot be read and when too large a share of rows is rejected.
        """
        for source in self._sources:
            before = self.read_bytes
            for raw in self._read(source):
                batch = self._accept(source, raw)
                self._report_progress()
                if batch.num_rows:
                    yield batch
            self.read_bytes = before + source.size
        self.quarantine.check(self.rows_read, final=True)
        if self.accepted == 0:
            raise InputError(
                "no usable exchange in the input", source=self._sources[0].name, hint="run `stillwatch inspect` on it"
            )

    def _read(self, source: Source) -> Iterator[RawBatch]:
        reader = canonical.READERS[source.container]
        yield from reader(source, tables.EXCHANGES, self._options.batch_rows)

    def _accept(self, source: Source, raw: RawBatch) -> pa.RecordBatch:
        self._extra.update(dict.fromkeys(raw.extra_columns))
        self.skipped += raw.skipped
        self.rows_read += raw.data.num_rows + len(raw.rejected)
        for line, reason, row in raw.rejected:
            self.quarantine.add(source.name, line, reason, row)
        checked = conform(raw.data, latest=latest_allowed(self._options))
        self.bad_addresses += checked.bad_addresses
        wanted = np.ones(checked.batch.num_rows, np.bool_)
        for row, reason in sorted(checked.bad.items()):
            wanted[row] = False
            line, given = raw.locate(row)
            self.quarantine.add(source.name, line, reason, given)
        self.quarantine.check(self.rows_read)
        batch = self._without_repeats(checked.batch, wanted)
        self._count(batch)
        return self._with_content(batch)

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

    def _with_content(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        content = self._options.content
        if content == "full":
            return batch
        columns = list(batch.columns)
        for name in TEXT_COLUMNS:
            at = batch.schema.get_field_index(name)
            if columns[at].null_count < len(columns[at]):
                kept = redacted_array(columns[at]) if content == "redacted" else pa.nulls(batch.num_rows, pa.string())
                columns[at] = kept
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _report_progress(self) -> None:
        if self._options.progress is not None:
            self._options.progress(self.read_bytes, self.total_bytes)


def open_exchanges(
    paths: Sequence[str | Path], options: Options | None = None, quarantine: Quarantine | None = None
) -> ExchangeStream:
    """Looks at every file and returns the stream; nothing but the heads is read yet.

    Raises InputError for missing, empty and binary files and for formats nobody knows.
    """
    options = options or Options()
    quarantine = quarantine or Quarantine(max_bad_share=options.max_bad_share, content=options.content)
    sources = [open_source(path) for path in find_files([paths] if isinstance(paths, str | Path) else paths)]
    return ExchangeStream(sources, options, quarantine)
