"""Canonical JSONL: lines in a buffer → columns, with DuckDB's JSON reader and exact line numbers.

Four ways through, each only for what the one before could not take: the whole file at once, strict about types; from
the first surprise on (and for compressed files) the same block by block; a block with a surprise in it as text,
converted by `checks`, which finds each wrong value; and lines that are no JSON object one by one in Python, to say
what is wrong with them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.ingest import rows
from stillwatch.ingest.batches import Located, RawBatch, Rejections
from stillwatch.ingest.dedup import string_buffers
from stillwatch.ingest.options import MAX_ROW_BYTES, TEXT_COLUMNS
from stillwatch.ingest.sources import Chunk, Source, TooLong, read_chunks

_TOO_LONG = f"the row is larger than {MAX_ROW_BYTES >> 20} MB"
_SAMPLED_LINES = 24
_SAMPLED_PLACES = 5
_SAMPLED_BYTES = 128 << 10
# an error inside a running query reaches Arrow's reader as OSError
_BROKEN = (duckdb.Error, OSError, pa.ArrowException)
_OPENERS = (ord("{"), ord("["))


@lru_cache(maxsize=1)
def _engine() -> duckdb.DuckDBPyConnection:
    """Starting DuckDB costs 50 ms, which a directory of small files would pay again and again."""
    engine = duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": True})
    engine.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    return engine


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of one's own to an in-memory DuckDB that holds nothing and loads no extensions."""
    return _engine().cursor()


def read_jsonl(source: Source, schema: pa.Schema, batch_rows: int, *, encoded: bool = False) -> Iterator[RawBatch]:  # noqa: ARG001 - one form for all
    """One JSON object per line; blank lines are passed over. Cost: about 1.5 times DuckDB's own scan of one column."""
    done = 0
    with connect() as connection:
        if not source.compression and source.body is None:
            try:
                for batch in _whole_file(connection, source, schema, batch_rows):
                    yield batch
                    done += batch.data.num_rows + len(batch.rejected)
            except _BROKEN:
                pass  # something in the rest of the file is odd: go on in blocks, which can say what
            else:
                return
        for chunk in read_chunks(source):
            if isinstance(chunk, TooLong):
                if done:
                    done -= 1
                    continue
                yield only_rejected(schema, [(chunk.line, _TOO_LONG, chunk.head)])
                continue
            begin, done = _skip(chunk, done)
            for start in range(begin, len(chunk), batch_rows):
                part = Chunk(chunk.data, chunk.offsets[start : start + batch_rows + 1], chunk.first_line + start)
                yield from _block(connection, part, schema)


def _whole_file(
    connection: duckdb.DuckDBPyConnection, source: Source, schema: pa.Schema, batch_rows: int
) -> Iterator[RawBatch]:
    """Every row in order, until DuckDB meets something it cannot take (then duckdb.Error)."""
    extra = tuple(name for name in _sampled_keys(source) if name not in schema.names)
    relation = _scan(connection, literal(str(source.path)), schema)
    finder = LineFinder(source)
    first = 0
    for batch in relation.to_arrow_reader(batch_rows):
        start = first
        yield _checked_batch(batch, schema, extra, lambda row, start=start: finder.locate(start + row))
        first += batch.num_rows


def _scan(connection: duckdb.DuckDBPyConnection, quoted_path: str, schema: pa.Schema) -> duckdb.DuckDBPyRelation:
    columns = ", ".join(f"{_quoted(field.name)}: '{_sql_type(field.type)}'" for field in schema)
    return connection.sql(
        f"SELECT * FROM read_json('{quoted_path}', format = 'newline_delimited', columns = {{{columns}}})"
    )


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def literal(path: str) -> str:
    """The path inside SQL quotes; DuckDB would read ``*?[`` as a glob, the file is meant literally."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path).replace("'", "''")


class LineFinder:
    """Finds the n-th record of a file again, for the few that are rejected. Cheap when asked in order."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._restart()

    def _restart(self) -> None:
        self._chunks = read_chunks(self._source)
        self._chunk: Chunk | None = None
        self._rows = np.zeros(0, np.int64)
        self._base = 0

    def locate(self, row: int) -> Located:
        if row < self._base:
            self._restart()
        while row >= self._base + len(self._rows):
            self._base += len(self._rows)
            found = next(self._chunks, None)
            if found is None:
                return None, None
            self._chunk = found if isinstance(found, Chunk) else None
            self._rows = np.flatnonzero(filled_lines(found)) if isinstance(found, Chunk) else np.zeros(1, np.int64)
        if self._chunk is None:
            return None, None
        index = int(self._rows[row - self._base])
        return self._chunk.first_line + index, self._chunk.line(index)


