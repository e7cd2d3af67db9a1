"""What a Parquet body would hold once written out, told without writing it out.

A dictionary of one long text, pointed at a million times, is a few kilobytes in the file. Columns are therefore read
as dictionaries first, and their sizes summed. Does not protect against a page whose header lies about its size: Arrow
allocates what it says, at most 2 GB.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import InputError

_ROW_BYTES = 64  # what a row of nothing but nulls is counted as
_BATCH_ROWS = 8_192


def check_expansion(data: bytes, name: str, max_bytes: int) -> None:
    """Raises InputError for a Parquet body of more than ``max_bytes`` of values, or one that cannot be read.

    Cost: one pass over the columns that have dictionaries, without their text.
    """
    try:
        total = _plain_bytes(pq.ParquetFile(pa.BufferReader(data)).metadata)
        if total <= max_bytes:
            for more in _repeated_bytes(data):
                total += more
                if total > max_bytes:
                    break
    except (OSError, pa.ArrowException, ValueError) as error:
        problem = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(f"truncated or damaged Parquet: {problem}", source=name, hint="send it again") from error
    if total > max_bytes:
        raise InputError(f"more than {max_bytes:,} bytes of content", source=name, hint="send less at a time")


def _plain_bytes(metadata: pq.FileMetaData) -> int:
    total = metadata.num_rows * _ROW_BYTES
    for group in range(metadata.num_row_groups):
        total += max(0, metadata.row_group(group).total_byte_size)
    return total


def _repeated_bytes(data: bytes) -> Iterator[int]:
    """Bytes of the texts that dictionaries stand for, batch after batch."""
    # the columns as they are stored: the Arrow schema that a file may carry can say anything
    stored = pq.ParquetFile(pa.BufferReader(data)).schema
    columns = [stored.column(index) for index in range(len(stored))]
    flat = [column.path for column in columns if column.physical_type == "BYTE_ARRAY" and column.path == column.name]
    nested = sorted({column.path.split(".")[0] for column in columns if column.path != column.name})
    if flat:
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=flat, pre_buffer=False)
        for batch in file.iter_batches(_BATCH_ROWS, columns=flat, use_threads=False):
            yield sum(_written_out(column) for column in batch.columns)
    if nested:  # inside lists a dictionary is always written out: a few rows at a time
        file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        for batch in file.iter_batches(64, columns=nested, use_threads=False):
            yield batch.nbytes


def _written_out(column: pa.Array) -> int:
    if not isinstance(column, pa.DictionaryArray):
        return 0  # plain: its bytes were in the file
    sizes = pc.binary_length(column.dictionary)
    return pc.sum(sizes.take(column.indices)).as_py() or 0
