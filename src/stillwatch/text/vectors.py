# pyright: basic, reportArgumentType=false, reportIndexIssue=false, reportOperatorIssue=false, reportReturnType=false, reportCallIssue=false
# (numba types these when it compiles them)
"""What is made of the words of a text: near keys, the gist, and classifier sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.text import hashing as hs
from stillwatch.text.machine import add16, add64, inlined, least8, trailing_zeros
from stillwatch.text.mixing import key_of, pair_of, update

U = np.uint64
_FINAL, _START, _EDGE = U(hs.FINAL), U(hs.START), hs.WORD_EDGE
_SIGN_SEED, _SIGN_MIX = U(hs.SIGN_SEED), U(hs.SIGN_MIX)
_PAIR_LEFT, _PAIR_RIGHT = U(hs.PAIR_LEFT), U(hs.PAIR_RIGHT)
_ONE = U(1)
_SHINGLE_0, _SHINGLE_1, _SHINGLE_2 = (U(value) for value in hs.SHINGLE)
NEAR = (np.array(hs.NEAR_XORS, np.uint32), np.array(hs.NEAR_MIXES, np.uint32))


@inlined
def gather(words: Any, count: Any, scratch: Any) -> int:
    """Bring the kept words in order (the tail is a ring); returns how many there are."""
    if count <= 2 * _EDGE:
        return count
    turn = count & (_EDGE - 1)
    for slot in range(_EDGE):
        scratch[slot] = words[_EDGE + slot]
    for slot in range(_EDGE):
        words[_EDGE + slot] = scratch[(slot + turn) & (_EDGE - 1)]
    return 2 * _EDGE


@inlined
def near_keys(words: Any, count: Any, near: Any, shingles: Any, least: Any, keys: Any, row: Any) -> None:
    """Bands of a MinHash over shingles of three words."""
    for at in range(count, 3):
        words[at] = U(0)
    count = max(count - 2, 1)
    for at in range(count):
        value = words[at] * _SHINGLE_0 + words[at + 1] * _SHINGLE_1 + words[at + 2] * _SHINGLE_2
        shingles[at] = np.uint32(((value ^ (value >> U(29))) * _FINAL) >> U(32))
    least8(least, shingles, count, near[0], near[1])
    rows = hs.NEAR_HASHES // 4
    for band in range(4):
        state = U(band + 1)
        for j in range(band * rows, (band + 1) * rows):
            state = update(state, U(least[j]))
        keys[row, band] = np.uint32(key_of(state) >> U(32))


@inlined
def add_up(words: Any, count: Any, table: Any, shift: Any, places: Any, sums: Any) -> None:
    """Add up the rows of the words: 32 axes of the gist, 16 labels of the classifiers."""
    for at in range(count):
        places[at] = np.int64(words[at] >> shift) << 6
    add64(sums, table, places, count)


@inlined
def fill_gist(sums: Any, gist: Any, row: Any) -> None:
    """The sums of the axes scaled to a length of 127."""
    square = 0
    for axis in range(32):
        square += np.int64(sums[axis]) * np.int64(sums[axis])
    if square > 0:
        scale = 127.0 / np.sqrt(np.float64(square))
        for axis in range(32):
            gist[row, axis] = np.int8(np.int32(np.rint(np.float64(sums[axis]) * scale)))


@inlined
def fill_scores(words: Any, count: Any, pairs: Any, places: Any, sums: Any, scores: Any, out: Any, row: Any) -> None:
    """Classifier sums: the words' from ``sums``, and those of the pairs of neighbours."""
    shift = U(64 - trailing_zeros(U(len(pairs))))
    before = _START
    for at in range(count):
        places[at] = np.int64(pair_of(before, words[at]) >> shift) << 4
        before = words[at]
    add16(scores, pairs, places, count)
    for label in range(16):
        out[row, label] = scores[label] + sums[32 + label]


def word_table(rarity: NDArray[np.uint8], singles: NDArray[np.int8]) -> NDArray[np.int8]:
    """One cache line per bucket of words: 32 signed rarities for the gist, 16 classifier weights, 16 unused."""
    buckets = np.arange(len(rarity), dtype=np.uint64)
    mixed = (buckets + _SIGN_SEED) * _SIGN_MIX
    mixed = (mixed ^ (mixed >> U(32))) >> U(32)
    signs = ((mixed[:, None] >> np.arange(32, dtype=np.uint64)) & _ONE).astype(np.int8) * 2 - 1
    table = np.zeros((len(rarity), 64), np.int8)
    table[:, :32] = signs * rarity.astype(np.int8)[:, None]
    table[:, 32:48] = singles
    return table


def pair_hashes(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes of neighbours along the last axis, the first with the start mark."""
    before = np.concatenate([np.full((*words.shape[:-1], 1), _START), words[..., :-1]], axis=-1)
    value = before * _PAIR_LEFT + words * _PAIR_RIGHT
    return value ^ (value >> U(31))
