"""What a source of exchanges is: it delivers bytes in order, and is told what of them is stored.

At least once: whatever was delivered and not acknowledged before a crash is delivered again. The positions that the
store keeps with the state are the truth; what a broker remembers serves its monitors. A source knows nothing of
records: bytes go to `decode`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, Protocol, Self

import msgspec

from stillwatch.sources.bodies import Body
from stillwatch.store.protocol import Offset

Condition = Literal["starting", "reading", "away", "paused", "closed"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes from one partition. ``position`` is where to go on once they are stored."""

    source: str
    partition: str
    position: str
    body: Body


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How a source is. ``says`` tells why it is away (its broker cannot be reached) or paused."""

    condition: Condition
    says: str = ""


class Source(Protocol):
    """Every source does this; `tests/sources/test_contract_of_sources.py` holds all of them to it.

    Iterating gives batches of deliveries, of one partition in order, each position once; it waits where there is
    nothing new, may be cancelled while it waits, and ends when the source is closed. What is read ahead is bounded.
    """

    name: str

    async def start(self, offsets: Mapping[str, str]) -> None:
        """Begins after ``offsets`` (partition to position, as stored). Returns at once; a broker may be away."""
        ...

    def __aiter__(self) -> AsyncIterator[Sequence[Delivery]]: ...

    async def __anext__(self) -> Sequence[Delivery]: ...

    async def ack(self, positions: Mapping[str, str]) -> None:
        """Everything before these positions is stored. Never raises because a broker is away."""
        ...

    def state(self) -> State: ...

    def lag(self) -> int | None:
        """Messages (bytes, for files) that exist and were not delivered yet; None while that is not known."""
        ...

    def pause(self, because: str) -> None:
        """Delivers nothing more until ``resume``; what it reads from notices by its growing lag."""
        ...

    def resume(self) -> None: ...

    async def close(self) -> None:
        """Lets go of everything; nothing unacknowledged counts as read. May be called twice."""
        ...


def positions_of(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Partition to position, once all of these are stored."""
    return {item.partition: item.position for item in deliveries}


def offsets_of(source: str, positions: Mapping[str, str]) -> list[Offset]:
    """The same as the store keeps it."""
    return [Offset(source=source, partition=name, position=at) for name, at in positions.items()]


class Iterated:
    """``async for`` over whatever has ``__anext__``."""

    def __aiter__(self) -> Self:
        return self
