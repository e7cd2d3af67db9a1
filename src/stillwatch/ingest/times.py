"""Times as sources write them: ISO 8601, epoch seconds, milliseconds, microseconds or nanoseconds → UTC microseconds.

The unit of a number is told by its size: the ranges of 2001-2286 in each unit do not overlap. A time without a zone
is UTC. Knows nothing of what time is plausible: that is `checks`' business.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?$"
)
# ``+00`` alone, as DuckDB and PostgreSQL write it, only after minutes: the end of a date looks the same
_ZONED = re.compile(r"(Z|[+-]\d\d:?\d\d|:\d\d(\.\d+)?[+-]\d\d)$")
_UTC_US = pa.timestamp("us", tz="UTC")
_SCALES = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (0.0, 1e6))  # at least this large → microseconds per unit


def microseconds(value: object) -> int:
    """Epoch microseconds of one value. Raises ValueError for what is no time."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1e6)
    if isinstance(value, date):
        return round(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1e6)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    if isinstance(value, str):
        text = value.strip()
        matched = _ISO.match(text)
        if matched:
            return _of_iso(matched)
        try:
            return _of_number(int(text) if text.lstrip("-").isdigit() else float(text))
        except ValueError:
            pass
    raise ValueError(f"{str(value)[:40]!r} is no time")


def _of_number(value: float) -> int:
    if isinstance(value, float) and not np.isfinite(value):
        raise ValueError(f"{value!r} is no time")
    for least, scale in _SCALES:
        if abs(value) >= least:
            us = value // 1000 if scale == 1e-3 else value * scale
            if abs(us) > 9e18:
                raise ValueError(f"{value!r} is no time")
            return round(us)
    raise ValueError(f"{value!r} is no time")


def _of_iso(matched: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(part or 0) for part in matched.groups()[:6])
    whole = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    us = round(whole.timestamp()) * 1_000_000 + (second == 60) * 1_000_000
    us += int((matched[7] or "0")[:6].ljust(6, "0"))
    zone = matched[8]
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        shift = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * 1_000_000
        us -= shift if zone[0] == "+" else -shift
    return us


def datetime_of(value: object) -> datetime:
    """One value as an aware UTC datetime. Raises ValueError."""
    try:
        return datetime.fromtimestamp(microseconds(value) / 1e6, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{str(value)[:40]!r} is no time") from error


def times_of(column: pa.Array) -> pa.Array:
    """A whole column as ``timestamp[us, UTC]``. Raises ArrowInvalid or ValueError where one value is no time."""
    kind = column.type
    if kind == _UTC_US:
        return column
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pc.cast(column, pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(_UTC_US)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _of_numbers(column)
    if not pa.types.is_string(kind):
        raise pa.ArrowInvalid(f"no times in a column of type {kind}")
    probe = next((value.as_py() for value in column if value.is_valid), "")
    if re.fullmatch(r"-?\d+(\.\d+)?", probe):
        whole = "." not in probe
        return _of_numbers(pc.cast(column, pa.int64() if whole else pa.float64()))
    if _ZONED.search(probe):
        return pc.cast(column, _UTC_US)
    return pc.cast(pc.cast(column, pa.timestamp("us")), _UTC_US)


def _of_numbers(column: pa.Array) -> pa.Array:
    valid = np.asarray(column.is_valid())
    raw = column.fill_null(0).to_numpy(zero_copy_only=False)
    if raw.dtype.kind == "f" and not np.isfinite(raw).all():
        raise ValueError("a time that is not finite")
    size = np.abs(raw.astype(np.float64))
    if raw.dtype.kind == "f":
        factor = np.select([size >= least for least, _ in _SCALES], [scale for _, scale in _SCALES])
        us = np.round(raw * factor).astype(np.int64)
    else:
        whole = raw.astype(np.int64)
        up = np.select([size >= 1e14, size >= 1e11], [1, 1_000], 1_000_000).astype(np.int64)
        us = np.where(size >= 1e17, whole // 1000, whole * up)
    return pa.array(us, pa.int64(), mask=~valid).cast(pa.timestamp("us")).cast(_UTC_US)
