"""What some rows of a column come to, in one pass and without arrays in between: asked for thousands of times.

Rows are positions in the facts, ascending where it says so. Sums are added as numpy adds them, so that nothing hangs
on which of the two did. It does not know what the rows have in common.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


@nb.njit(cache=True, nogil=True)
def spans(first: Int, last: Int) -> Int:
    """The numbers of all ranges first..last, one after the other."""
    length = 0
    for i in range(len(first)):
        length += max(0, last[i] - first[i])
    found = np.empty(length, dtype=np.int64)
    n = 0
    for i in range(len(first)):
        for number in range(first[i], last[i]):
            found[n] = number
            n += 1
    return found


@nb.njit(cache=True, nogil=True)
def among(rows: Int, wanted: Bool) -> Int:
    """``rows[wanted[rows]]``."""
    found = np.empty(len(rows), dtype=np.int64)
    n = 0
    for row in rows:
        found[n] = row
        n += wanted[row]
    return found[:n]


@nb.njit(cache=True, nogil=True)
def count(rows: Int, wanted: Bool) -> int:
    """How many of ``rows`` are wanted."""
    n = 0
    for row in rows:
        n += int(wanted[row])
    return n


@nb.njit(cache=True, nogil=True)
def known(values: Float, rows: Int) -> Float:
    """The values of these rows that are known (not NaN), in order."""
    found = np.empty(len(rows))
    n = 0
    for row in rows:
        value = values[row]
        found[n] = value
        n += not np.isnan(value)
    return found[:n]


@nb.njit(cache=True, nogil=True)
def tallied(codes: Int, rows: Int, width: int) -> Int:
    """int64[width]: how many of the rows have each code; codes below 0 are unknown."""
    found = np.zeros(width, dtype=np.int64)
    for row in rows:
        if codes[row] >= 0:
            found[codes[row]] += 1
    return found


@nb.njit(cache=True, nogil=True)
def added(x: Float) -> float:
    """Sum by halves, as numpy sums: an error that hardly grows with length."""
    waiting_first, waiting_last = np.empty(64, dtype=np.int64), np.empty(64, dtype=np.int64)
    sums, done = np.empty(64), 0
    waiting = 1
    waiting_first[0], waiting_last[0] = 0, len(x)
    # a mark of two zeros less one asks for the two sums on top to be added
    while waiting:
        waiting -= 1
        first, last = waiting_first[waiting], waiting_last[waiting]
        if first < 0:
            done -= 1
            sums[done - 1] = sums[done - 1] + sums[done]
        elif last - first <= 128:
            sums[done] = _block(x, first, last)
            done += 1
        else:
            half = (last - first) // 2
            half -= half % 8
            waiting_first[waiting], waiting_last[waiting] = -1, -1
            waiting_first[waiting + 1], waiting_last[waiting + 1] = first + half, last
            waiting_first[waiting + 2], waiting_last[waiting + 2] = first, first + half
            waiting += 3
    return sums[0]


@nb.njit(cache=True, nogil=True)
def _block(x: Float, first: int, last: int) -> float:
    n = last - first
    if n < 8:
        total = 0.0
        for i in range(first, last):
            total += x[i]
        return total
    lane = np.empty(8)
    for k in range(8):
        lane[k] = x[first + k]
    whole = n - n % 8
    for i in range(first + 8, first + whole, 8):
        for k in range(8):
            lane[k] += x[i + k]
    total = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]))
    for i in range(first + whole, last):
        total += x[i]
    return total


@nb.njit(cache=True, nogil=True)
def spread(x: Float) -> float:
    """Standard deviation."""
    mean = added(x) / len(x)
    off = np.empty(len(x))
    for i in range(len(x)):
        off[i] = (x[i] - mean) * (x[i] - mean)
    return np.sqrt(added(off) / len(x))


@nb.njit(cache=True, nogil=True)
def above(x: Float, least: float) -> int:
    """How many are more than ``least``."""
    n = 0
    for value in x:
        n += value > least
    return n


@nb.njit(cache=True, nogil=True)
def clipped_mean(x: Float, least: float, most: float) -> float:
    """Mean of the values, each brought between ``least`` and ``most``."""
    within = np.empty(len(x))
    for i in range(len(x)):
        within[i] = min(max(x[i], least), most)
    return added(within) / len(x)
