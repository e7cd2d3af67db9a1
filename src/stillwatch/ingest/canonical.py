"""The canonical tables themselves, as Parquet, JSONL or CSV: the fast way in.

Arrow decodes Parquet and CSV, `jsonl` the lines; nothing here touches a row in Python unless the row is broken. Lines
keep their numbers, so a rejected row can be found again.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import zstandard

from stillwatch import tables
from stillwatch.errors import InputError
from stillwatch.ingest.batches import RawBatch, Rejections
from stillwatch.ingest.checks import unusable_columns
from stillwatch.ingest.jsonl import only_rejected, read_jsonl
from stillwatch.ingest.options import BATCH_ROWS, ENCODED_COLUMNS
from stillwatch.ingest.sources import Source, broken_compression, open_bytes, read_all

_PAGE_BYTES = 1 << 20  # of a column that are read at once: a file may be one huge row group


def read_parquet(source: Source, schema: pa.Schema, batch_rows: int, *, encoded: bool = False) -> Iterator[RawBatch]:
    """Raises InputError for a truncated file, missing required columns and types that can never be converted.

    ``encoded`` leaves columns whose values repeat as dictionaries, which is how the file holds them.
    """
    file = parquet_file(source)
    found = file.schema_arrow
    missing = [field.name for field in schema if not field.nullable and field.name not in found.names]
    if missing:
        raise InputError(
            f"required columns are missing: {', '.join(missing)}",
            source=source.name,
            hint=f"it has {', '.join(found.names[:12])}; name its --format or write a map",
        )
    if problems := unusable_columns(found, schema):
        raise InputError(
            "columns of the wrong type: " + "; ".join(problems), source=source.name, hint="see docs/formats.md"
        )
    wanted = [name for name in found.names if name in schema.names]
    extra = tuple(name for name in found.names if name not in schema.names)
    if encoded and not source.compression:
        texts = [name for name in wanted if name in ENCODED_COLUMNS and found.field(name).type == pa.string()]
        file = parquet_file(source, texts)
    start = 0
    try:
        for batch in file.iter_batches(batch_rows, columns=wanted, use_threads=False):
            _check_text(batch)
            first = start
            yield RawBatch(
                data=batch,
                locate=lambda row, first=first, batch=batch: (first + row + 1, batch.slice(row, 1).to_pylist()[0]),
                extra_columns=extra,
                read_share=(first + batch.num_rows) / max(file.metadata.num_rows, 1),
            )
            start += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"damaged Parquet after row {start}: {str(error).splitlines()[0][:200]}",
            source=source.name,
            hint="fetch it again",
        ) from error


def parquet_file(source: Source, as_dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
    """The file with its schema read. Raises InputError where it is truncated or damaged."""
    try:
        return pq.ParquetFile(
            io.BytesIO(read_all(source)) if source.compression or source.body is not None else source.path,
            read_dictionary=list(as_dictionaries),
            pre_buffer=False,  # or the whole compressed file is held at once
            buffer_size=_PAGE_BYTES,
        )
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"truncated or damaged Parquet: {str(error).splitlines()[0][:120]}",
            source=source.name,
            hint="fetch it again",
        ) from error


def _check_text(batch: pa.RecordBatch) -> None:
    """Arrow takes a file's word that its text is UTF-8; everything downstream relies on it. Raises ArrowInvalid."""
    for column in batch.columns:
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column
        if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type) or pa.types.is_list(texts.type):
            texts.validate(full=True)


def read_csv(source: Source, schema: pa.Schema, _batch_rows: int, *, encoded: bool = False) -> Iterator[RawBatch]:  # noqa: ARG001 - one form for all
    """Comma-separated with a header; every value is read as text and converted later. Lines count records."""
    rejected: Rejections = []
    start = 2
    with csv_batches(source, rejected) as (names, batches):
        missing = [field.name for field in schema if not field.nullable and field.name not in names]
        if missing:
            raise InputError(
                f"required columns are missing: {', '.join(missing)}",
                source=source.name,
                hint=f"the header has {', '.join(names[:12])}",
            )
        wanted = [name for name in names if name in schema.names]
        extra = tuple(name for name in names if name not in schema.names)
        for batch in batches:
            first, bad = start, list(rejected)
            rejected.clear()
            yield RawBatch(
                data=batch.select(wanted),
                locate=lambda row, first=first, batch=batch: (first + row, batch.slice(row, 1).to_pylist()[0]),
                rejected=bad,
                extra_columns=extra,
            )
            start += batch.num_rows + len(bad)
        if rejected:
            yield only_rejected(schema, rejected)


@contextmanager
def csv_batches(source: Source, rejected: Rejections) -> Generator[tuple[list[str], Iterator[pa.RecordBatch]]]:
    """The header's names and batches with every column as text; rows of another width are added to ``rejected``.

    Raises InputError where there is no header, where text is not UTF-8, and where the file breaks off.
    """

    def on_bad_row(row: pyarrow.csv.InvalidRow) -> str:
        reason = f"{row.actual_columns} values where the header has {row.expected_columns}"
        rejected.append((row.number, reason, row.text))
        return "skip"

    header = source.head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    with open_bytes(source) as stream:
        try:
            names: list[str] = pyarrow.csv.read_csv(io.BytesIO(header + b"\n")).schema.names
            reader = pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=4 << 20),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=on_bad_row),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
                ),
            )
            yield names, reader
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            raise broken_compression(source, error) from error
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise InputError(f"not a readable CSV: {str(error).splitlines()[0][:200]}", source=source.name) from error


READERS = {"parquet": read_parquet, "lines": read_jsonl, "csv": read_csv}
REQUIRED = tables.REQUIRED_EXCHANGE_COLUMNS


def read(
    source: Source, schema: pa.Schema, batch_rows: int = BATCH_ROWS, *, encoded: bool = False
) -> Iterator[RawBatch]:
    """A canonical table from whatever container the file is. Raises InputError for containers that cannot hold one."""
    reader = READERS.get(source.container)
    if reader is None:
        raise InputError(
            "expected Parquet, CSV or one JSON object per line", source=source.name, hint="this is one JSON document"
        )
    return reader(source, schema, batch_rows, encoded=encoded)
