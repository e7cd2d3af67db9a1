"""Sources → intake: what a source delivers is decoded, stored, and acknowledged, in that order.

Where the store or the disk is away, the source waits; nothing is skipped. A source that sends mostly rubbish is paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from stillwatch.clock import now
from stillwatch.errors import EngineError
from stillwatch.live.intake import Intake, Offer, Taken
from stillwatch.sources.decode import Decoded, Reading, decode_all
from stillwatch.sources.letters import Limit, Tally, dead_letters
from stillwatch.sources.protocol import Delivery, Source, offsets_of, positions_of
from stillwatch.store.protocol import Offset, Store

LONGEST_WAIT_S = 30.0


async def feed(source: Source, intake: Intake, store: Store, reading: Reading, limit: Limit) -> None:
    """Runs one source until it is closed or cancelled."""
    tally = Tally(limit)
    await source.start(await asyncio.to_thread(store.offsets, source.name))
    async for deliveries in source:
        decoded = await asyncio.to_thread(decode_all, [one.body for one in deliveries], at(reading))
        positions = positions_of(deliveries)
        await stored(intake, decoded, source.name, offsets_of(source.name, positions))
        await source.ack(positions)
        _judge(source, tally, decoded, deliveries)


def at(reading: Reading) -> Reading:
    """The same, as of now."""
    return msgspec.structs.replace(reading, now=now())


async def stored(intake: Intake, decoded: Decoded, name: str, offsets: Sequence[Offset]) -> Taken:
    """Offers until it is durable, waiting longer each time the store or the disk refuses."""
    wait_s = 0.25
    while True:
        offer = Offer(decoded.batch, dead_letters(name, decoded.letters, now()), offsets)
        try:
            return await asyncio.wrap_future(intake.offer(offer))
        except EngineError:
            await asyncio.sleep(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)


def _judge(source: Source, tally: Tally, decoded: Decoded, deliveries: Sequence[Delivery]) -> None:
    if not deliveries:
        return
    tally.add(decoded.batch.num_rows, decoded.rejected, decoded.letters)
    because = tally.too_many()
    if because is not None:
        source.pause(because)
        tally.forgive()
