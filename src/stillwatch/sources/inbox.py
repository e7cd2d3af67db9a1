"""What stands between a reader and whoever takes from it: bounded, pausable, safe to cancel while waiting.

Also how long to wait before trying a broker again. One event loop only; threads hand over through their loop.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque

from stillwatch.sources.protocol import Delivery, State

MOST_BYTES = 64 << 20
MOST_DELIVERIES = 20_000
_BATCH_BYTES = 8 << 20  # handed over at once, so that a micro-batch can be decoded in one go
_BATCH_DELIVERIES = 5_000


class Inbox:
    """Deliveries in order. ``put`` waits while it is full, ``take`` while it is empty or paused."""

    def __init__(self, most_bytes: int = MOST_BYTES, most: int = MOST_DELIVERIES) -> None:
        self._most_bytes, self._most = most_bytes, most
        self._items: deque[Delivery] = deque()
        self._bytes = 0
        self._changed = asyncio.Condition()
        self._paused: str | None = None
        self._closed = False
        self._error: BaseException | None = None
        self._state = State(condition="starting")

    def full(self) -> bool:
        """Whether nothing more should be read now. One delivery always fits, however large."""
        return bool(self._items) and (self._bytes >= self._most_bytes or len(self._items) >= self._most)

    def held(self) -> int:
        """Deliveries read ahead."""
        return len(self._items)

    def held_bytes(self) -> int:
        """Their bytes."""
        return self._bytes

    async def put(self, delivery: Delivery) -> None:
        """Adds one, once there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.full() or self._closed)
            if not self._closed:
                self._items.append(delivery)
                self._bytes += len(delivery.body.data)
                self._changed.notify_all()

    async def take(self) -> tuple[Delivery, ...]:
        """At least one delivery. Raises StopAsyncIteration when closed, and what the reader broke with."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or (self._paused is None and self._any()))
            if self._error is not None and not self._items:
                raise self._error
            if self._closed:
                raise StopAsyncIteration
            taken: list[Delivery] = []
            size = 0
            while self._items and len(taken) < _BATCH_DELIVERIES and size < _BATCH_BYTES:
                taken.append(self._items.popleft())
                size += len(taken[-1].body.data)
            self._bytes -= size
            self._changed.notify_all()
            return tuple(taken)

    def _any(self) -> bool:
        return bool(self._items) or self._error is not None

    def reading(self) -> None:
        """All is well."""
        if self._state.condition != "reading":
            self._state = State(condition="reading")

    def away(self, says: str) -> None:
        """What is read from cannot be reached; the reader goes on trying."""
        self._state = State(condition="away", says=says)

    def state(self) -> State:
        """A pause hides what lies beneath it, closing both."""
        if self._closed:
            return State(condition="closed")
        return self._state if self._paused is None else State(condition="paused", says=self._paused)

    def pause(self, because: str) -> None:
        """Holds everything back."""
        self._paused = because

    def resume(self) -> None:
        """Lets it go again."""
        self._paused = None
        self._wake()

    def fail(self, error: BaseException) -> None:
        """The reader broke: whoever takes next is told."""
        self._error = error
        self._wake()

    def close(self) -> None:
        """Wakes everybody who waits."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        async def notify() -> None:
            async with self._changed:
                self._changed.notify_all()

        self._waker = asyncio.ensure_future(notify())


class Backoff:
    """Waits that grow by half from ``first_s`` to ``most_s``, each shaken by a fifth so that not all return at once."""

    def __init__(self, first_s: float = 0.1, most_s: float = 15.0) -> None:
        self._first_s, self._most_s = first_s, most_s
        self._next_s = first_s

    async def wait(self) -> None:
        """The next wait."""
        wait_s = self._next_s * random.uniform(0.8, 1.2)
        self._next_s = min(self._next_s * 1.5, self._most_s)
        await asyncio.sleep(wait_s)

    def reset(self) -> None:
        """It worked: the next wait is a short one again."""
        self._next_s = self._first_s
