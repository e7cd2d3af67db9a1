# pyright: basic, reportArgumentType=false, reportIndexIssue=false, reportOperatorIssue=false, reportReturnType=false, reportCallIssue=false
# (numba types these when it compiles them)
"""Key, size and code of a text whose words do not matter: a response."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.text import hashing as hs
from stillwatch.text.characters import TABLES, code_pair
from stillwatch.text.features import Skimmed
from stillwatch.text.machine import bare, byte_at, byte_masks, load64, trailing_zeros
from stillwatch.text.mixing import key_of, mix
from stillwatch.text.strings import Strings

U = np.uint64
_WORD_SEED = U(hs.WORD_SEED)
_ONE = U(1)
_ONES = U(0x0101010101010101)


@bare
def padded(data: Any, start: Any, end: Any, room: Any) -> None:
    """A text copied to where 64 bytes after it can be read."""
    for at in range(end - start):
        room[at] = data[start + at]


def room(column: Strings) -> NDArray[np.uint8]:
    """Space for the longest text that ends within 64 bytes of the buffer's end, and 64 bytes more."""
    late = (column.offsets[1:] > len(column.data) - 64) & ~column.null
    return np.zeros(int(np.diff(column.offsets).max(where=late, initial=0)) + 64, np.uint8)


@bare
def _skim_one(data: Any, start: Any, end: Any, first: Any, second: Any) -> Any:
    """Exact key, characters, lines and whether it looks like code; 64 bytes past ``end`` must be readable."""
    state, chars, lines, marks = _WORD_SEED, 0, 1 if end > start else 0, 0
    fenced = False
    at = start
    while at < end:
        chunk = load64(data, at)
        if end - at < 8:
            chunk &= (_ONE << U((end - at) << 3)) - _ONE
        state = mix(state, chunk)
        tails = (chunk >> U(7)) & ~(chunk >> U(6)) & _ONES
        chars += min(end - at, 8) - np.int64((tails * _ONES) >> U(56))
        at += 8
    for base in range(start, end, 64):
        letters, spaces, _ = byte_masks(data, base)
        todo = ~(letters | spaces)
        if end - base < 64:
            todo &= (_ONE << U(end - base)) - _ONE
        while todo:
            at = base + trailing_zeros(todo)
            todo &= todo - _ONE
            byte = byte_at(data, at)
            lines += byte == 10
            marks += code_pair(data, at, end, first, second)
            if byte == 96 and at + 2 < end and byte_at(data, at + 1) == 96 and byte_at(data, at + 2) == 96:
                fenced = True
    return key_of(state), chars, lines, fenced or marks >= hs.CODE_MARKS


@bare
def _skim_rows(column: Any, tables: Any, room: Any, keys: Any, counts: Any, code: Any) -> None:
    data, offsets, null = column
    first, second = tables[3], tables[4]
    safe = len(data) - 64
    for row in range(len(null)):
        if null[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        if end <= safe:
            found = _skim_one(data, start, end, first, second)
        else:
            padded(data, start, end, room)
            found = _skim_one(room, 0, end - start, first, second)
        keys[row], counts[row, 0], counts[row, 1], code[row] = found


def skim_column(column: Strings) -> Skimmed:
    """Key, size and code of every text, for columns whose words do not matter (responses)."""
    count = len(column.null)
    keys, counts, code = np.zeros(count, np.uint64), np.zeros((count, 2), np.int32), np.zeros(count, np.bool_)
    _skim_rows(column, TABLES, room(column), keys, counts, code)
    return Skimmed(keys, counts[:, 0], counts[:, 1], code)
