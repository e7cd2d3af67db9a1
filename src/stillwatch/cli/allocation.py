"""How the C library keeps memory that was freed: for a process of its own, not for a library in another's.

A scan makes and drops arrays of megabytes by the ten thousand. By default each of them is given back to the system and
asked for again, page by page: a tenth of the time. It knows glibc only; elsewhere nothing changes.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_MOST = 32 << 20  # bytes; glibc takes no larger threshold for arrays that get a mapping of their own
_KEPT = 1 << 30  # bytes that may stay at the end of the heap


def keep_freed_memory() -> bool:
    """Reuse what was freed rather than return it at once. False where the C library cannot be told."""
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is None:
        return False
    return bool(tell(_MMAP_THRESHOLD, _MOST)) and bool(tell(_TRIM_THRESHOLD, _KEPT))


__all__ = ["keep_freed_memory"]
