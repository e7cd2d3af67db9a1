"""Which exchange ids are already stored: a filter of fixed size in memory before exact, sorted keys on disk.

The filter answers "surely new" for nearly every exchange; the rest is looked up in the segments' own keys. Memory does
not grow with traffic: a full filter only asks the disk more often. It forgets an id with its segment.
"""

from __future__ import annotations

from collections.abc import Iterable

import numba as nb
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]
PROBES = 5  # bits set in one block of 512: about 1 % false alarms at 10 bits an id
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Seen:
    """``bits``: size of the filter, a power of two (2**30 is 128 MiB, good for about 100 M ids)."""

    def __init__(self, bits: int = 1 << 30) -> None:
        self._filter = np.zeros(bits // 64, dtype=np.uint64)
        self._runs: dict[str, Ids] = {}

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs.values())

    def new(self, ids: Ids) -> Bool:
        """Which rows are seen for the first time: neither stored before nor earlier among these. O(n log n)."""
        fresh = np.zeros(len(ids), dtype=np.bool_)
        fresh[np.unique(ids, return_index=True)[1]] = True
        asked = np.flatnonzero(fresh & _maybe(self._filter, ids))
        if len(asked):
            fresh[asked] = ~self._stored(ids[asked])
        return fresh

    def add(self, name: str, run: Ids) -> None:
        """``run``: the sorted keys of a stored segment."""
        self._runs[name] = run
        _mark(self._filter, np.asarray(run))

    def replace(self, old: Iterable[str], name: str | None, run: Ids | None) -> None:
        """Segments became one, or went (``name`` None). The filter keeps their bits: it may err on that side."""
        for gone in old:
            self._runs.pop(gone, None)
        if name is not None and run is not None:
            self._runs[name] = run

    def _stored(self, ids: Ids) -> Bool:
        found = np.zeros(len(ids), dtype=np.bool_)
        for run in self._runs.values():
            place = np.searchsorted(run, ids)
            found |= (place < len(run)) & (run[np.minimum(place, len(run) - 1)] == ids)
        return found


@nb.njit(cache=True, nogil=True)
def _mark(words: Ids, ids: Ids) -> None:
    blocks = np.uint64(len(words) // 8)
    for key in ids:
        block = (key % blocks) * np.uint64(8)
        bits = key * _SPREAD
        for _ in range(PROBES):
            place = bits >> np.uint64(55)
            words[block + (place >> np.uint64(6))] |= np.uint64(1) << (place & np.uint64(63))
            bits = bits * _SPREAD + np.uint64(1)


@nb.njit(cache=True, nogil=True)
def _maybe(words: Ids, ids: Ids) -> Bool:
    blocks = np.uint64(len(words) // 8)
    found = np.ones(len(ids), dtype=np.bool_)
    for i in range(len(ids)):
        block = (ids[i] % blocks) * np.uint64(8)
        bits = ids[i] * _SPREAD
        for _ in range(PROBES):
            place = bits >> np.uint64(55)
            if not words[block + (place >> np.uint64(6))] & (np.uint64(1) << (place & np.uint64(63))):
                found[i] = False
                break
            bits = bits * _SPREAD + np.uint64(1)
    return found
