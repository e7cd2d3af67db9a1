"""Keyed and unkeyed 64-bit keys of whole values: identities, addresses, tool sets, parameters.

Identities are hashed with SipHash-2-4 under a key derived from the salt, so that keys of two deployments cannot be
joined and a short identifier cannot be guessed without the salt. Cost: about 40 ns for a short string.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.text import hashing as hs
from stillwatch.text.machine import bare, inlined, load64
from stillwatch.text.strings import nulls_of, strings_of

U = np.uint64
Keys = NDArray[np.uint64]
Nulls = NDArray[np.bool_]
_FINAL = U(hs.FINAL)
_CHAIN = U(hs.CHAIN)
_START = (U(0x736F6D6570736575), U(0x646F72616E646F6D), U(0x6C7967656E657261), U(0x7465646279746573))
_NULL_PART = U(hs.START)


def secret(salt: bytes, purpose: str) -> NDArray[np.uint64]:
    """The 128-bit SipHash key for one kind of identity: the same value has unrelated keys in two columns."""
    digest = hashlib.blake2b(purpose.encode(), key=hashlib.blake2b(salt).digest(), digest_size=16).digest()
    return np.frombuffer(digest, "<u8").astype(np.uint64)


@inlined
def _round(a: Any, b: Any, c: Any, d: Any) -> Any:
    a += b
    b = (b << U(13) | b >> U(51)) ^ a
    a = a << U(32) | a >> U(32)
    c += d
    d = (d << U(16) | d >> U(48)) ^ c
    a += d
    d = (d << U(21) | d >> U(43)) ^ a
    c += b
    b = (b << U(17) | b >> U(47)) ^ c
    return a, b, c << U(32) | c >> U(32), d


@inlined
def _absorb(a: Any, b: Any, c: Any, d: Any, chunk: Any) -> Any:
    a, b, c, d = _round(a, b, c, d ^ chunk)
    a, b, c, d = _round(a, b, c, d)
    return a ^ chunk, b, c, d


@inlined
def _close(a: Any, b: Any, c: Any, d: Any) -> Any:
    c ^= U(0xFF)
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    value = a ^ b ^ c ^ d
    return value if value != U(0) else U(1)


@bare
def sip(data: Any, start: Any, end: Any, low: Any, high: Any) -> Any:
    """SipHash-2-4 of some bytes; never 0."""
    a, b, c, d = low ^ _START[0], high ^ _START[1], low ^ _START[2], high ^ _START[3]
    at = start
    while end - at >= 8:
        a, b, c, d = _absorb(a, b, c, d, load64(data, at))
        at += 8
    last = U((end - start) & 0xFF) << U(56)
    if at + 8 <= len(data):
        last |= load64(data, at) & ((U(1) << U((end - at) << 3)) - U(1))
    else:
        for place in range(end - at):
            last |= U(data[at + place]) << U(place << 3)
    a, b, c, d = _absorb(a, b, c, d, last)
    return _close(a, b, c, d)


@bare
def sip_pair(first: Any, second: Any, low: Any, high: Any) -> Any:
    """SipHash of 16 bytes: an address, network order as two big numbers."""
    a, b, c, d = low ^ _START[0], high ^ _START[1], low ^ _START[2], high ^ _START[3]
    a, b, c, d = _absorb(a, b, c, d, first)
    a, b, c, d = _absorb(a, b, c, d, second)
    a, b, c, d = _absorb(a, b, c, d, U(16) << U(56))
    return _close(a, b, c, d)


@bare
def _sip_all(data: Any, offsets: Any, null: Any, low: Any, high: Any, out: Any) -> None:
    for row in range(len(null)):
        if not null[row]:
            out[row] = sip(data, np.int64(offsets[row]), np.int64(offsets[row + 1]), low, high)


def keys_of(column: pa.Array, key: NDArray[np.uint64]) -> tuple[Keys, Nulls]:
    """SipHash of every string of a column under ``key``; 0 where null (and the null mask beside it)."""
    if isinstance(column, pa.DictionaryArray):
        return spread(column, keys_of(column.dictionary, key)[0])
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64), np.ones(len(column), np.bool_)
    data, offsets, null = strings_of(column)
    out = np.zeros(len(null), np.uint64)
    _sip_all(data, offsets, null, key[0], key[1], out)
    return out, null


def spread(column: pa.DictionaryArray, known: Keys) -> tuple[Keys, Nulls]:
    """Keys of the values of a dictionary, for every row; 0 where null (and the null mask beside it)."""
    codes = column.indices.fill_null(len(known)).to_numpy()
    return np.append(known, U(0))[codes], nulls_of(column)


@bare
def _fold_into(state: Any, value: Any, null: Any) -> None:
    for row in range(len(state)):
        mixed = (state[row] ^ (_NULL_PART if null[row] else value[row])) * _CHAIN
        state[row] = mixed ^ (mixed >> U(29))


@bare
def _finish(state: Any) -> None:
    for row in range(len(state)):
        mixed = (state[row] ^ (state[row] >> U(32))) * _FINAL
        mixed ^= mixed >> U(29)
        state[row] = mixed if mixed != U(0) else U(1)


def combined(parts: list[tuple[Keys, Nulls]]) -> tuple[Keys, Nulls]:
    """One key of several, in order; null only where all are."""
    state = np.full(len(parts[0][0]), U(hs.TEXT_SEED))
    null = np.ones(len(state), np.bool_)
    for values, missing in parts:
        _fold_into(state, values, missing)
        null &= missing
    _finish(state)
    return state, null


def number_keys(column: pa.Array) -> tuple[Keys, Nulls]:
    """The bits of a column of numbers or booleans, as keys for ``combined``."""
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64), np.ones(len(column), np.bool_)
    values = np.asarray(column.cast(pa.float64(), safe=False).fill_null(0.0))
    return (values + 0.0).view(np.uint64), nulls_of(column)  # + 0.0: minus zero is zero


@bare
def _insert(held: Any, count: Any, value: Any) -> Any:
    """Put a value into a sorted set of ``count``; returns its new size."""
    at = count
    while at > 0 and held[at - 1] > value:
        at -= 1
    if at > 0 and held[at - 1] == value:
        return count
    for place in range(count, at, -1):
        held[place] = held[place - 1]
    held[at] = value
    return count + 1


@bare
def _set_keys(known: Any, codes: Any, offsets: Any, null: Any, held: Any, keys: Any) -> None:
    """Key of the sorted set of each row's values; 0 for rows without any."""
    for row in range(len(null)):
        if null[row]:
            continue
        count = 0
        for place in range(offsets[row], offsets[row + 1]):
            count = _insert(held, count, known[codes[place]])
        if count == 0:
            continue
        state = U(hs.SHAPE_SEED)
        for place in range(count):
            state = (state ^ held[place]) * _CHAIN
            state ^= state >> U(29)
        keys[row] = state if state != U(0) else U(1)


def set_keys(column: pa.Array, key: NDArray[np.uint64]) -> tuple[Keys, Nulls, NDArray[np.int32]]:
    """Of a list<string> column: key of each sorted set, where there is none, and how many names (0 where null)."""
    null = nulls_of(column)
    offsets = np.array(column.offsets).astype(np.int64)
    names = column.values.dictionary_encode()
    known = np.append(keys_of(names.dictionary, key)[0], U(1))  # the last stands for a nameless tool
    codes = np.array(names.indices.fill_null(len(known) - 1)).astype(np.int64)
    keys = np.zeros(len(null), np.uint64)
    _set_keys(known, codes, offsets, null, np.zeros_like(known), keys)
    counts = np.where(null, 0, np.diff(offsets)).astype(np.int32)
    return keys, null | (counts == 0), counts
