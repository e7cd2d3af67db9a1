"""Client addresses: text to 128 bits, and the keys of the address and of its network.

Reads what ``ipaddress`` reads (dotted IPv4; IPv6 with ``::``, a zone or an IPv4 tail), after trimming spaces. An IPv4
address written as IPv6 is the same address. Text that is no address still gets a key of its own, but no network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.text.keys import Keys, Nulls, secret, sip, sip_pair, spread
from stillwatch.text.machine import bare
from stillwatch.text.strings import strings_of

U = np.uint64
_V4_TAIL = U(0xFFFF) << U(32)  # ::ffff:0:0/96


@bare
def _ipv4(data: Any, at: Any, end: Any) -> Any:
    """The address as a number, or -1."""
    value, parts = 0, 0
    while True:
        number, digits = 0, 0
        while at < end and 48 <= data[at] <= 57 and digits < 4:
            number = number * 10 + np.int64(data[at]) - 48
            at += 1
            digits += 1
        if digits == 0 or digits > 3 or number > 255 or (digits > 1 and number < (10 if digits == 2 else 100)):
            return -1
        value = value << 8 | number
        parts += 1
        if at == end:
            return value if parts == 4 else -1
        if parts == 4 or data[at] != 46:
            return -1
        at += 1


@bare
def _hex(byte: Any) -> Any:
    if 48 <= byte <= 57:
        return np.int64(byte) - 48
    low = np.int64(byte) | 32
    return low - 87 if 97 <= low <= 102 else -1


@bare
def _groups(data: Any, at: Any, end: Any, groups: Any) -> Any:  # noqa: C901, PLR0911 - a grammar of its own
    """Fill the 16-bit groups; returns how many there are and where ``::`` stood (-1: nowhere). Count -1: no address."""
    count, gap = 0, -1
    if at + 1 < end and data[at] == 58 and data[at + 1] == 58:
        gap, at = 0, at + 2
        if at == end:
            return 0, 0
    while at < end:
        number, digits, start = 0, 0, at
        while at < end and digits < 5 and _hex(data[at]) >= 0:
            number = number << 4 | _hex(data[at])
            at += 1
            digits += 1
        if at < end and data[at] == 46:
            tail = _ipv4(data, start, end)
            if tail < 0 or count > 6:
                return -1, gap
            groups[count], groups[count + 1] = tail >> 16, tail & 0xFFFF
            return count + 2, gap
        if digits == 0 or digits > 4 or count == 8:
            return -1, gap
        groups[count] = number
        count += 1
        if at == end:
            return count, gap
        if data[at] != 58 or at + 1 == end:
            return -1, gap
        at += 1
        if data[at] == 58:
            if gap >= 0:
                return -1, gap
            gap, at = count, at + 1
    return count, gap


@bare
def _ipv6(data: Any, at: Any, end: Any, groups: Any) -> Any:
    for place in range(at, end):
        if data[place] == 37:  # a zone: which interface, not which host
            if place + 1 == end:
                return False, U(0), U(0)
            end = place
            break
    count, gap = _groups(data, at, end, groups)
    if count < 0 or (count != 8 and gap < 0) or (gap >= 0 and count > 7):
        return False, U(0), U(0)
    high, low = U(0), U(0)
    for place in range(8):
        if gap < 0 or place < gap:
            value = groups[place]
        elif place >= gap + 8 - count:
            value = groups[place - 8 + count]
        else:
            value = 0
        if place < 4:
            high = high << U(16) | U(value)
        else:
            low = low << U(16) | U(value)
    return True, high, low


@bare
def _parse(data: Any, at: Any, end: Any, groups: Any) -> Any:
    """Version (0: not an address) and the two halves; IPv4 as ::ffff:a.b.c.d."""
    four = _ipv4(data, at, end)
    if four >= 0:
        return 4, U(0), _V4_TAIL | U(four)
    found, high, low = _ipv6(data, at, end, groups)
    if not found:
        return 0, high, low
    return (4 if high == U(0) and low >> U(32) == U(0xFFFF) else 6), high, low


@bare
def _address_rows(column: Any, whole: Any, network: Any, groups: Any, keys: Any, prefixes: Any) -> None:
    data, offsets, null = column
    for row in range(len(null)):
        if null[row]:
            continue
        at, end = np.int64(offsets[row]), np.int64(offsets[row + 1])
        while at < end and data[at] == 32:
            at += 1
        while end > at and data[end - 1] == 32:
            end -= 1
        version, high, low = _parse(data, at, end, groups)
        if version == 0:
            keys[row] = sip(data, at, end, whole[0], whole[1])
            continue
        keys[row] = sip_pair(high, low, whole[0], whole[1])
        if version == 4:
            prefixes[row] = sip_pair(high, low & ~U(0xFF), network[0], network[1])
        else:
            prefixes[row] = sip_pair(high & ~U(0xFFFF), U(0), network[0], network[1])


def address_keys(column: pa.Array, salt: bytes) -> tuple[Keys, Keys, Nulls]:
    """Key of each address, key of its network (/24 or /48; 0 where there is none), and where the address is null."""
    if isinstance(column, pa.DictionaryArray):
        whole, networks, _ = address_keys(column.dictionary, salt)
        (keys, null), (prefixes, _) = spread(column, whole), spread(column, networks)
        return keys, prefixes, null
    texts = strings_of(column)
    null = texts.null
    keys, prefixes = np.zeros(len(null), np.uint64), np.zeros(len(null), np.uint64)
    groups = np.zeros(9, np.int64)
    _address_rows(texts, secret(salt, "address"), secret(salt, "prefix"), groups, keys, prefixes)
    return keys, prefixes, null
