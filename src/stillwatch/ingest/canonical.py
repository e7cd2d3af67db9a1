"""The canonical tables themselves, as Parquet, JSONL or CSV: the fast way in.

DuckDB decodes; nothing here touches a row in Python unless the row is broken. Lines keep their numbers, so a rejected
row can be found again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from stillwatch import tables
from stillwatch.errors import InputError
from stillwatch.ingest import rows
from stillwatch.ingest.batches import RawBatch
from stillwatch.ingest.checks import unusable_columns
from stillwatch.ingest.sources import Chunk, Source, TooLong, open_bytes, read_all, read_chunks

_JSON_TYPES = {pa.string(): "VARCHAR", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN"}
_SAMPLED_LINES = 32


def connect() -> duckdb.DuckDBPyConnection:
    """A private in-memory DuckDB that may not reach outside the files it is given."""
    connection = duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": True})
    connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    return connection


def read_parquet(source: Source, schema: pa.Schema, batch_rows: int) -> Iterator[RawBatch]:
    """Raises InputError for a truncated file, missing required columns and types that can never be converted."""
    file = _parquet_file(source)
    found = file.schema_arrow
    missing = [field.name for field in schema if not field.nullable and field.name not in found.names]
    if missing:
        raise InputError(
            f"required columns are missing: {', '.join(missing)}",
            source=source.name,
            hint=f"it has {', '.join(found.names[:12])}; name its --format or write a map",
        )
    if problems := unusable_columns(found, schema):
        raise InputError("columns of the wrong type: " + "; ".join(problems), source=source.name, hint="see docs/formats.md")
    wanted = [name for name in found.names if name in schema.names]
    extra = tuple(name for name in found.names if name not in schema.names)
    start = 0
    try:
        for batch in _parquet_batches(source, file, wanted, batch_rows):
            first = start
            yield RawBatch(
                data=batch,
                line_of=lambda row, first=first: first + row + 1,
                raw_of=lambda row, batch=batch: batch.slice(row, 1).to_pylist()[0],
                extra_columns=extra,
            )
            start += batch.num_rows
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        raise InputError(
            f"damaged Parquet after row {start}: {str(error).splitlines()[0][:200]}", source=source.name, hint="fetch it again"
        ) from error


def _parquet_file(source: Source) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(io.BytesIO(read_all(source)) if source.compression else source.path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"truncated or damaged Parquet: {str(error).splitlines()[0][:120]}", source=source.name, hint="fetch it again"
        ) from error


def _parquet_batches(source: Source, file: pq.ParquetFile, columns: list[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
    if source.compression:
        yield from file.iter_batches(batch_rows, columns=columns)
        return
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    with connect() as connection:
        reader = connection.execute(f"SELECT {quoted} FROM read_parquet(?)", [_literal(source)]).to_arrow_reader(batch_rows)
        yield from reader


def _literal(source: Source) -> str:
    """DuckDB reads ``*?[`` in a path as a glob; the file is meant literally."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(source.path))


def read_jsonl(source: Source, schema: pa.Schema, batch_rows: int) -> Iterator[RawBatch]:
    """One JSON object per line. A line that does not convert is looked at again by itself."""
    wanted = msgspec.json.encode({field.name: _json_type(field.type) for field in schema}).decode()
    with connect() as connection:
        for chunk in read_chunks(source):
            if isinstance(chunk, TooLong):
                yield _only_rejected(schema, [(chunk.line, "the row is larger than 64 MB", chunk.head)])
                continue
            for begin in range(0, len(chunk), batch_rows):
                part = Chunk(chunk.data, chunk.offsets[begin : begin + batch_rows + 1], chunk.first_line + begin)
                yield from _jsonl_batches(connection, part, schema, wanted)


def _json_type(kind: pa.DataType) -> str | list[str]:
    if pa.types.is_list(kind):
        return ["VARCHAR"]
    return "VARCHAR" if pa.types.is_timestamp(kind) else _JSON_TYPES[kind]


def _jsonl_batches(
    connection: duckdb.DuckDBPyConnection, chunk: Chunk, schema: pa.Schema, wanted: str
) -> Iterator[RawBatch]:
    lines = pa.StringArray.from_buffers(len(chunk), pa.py_buffer(chunk.offsets), pa.py_buffer(chunk.data))
    connection.register("lines", pa.table({"line": lines}))
    try:
        table = connection.execute("SELECT TRY(json_transform_strict(line, ?)) AS r FROM lines", [wanted]).to_arrow_table()
        column = table.column(0).combine_chunks()
    except duckdb.Error:
        column = pa.nulls(len(chunk), pa.struct([]))  # not even text: every line is looked at by itself
    finally:
        connection.unregister("lines")
    odd = np.flatnonzero(np.asarray(column.is_null())) if column.null_count else np.zeros(0, np.int64)
    extra = _extra_columns(chunk, schema)
    if len(odd) < len(chunk):
        kept = np.flatnonzero(np.asarray(column.is_valid())) if len(odd) else None
        struct = column.take(pa.array(kept)) if kept is not None else column
        yield RawBatch(
            data=pa.RecordBatch.from_arrays(struct.flatten(), names=[field.name for field in struct.type]),
            line_of=lambda row: chunk.first_line + int(row if kept is None else kept[row]),
            raw_of=lambda row: chunk.line(int(row if kept is None else kept[row])),
            extra_columns=extra,
        )
    if len(odd):
        yield _one_by_one(chunk, odd, schema)


def _one_by_one(chunk: Chunk, odd: np.ndarray, schema: pa.Schema) -> RawBatch:
    good: list[dict[str, object]] = []
    where: list[int] = []
    rejected: list[tuple[int | None, str, object]] = []
    for index in odd:
        line = chunk.line(int(index))
        number = chunk.first_line + int(index)
        if not line.strip():
            continue
        try:
            good.append(rows.typed(decoded(line), schema))
            where.append(number)
        except rows.BadRowError as error:
            rejected.append((number, str(error), line))
    return RawBatch(
        data=rows.table(good, schema), line_of=lambda row: where[row], raw_of=lambda row: good[row], rejected=rejected
    )


def decoded(line: bytes) -> dict[str, object]:
    """The JSON object on a line. Raises BadRowError with the reason for everything else."""
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise rows.BadRowError(_json_problem(line, error)) from error
    if not isinstance(record, dict):
        raise rows.BadRowError(f"expected a JSON object, found {type(record).__name__}")
    return record


def _json_problem(line: bytes, error: Exception) -> str:
    if b"\0" in line:
        return "not valid JSON: NUL bytes"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "not valid UTF-8"
    if "truncated" in str(error):
        return "not valid JSON: the line ends early"
    return "not valid JSON: " + str(error).removeprefix("JSON is malformed: ").split(" (byte")[0]


def _extra_columns(chunk: Chunk, schema: pa.Schema) -> tuple[str, ...]:
    """Names of other keys, from a sample of the lines."""
    seen: dict[str, None] = {}
    step = max(1, len(chunk) // _SAMPLED_LINES)
    for index in range(0, len(chunk), step):
        try:
            record = msgspec.json.decode(chunk.line(index), type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        seen.update(dict.fromkeys(name for name in record if name not in schema.names))
    return tuple(seen)


def _only_rejected(schema: pa.Schema, rejected: list[tuple[int | None, str, object]]) -> RawBatch:
    return RawBatch(data=rows.table([], schema), line_of=lambda _row: None, raw_of=lambda _row: None, rejected=rejected)


def read_csv(source: Source, schema: pa.Schema, _batch_rows: int) -> Iterator[RawBatch]:
    """Comma-separated with a header; every value is read as text and converted later. Lines count records."""
    rejected: list[tuple[int | None, str, object]] = []

    def on_bad_row(row: pyarrow.csv.InvalidRow) -> str:
        reason = f"{row.actual_columns} values where the header has {row.expected_columns}"
        rejected.append((row.number, reason, row.text))
        return "skip"

    reader = open_csv(source, on_bad_row)
    names = reader.schema.names
    missing = [field.name for field in schema if not field.nullable and field.name not in names]
    if missing:
        raise InputError(
            f"required columns are missing: {', '.join(missing)}", source=source.name, hint=f"the header has {', '.join(names[:12])}"
        )
    extra = tuple(name for name in names if name not in schema.names)
    start = 2
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            break
        except (pa.ArrowException, OSError, EOFError) as error:
            raise InputError(f"broken CSV: {str(error).splitlines()[0][:200]}", source=source.name) from error
        first, bad = start, list(rejected)
        rejected.clear()
        wanted = batch.select([name for name in names if name in schema.names])
        yield RawBatch(
            data=wanted,
            line_of=lambda row, first=first: first + row,
            raw_of=lambda row, batch=batch: batch.slice(row, 1).to_pylist()[0],
            rejected=bad,
            extra_columns=extra,
        )
        start += batch.num_rows + len(bad)
    if rejected:
        yield _only_rejected(schema, rejected)


def open_csv(source: Source, on_bad_row: object) -> pyarrow.csv.CSVStreamingReader:
    """A streaming reader with every column as text. Raises InputError where there is no header or no text."""
    header = source.head.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    try:
        names = pyarrow.csv.read_csv(io.BytesIO(header + b"\n")).schema.names
        return pyarrow.csv.open_csv(
            pa.PythonFile(open_bytes(source), mode="r"),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=4 << 20),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=on_bad_row),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowException, OSError, EOFError) as error:
        raise InputError(f"not a readable CSV: {str(error).splitlines()[0][:200]}", source=source.name) from error


READERS = {"parquet": read_parquet, "lines": read_jsonl, "csv": read_csv}
REQUIRED = tables.REQUIRED_EXCHANGE_COLUMNS


def read(source: Source, schema: pa.Schema, batch_rows: int = 65_536) -> Iterator[RawBatch]:
    """A canonical table from whatever container the file is. Raises InputError for containers that cannot hold one."""
    reader = READERS.get(source.container)
    if reader is None:
        raise InputError(
            "expected Parquet, CSV or one JSON object per line", source=source.name, hint="this is one JSON document"
        )
    return reader(source, schema, batch_rows)
