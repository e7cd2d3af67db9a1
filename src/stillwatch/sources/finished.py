"""Files that are read once, when they are finished: Parquet, compressed lines, documents; part by part where large."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.ingest.sources import Chunk, EmptyFileError, Source, open_source, read_chunks
from stillwatch.sources.bodies import MAX_BODY_BYTES, Body

_SMALL_BYTES = 16 << 20
_PART_ROWS = 32_768


def parts(path: Path, place: str, position: str) -> Iterator[tuple[Body, str]]:
    """Bodies, each with the position after it; the last has none (the file's end). Goes on after ``position``.

    A file that cannot be read is one body with a problem. A position is ``<rows or bytes>of<size>``.
    """
    try:
        source = open_source(path)
        begin = int(position.split("of", 1)[0]) if "of" in position else 0
        if source.container == "lines":
            yield from _lines(source, place, begin)
        elif source.size <= _SMALL_BYTES or (source.container != "parquet" and source.size <= MAX_BODY_BYTES):
            yield Body(data=path.read_bytes(), place=place, container=source.container), ""
        elif source.container == "parquet" and not source.compression:
            yield from _parquet(source, place, begin)
        else:
            yield Body(data=b"", place=place, problem=f"more than {MAX_BODY_BYTES:,} bytes in one document"), ""
    except EmptyFileError:
        return
    except (InputError, OSError, pa.ArrowException) as error:
        problem = error.problem if isinstance(error, InputError) else str(error).splitlines()[0][:200]
        yield Body(data=b"", place=place, problem=problem), ""


def _lines(source: Source, place: str, begin: int) -> Iterator[tuple[Body, str]]:
    """Lines of a compressed file in blocks, by their place in the decompressed bytes."""
    held: tuple[Body, int] | None = None
    at = 0
    for chunk in read_chunks(source, 4 << 20):
        if not isinstance(chunk, Chunk):
            raise InputError("a line that is too long", source=source.name)
        data = bytes(chunk.data[: int(chunk.offsets[-1])])
        start, at = at, at + len(data)
        if at <= begin:
            continue
        if held is not None:
            yield held[0], f"{held[1]}of{source.size}"
        held = Body(data=data, place=place, start=start, container="lines"), at
    if held is not None:
        yield held[0], ""


def _parquet(source: Source, place: str, begin: int) -> Iterator[tuple[Body, str]]:
    """A large file in slices of rows, each a small file of its own."""
    file = pq.ParquetFile(source.path, pre_buffer=False)
    at, total = 0, file.metadata.num_rows
    for batch in file.iter_batches(_PART_ROWS, use_threads=False):
        start, at = at, at + batch.num_rows
        if at <= begin:
            continue
        out = io.BytesIO()
        pq.write_table(pa.Table.from_batches([batch]), out, compression="none")
        yield Body(data=out.getvalue(), place=place, start=start), "" if at >= total else f"{at}of{source.size}"