def filled_lines(chunk: Chunk) -> npt.NDArray[np.bool_]:
    """Which lines hold anything but white space (looks closely only at very short ones)."""
    filled = np.ones(len(chunk), np.bool_)
    for index in np.flatnonzero(np.diff(chunk.offsets) <= 80):
        filled[index] = bool(chunk.line(int(index)).strip())
    return filled


def _skip(chunk: Chunk, done: int) -> tuple[int, int]:
    """The first line of the chunk not read yet, when ``done`` records were; and how many are still to be skipped."""
    if done == 0:
        return 0, 0
    records = np.flatnonzero(filled_lines(chunk))
    if done >= len(records):
        return len(chunk), done - len(records)
    return int(records[done]), 0


def _block(connection: duckdb.DuckDBPyConnection, chunk: Chunk, schema: pa.Schema) -> Iterator[RawBatch]:
    keys = _keys_of(chunk.line(i) for i in range(0, len(chunk), max(1, len(chunk) // _SAMPLED_LINES)))
    extra = tuple(name for name in keys if name not in schema.names)
    batch, kept = _typed_block(connection, chunk, schema) or _text_block(connection, chunk, schema)
    if len(kept):
        yield _checked_batch(
            batch, schema, extra, lambda row: (chunk.first_line + int(kept[row]), chunk.line(int(kept[row])))
        )
    if len(kept) < len(chunk):
        odd = np.setdiff1d(np.arange(len(chunk)), kept, assume_unique=True)
        yield _one_by_one([(chunk.first_line + index, chunk.line(index)) for index in odd.tolist()], schema)


_Block = tuple[pa.RecordBatch, npt.NDArray[np.int64]]


def _typed_block(connection: duckdb.DuckDBPyConnection, chunk: Chunk, schema: pa.Schema) -> _Block | None:
    """The block read like a file, from memory (Linux); None where one of its lines is not as it should be."""
    if sys.platform != "linux":
        return None
    memory = os.memfd_create("lines")
    try:
        begin, end = int(chunk.offsets[0]), int(chunk.offsets[-1])
        os.ftruncate(memory, end - begin)
        os.pwrite(memory, chunk.data[begin:end], 0)
        table = _scan(connection, f"/proc/self/fd/{memory}", schema).to_arrow_table()
    except _BROKEN:
        return None
    finally:
        os.close(memory)
    kept = np.flatnonzero(filled_lines(chunk))
    if table.num_rows != len(kept):
        return None
    columns = [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, names=table.schema.names), kept


def _text_block(connection: duckdb.DuckDBPyConnection, chunk: Chunk, schema: pa.Schema) -> _Block:
    """Every value as text, for `checks` to convert; rows that are no JSON object are left out."""
    lines = pa.StringArray.from_buffers(len(chunk), pa.py_buffer(chunk.offsets), pa.py_buffer(chunk.data))
    wanted = msgspec.json.encode({field.name: "VARCHAR" for field in schema}).decode().replace("'", "''")
    connection.register("lines", pa.table({"line": lines}))
    try:
        table = connection.sql(f"SELECT TRY(json_transform(line, '{wanted}')) AS r FROM lines").to_arrow_table()
    except (*_BROKEN, UnicodeDecodeError):
        return rows.table([], schema), np.zeros(0, np.int64)
    finally:
        connection.unregister("lines")
    struct = table.column(0).combine_chunks()
    # a line may be JSON and no object: one without the first column is looked at again
    kept = np.flatnonzero(np.asarray(struct.is_valid()) & np.asarray(pc.struct_field(struct, 0).is_valid()))
    struct = struct if len(kept) == len(struct) else struct.take(pa.array(kept))
    return pa.RecordBatch.from_arrays(struct.flatten(), names=schema.names), kept


def _sql_type(kind: pa.DataType) -> str:
    inner = _json_type(kind)
    return f"{inner[0]}[]" if isinstance(inner, list) else inner


def _json_type(kind: pa.DataType) -> str | list[str]:
    """Counts are read as doubles, so that a fraction is noticed instead of rounded."""
    if pa.types.is_list(kind):
        return ["VARCHAR"]
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "DOUBLE"
    return "BOOLEAN" if pa.types.is_boolean(kind) else "VARCHAR"


def _checked_batch(
    batch: pa.RecordBatch, schema: pa.Schema, extra: tuple[str, ...], locate: Callable[[int], Located]
) -> RawBatch:
    """DuckDB renders an object where text was asked for as its JSON: right for prompts, wrong for names."""
    suspect: npt.NDArray[np.bool_] | None = None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name in TEXT_COLUMNS or column.type != pa.string() or column.null_count == len(column):
            continue
        if schema.field(name).type != pa.string():
            continue
        offsets, data = string_buffers(column)
        first = data[np.minimum(offsets[:-1], len(data) - 1)] if len(data) else np.zeros(len(column), np.uint8)
        opens = ((first == _OPENERS[0]) | (first == _OPENERS[1])) & (np.diff(offsets) > 0)
        if opens.any():
            suspect = opens if suspect is None else suspect | opens
    if suspect is None:
        return RawBatch(data=batch, locate=locate, extra_columns=extra)
    rejected: Rejections = []
    keep = np.ones(len(suspect), np.bool_)
    for row in np.flatnonzero(suspect).tolist():
        again = _one_by_one([locate(row)], schema)
        rejected += again.rejected
        keep[row] = not again.rejected
    kept = np.flatnonzero(keep)
    return RawBatch(
        data=batch if keep.all() else batch.take(pa.array(kept)),
        locate=lambda row: locate(int(kept[row])),
        rejected=rejected,
        extra_columns=extra,
    )


def _one_by_one(located: list[Located], schema: pa.Schema) -> RawBatch:
    """Lines that need a closer look: the few good ones as a batch, the others with their reason."""
    good: list[dict[str, object]] = []
    where: list[Located] = []
    rejected: Rejections = []
    for number, line in located:
        if not isinstance(line, bytes) or not line.strip():
            continue
        try:
            good.append(rows.typed(decoded(line), schema))
            where.append((number, line))
        except rows.BadRowError as error:
            rejected.append((number, str(error), line))
    return RawBatch(data=rows.table(good, schema), locate=lambda row: where[row], rejected=rejected)


def decoded(line: bytes) -> dict[str, object]:
    """The JSON object on a line. Raises BadRowError with the reason for everything else."""
    if len(line) > MAX_ROW_BYTES:
        raise rows.BadRowError(_TOO_LONG)
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise rows.BadRowError(json_problem(line, error)) from error
    if not isinstance(record, dict):
        raise rows.BadRowError(f"expected a JSON object, found {type(record).__name__}")
    return record


def json_problem(line: bytes, error: Exception) -> str:
    """What is wrong with text that should have been JSON, without the text."""
    if b"\0" in line:
        return "not valid JSON: NUL bytes"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "not valid UTF-8"
    if "truncated" in str(error):
        return "not valid JSON: the line ends early"
    return "not valid JSON: " + str(error).removeprefix("JSON is malformed: ").split(" (byte")[0]


def _keys_of(lines: Iterable[bytes]) -> tuple[str, ...]:
    """The keys of some lines."""
    sets: list[tuple[str, ...]] = []
    for line in lines:
        try:
            sets.append(tuple(msgspec.json.decode(line, type=dict[str, msgspec.Raw])))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return tuple(dict.fromkeys(name for names in sets for name in names))


def _sampled_keys(source: Source) -> tuple[str, ...]:
    """Keys seen in lines at the start, at the end and in between (a plain file can be read anywhere)."""
    with source.path.open("rb") as file:
        lines: list[bytes] = []
        for part in range(_SAMPLED_PLACES):
            file.seek(part * max(0, source.size - _SAMPLED_BYTES) // (_SAMPLED_PLACES - 1))
            block = file.read(_SAMPLED_BYTES).split(b"\n")
            lines.extend(block[: 4 * _SAMPLED_LINES] if part == 0 else block[1:_SAMPLED_LINES])
    return _keys_of(lines)


def only_rejected(schema: pa.Schema, rejected: Rejections) -> RawBatch:
    """A batch without rows, for lines that never became one."""
    return RawBatch(data=rows.table([], schema), locate=lambda _row: (None, None), rejected=rejected)
