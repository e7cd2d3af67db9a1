"""Arrow string columns as flat buffers, without a copy where the column is a plain string or a slice of one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Strings(NamedTuple):
    """Text ``i`` is ``data[offsets[i]:offsets[i + 1]]``; ``null[i]`` says that there is none. Read only."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    null: NDArray[np.bool_]


class _Bytes:
    """Lends a buffer to numpy as if it could be written to: kernels are compiled once, not once per kind of array."""

    def __init__(self, buffer: pa.Buffer) -> None:
        self._buffer = buffer
        self.__array_interface__ = {
            "shape": (buffer.size,),
            "typestr": "|u1",
            "data": (buffer.address, False),
            "version": 3,
        }


def nulls_of(column: pa.Array) -> NDArray[np.bool_]:
    """True where the column is null."""
    if column.null_count == 0:
        return np.zeros(len(column), np.bool_)
    return np.array(column.is_null())


def strings_of(column: pa.Array) -> Strings:
    """Any string-like column (string, large_string, string_view, dictionary of these)."""
    if pa.types.is_dictionary(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    wide = pa.types.is_large_string(column.type)
    if not (wide or pa.types.is_string(column.type)):
        column, wide = column.cast(pa.string()), False
    _, offsets, data = column.buffers()
    if offsets is None or data is None or data.size == 0 or len(column) == 0:
        return Strings(np.zeros(0, np.uint8), np.zeros(len(column) + 1, np.int64), nulls_of(column))
    starts = np.frombuffer(offsets, np.int64 if wide else np.int32)
    starts = starts[column.offset : column.offset + len(column) + 1].astype(np.int64)
    return Strings(np.asarray(_Bytes(data)), starts, nulls_of(column))
