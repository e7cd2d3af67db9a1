"""Which exchanges were seen before: a set of keyed 64-bit hashes of their ids, held in one flat array.

A collision would drop a distinct exchange: at 16 million ids the chance of a single one is about 7e-6 (n²/2^65).
Costs about 16 bytes and 60 ns an id. Does not know which of two equal ids is the better row: the first stays.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

_FIRST_SLOTS = 1 << 16
_U64 = np.uint64


@njit(cache=True)
def _mix(word: np.uint64) -> np.uint64:
    word ^= word >> _U64(32)
    word *= _U64(0xD6E8FEB86659FD93)
    word ^= word >> _U64(32)
    word *= _U64(0xD6E8FEB86659FD93)
    word ^= word >> _U64(32)
    return word


@njit(cache=True)
def _hash_strings(
    offsets: npt.NDArray[np.int32], data: npt.NDArray[np.uint8], key: np.uint64, out: npt.NDArray[np.uint64]
) -> None:
    for row in range(offsets.size - 1):
        begin, end = offsets[row], offsets[row + 1]
        state = key ^ (_U64(end - begin) * _U64(0x9E3779B97F4A7C15))
        word, filled = _U64(0), 0
        for at in range(begin, end):
            word |= _U64(data[at]) << _U64(8 * filled)
            filled += 1
            if filled == 8:
                state = _mix(state ^ word) + key
                word, filled = _U64(0), 0
        state = _mix(_mix(state ^ word) + key)
        out[row] = state if state != 0 else _U64(1)  # 0 marks an empty slot


@njit(cache=True)
def _insert(
    slots: npt.NDArray[np.uint64],
    hashes: npt.NDArray[np.uint64],
    wanted: npt.NDArray[np.bool_],
    new: npt.NDArray[np.bool_],
) -> int:
    mask, added = _U64(slots.size - 1), 0
    for row in range(hashes.size):
        new[row] = False
        if not wanted[row]:
            continue
        value = hashes[row]
        slot = value & mask
        while slots[slot] != 0 and slots[slot] != value:
            slot = (slot + _U64(1)) & mask
        if slots[slot] == 0:
            slots[slot] = value
            new[row] = True
            added += 1
    return added


def string_buffers(column: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Offsets (rows + 1) and bytes of a string column, without a copy."""
    _, offsets, data = column.buffers()
    if offsets is None or len(column) == 0:
        return np.zeros(len(column) + 1, np.int32), np.zeros(0, np.uint8)
    starts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return starts, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


class SeenIds:
    """Remembers exchange ids across batches."""

    def __init__(self, salt: bytes) -> None:
        digest = hashlib.blake2b(b"exchange id", key=salt[:64], digest_size=8).digest()
        self._key = _U64(int.from_bytes(digest, "little") | 1)
        self._slots = np.zeros(_FIRST_SLOTS, np.uint64)
        self._used = 0

    def first_seen(self, ids: pa.StringArray, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Per row, whether the id is new; rows not ``wanted`` are neither new nor remembered."""
        hashes = np.empty(len(ids), np.uint64)
        _hash_strings(*string_buffers(ids), self._key, hashes)
        while 2 * (self._used + len(ids)) > self._slots.size:
            self._grow()
        new = np.empty(len(ids), np.bool_)
        self._used += _insert(self._slots, hashes, wanted, new)
        return new

    def _grow(self) -> None:
        kept = self._slots[self._slots != 0]
        self._slots = np.zeros(self._slots.size * 2, np.uint64)
        _insert(self._slots, kept, np.ones(kept.size, np.bool_), np.empty(kept.size, np.bool_))
