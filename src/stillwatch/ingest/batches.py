"""What a reader hands on: rows in columns, where each stood, and rows it could already tell were unusable."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pyarrow as pa

Located = tuple[int | None, object]
Rejections = list[tuple[int | None, str, object]]


class RawBatch(msgspec.Struct, kw_only=True):
    """``locate(row)`` gives where a row stood, counted from 1, and what it looked like (for quarantine).

    It is valid until the next batch is asked for. ``rejected`` holds ``(line, reason, raw)``. ``skipped`` counts
    records that are not model calls. ``read_share`` is about how much of the file is behind it.
    """

    data: pa.RecordBatch | pa.Table
    locate: Callable[[int], Located]
    rejected: Rejections = []
    extra_columns: tuple[str, ...] = ()
    skipped: int = 0
    carries_account: bool = True
    default_platform: str | None = None
    read_share: float = 0.0
