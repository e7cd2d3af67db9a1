"""The text kernels: one pass over the bytes of a string column, twin of ``plain.read_all``.

They know UTF-8 bytes and the tables of ``alphabet``; they trust the offsets of the column and nothing else (bytes that
are not UTF-8 give some key, never a crash). Cost: 1-2 microseconds for a prompt of 400 bytes.

``characters``, ``mixing``, ``scan``, ``vectors`` are compiled into what stands here, and numba recompiles a kernel when
its own file changes, not when a file that it calls into does. After a change to those, to ``hashing``, ``alphabet`` or
``machine``, touch this file and ``skim``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.text import hashing as hs
from stillwatch.text.alphabet import SCRIPTS
from stillwatch.text.characters import TABLES
from stillwatch.text.features import TextFeatures, blank
from stillwatch.text.machine import bare, trailing_zeros
from stillwatch.text.scan import scan
from stillwatch.text.skim import padded, room, skim_column
from stillwatch.text.strings import Strings
from stillwatch.text.vectors import NEAR, add_up, fill_gist, fill_scores, gather, near_keys, pair_hashes, word_table

__all__ = ["KEYS_ONLY", "list_words", "packed", "pair_hashes", "read_column", "skim_column", "word_table"]

U = np.uint64
_EDGE = hs.WORD_EDGE
KEYS_ONLY = (np.zeros((1, 64), np.int8), np.zeros((1, 16), np.int8))  # for ``read_column``: no vectors


@bare
def _read_rows(column: Any, tables: Any, near: Any, table: Any, pairs: Any, desk: Any, out: Any) -> None:
    data, offsets, null = column
    words, scratch, scripts, saved, least, sums, scores, shingles, places, room = desk
    shift = U(64 - trailing_zeros(U(len(table))))
    safe = len(data) - 64
    for row in range(len(null)):
        if null[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        source = data
        if end > safe:  # the last texts of the buffer: give them the room that block loads need
            padded(data, start, end, room)
            source, start, end = room, 0, end - start
        count = scan(source, start, end, tables, words, (scripts, saved), out, row)
        count = gather(words, count, scratch)
        if count and len(table) > 1:
            add_up(words, count, table, shift, places, sums)
            fill_gist(sums, out.gist, row)
            fill_scores(words, count, pairs, places, sums, scores, out.scores, row)
            near_keys(words, count, near, shingles, least, out.near_keys, row)


def _desk(column: Strings) -> tuple[NDArray[Any], ...]:
    """What a pass scribbles on; see the names where ``_read_rows`` unpacks it."""
    return (
        np.zeros(2 * _EDGE, np.uint64),
        np.zeros(_EDGE, np.uint64),
        np.zeros(len(SCRIPTS), np.int32),
        np.zeros(8, np.uint64),
        np.zeros(hs.NEAR_HASHES, np.uint32),
        np.zeros(64, np.int16),
        np.zeros(16, np.int32),
        np.zeros(2 * _EDGE, np.uint32),
        np.zeros(2 * _EDGE, np.int64),
        room(column),
    )


def read_column(column: Strings, table: NDArray[np.int8], pairs: NDArray[np.int8]) -> TextFeatures:
    """The features of every text of a column. ``table`` (n, 64), ``pairs`` (m, 16); n and m powers of two.

    Tables of one row (``KEYS_ONLY``) leave near keys, gist and scores out.
    """
    out = blank(len(column.null))
    _read_rows(column, TABLES, NEAR, table, pairs, _desk(column), out)
    return out


@bare
def _pack(slots: Any, counts: Any, offsets: Any, out: Any) -> None:
    end = 0
    for row in range(len(counts)):
        for slot in range(counts[row]):
            out[end] = slots[row, slot]
            end += 1
        offsets[row + 1] = end


def packed(slots: NDArray[np.uint64], counts: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """The first ``counts[i]`` values of every row one after the other, and where each row starts."""
    offsets = np.zeros(len(counts) + 1, np.int32)
    out = np.empty(int(counts.sum(dtype=np.int64)), np.uint64)
    _pack(slots, counts, offsets, out)
    return offsets, out


@bare
def _list_rows(column: Any, tables: Any, desk: Any, room: Any, out: Any, listed: Any, counts: Any) -> None:
    data, offsets, null = column
    words, scratch, scripts, saved = desk
    for row in range(len(null)):
        if null[row]:
            continue
        padded(data, offsets[row], offsets[row + 1], room)
        found = scan(room, 0, offsets[row + 1] - offsets[row], tables, words, (scripts, saved), out, row)
        counts[row] = gather(words, found, scratch)
        for at in range(counts[row]):
            listed[row, at] = words[at]


def list_words(column: Strings) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Word hashes of every text, (n, 2 * WORD_EDGE), and how many of them count. For training only."""
    count = len(column.null)
    listed, counts = np.zeros((count, 2 * _EDGE), np.uint64), np.zeros(count, np.int64)
    room = np.zeros(int(np.diff(column.offsets).max(initial=0)) + 64, np.uint8)
    _list_rows(column, TABLES, _desk(column)[:4], room, blank(count), listed, counts)
    return listed, counts
