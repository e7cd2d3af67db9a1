"""What a reader hands on: rows in columns, where each stood, and rows it could already tell were unusable."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pyarrow as pa


class RawBatch(msgspec.Struct, kw_only=True):
    """``line_of(row)`` is where the row stood, counted from 1; ``raw_of(row)`` what it looked like (for quarantine).

    ``rejected`` holds ``(line, reason, raw)``. ``skipped`` counts records that are not model calls.
    Both callables are valid until the next batch is asked for.
    """

    data: pa.RecordBatch | pa.Table
    line_of: Callable[[int], int | None]
    raw_of: Callable[[int], object]
    rejected: list[tuple[int | None, str, object]] = []
    extra_columns: tuple[str, ...] = ()
    skipped: int = 0
