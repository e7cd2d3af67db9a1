"""What time it is for a gateway: the wall clock as it was at start, carried on by the monotonic clock.

A wall clock that is set back would prolong a refusal, one that is set forward would end it; this one does neither.
It knows nothing of the service's clock: ``Table.status`` shows how far the two are apart.
"""

from __future__ import annotations

import time

_STARTED_AT_NS = time.time_ns() - time.monotonic_ns()


def now_us() -> int:
    """Microseconds since 1970 (UTC), never running backwards within a process."""
    return (_STARTED_AT_NS + time.monotonic_ns()) // 1000
