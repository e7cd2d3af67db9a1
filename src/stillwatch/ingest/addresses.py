"""One spelling per client address: IPv4-mapped IPv6 is its IPv4, IPv6 is compressed, ports and brackets go.

A column of plain IPv4 costs one pass over its bytes. What does not parse becomes null and is counted: an address is
evidence, not identity, so a bad one does not cost the row. Azure masks the last part (``81.2.69.***``): null as well.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from stillwatch.ingest.dedup import string_buffers


@njit(cache=True)
def _plain_ipv4(offsets: npt.NDArray[np.int32], data: npt.NDArray[np.uint8], plain: npt.NDArray[np.bool_]) -> None:
    for row in range(offsets.size - 1):
        dots, value, digits, good = 0, 0, 0, True
        for at in range(offsets[row], offsets[row + 1]):
            byte = data[at]
            if 48 <= byte <= 57:
                good = good and not (digits > 0 and value == 0)
                value = value * 10 + (byte - 48)
                digits += 1
                good = good and value <= 255
            elif byte == 46 and digits > 0:
                dots, value, digits = dots + 1, 0, 0
            else:
                good = False
            if not good:
                break
        plain[row] = good and dots == 3 and digits > 0


@lru_cache(maxsize=65_536)
def canonical_address(text: str) -> str | None:
    """The one spelling of an address, or None where it does not parse. Takes ``[v6]:port``, ``v4:port``, zones."""
    text = text.strip().split("%", 1)[0]
    if text.startswith("["):
        text = text[1:].split("]", 1)[0]
    elif text.count(":") == 1:
        text = text.split(":", 1)[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def canonical_addresses(column: pa.Array) -> tuple[pa.Array, int]:
    """The column with one spelling per address, and how many values did not parse (now null)."""
    if isinstance(column, pa.DictionaryArray):
        known, _ = canonical_addresses(column.dictionary)
        if known.null_count == 0:
            return (column if known is column.dictionary else pa.DictionaryArray.from_arrays(column.indices, known)), 0
        column = column.dictionary_decode()
    plain = np.zeros(len(column), np.bool_)
    _plain_ipv4(*string_buffers(column), plain)
    if plain.all():
        return column, 0
    odd = np.flatnonzero(~plain)
    values: list[str | None] = column.to_pylist()
    bad = 0
    for row in odd:
        given = values[row]
        if given is None:
            continue
        values[row] = canonical_address(given) if given.strip() else None
        bad += values[row] is None and bool(given.strip())
    return pa.array(values, pa.string()), bad
