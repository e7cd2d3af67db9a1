"""What every source must do, against the real thing it reads from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from harnesses import PATIENCE_S, Harness, Taken, started, take, texts_of

from stillwatch.sources.protocol import Source

every_source = pytest.mark.parametrize(
    "harness",
    # a group of the Kafka protocol takes seconds to form: one of its tests runs by default
    ["files", "nats", pytest.param("kafka", marks=pytest.mark.slow)],
    indirect=True,
)
every_source_always = pytest.mark.parametrize("harness", ["files", "nats", "kafka"], indirect=True)


def run(harness: Harness, story: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        try:
            await harness.up()
            await story()
        finally:
            await harness.down()

    asyncio.run(all_of_it())


def numbers(first: int, count: int) -> list[str]:
    return [f"message {number}" for number in range(first, first + count)]


def in_order(taken: Taken) -> bool:
    by_partition: dict[str, list[int]] = {}
    for delivery in taken.deliveries:
        found = by_partition.setdefault(delivery.partition, [])
        found += [int(text.split()[1]) for text in texts_of(delivery)]
    return all(found == sorted(found) for found in by_partition.values())


@every_source
def test_everything_comes_once_and_in_order_within_a_partition(harness: Harness) -> None:
    async def story() -> None:
        await harness.send(numbers(0, 300))
        source = await started(harness)
        taken = await take(source, 300)
        await harness.send(numbers(300, 200))
        await take(source, 500, taken=taken)
        assert sorted(taken.texts) == sorted(numbers(0, 500))
        assert in_order(taken)
        assert {delivery.source for delivery in taken.deliveries} == {source.name}
        assert source.state().condition == "reading"
        await source.close()

    run(harness, story)


@every_source_always
def test_after_a_crash_it_goes_on_at_the_stored_positions_and_loses_nothing(harness: Harness) -> None:
    async def story() -> None:
        await harness.send(numbers(0, 100))
        source = await started(harness)
        stored = await take(source, 100)
        await harness.send(numbers(100, 100))
        lost = await take(source, 100, ack=False)  # delivered, and the process dies before it is stored
        await source.close()
        await harness.send(numbers(200, 50))
        again = await started(harness, stored.positions)
        rest = await take(again, 150)
        assert sorted(lost.texts) == sorted(numbers(100, 100))
        assert sorted(rest.texts) == sorted(numbers(100, 150))
        assert in_order(rest)
        await again.close()

    run(harness, story)


@every_source
def test_what_it_reads_from_goes_away_and_comes_back(harness: Harness) -> None:
    async def story() -> None:
        await harness.send(numbers(0, 50))
        source = await started(harness)
        taken = await take(source, 50)
        await harness.go_away()
        await asyncio.sleep(0.3)
        await harness.come_back()
        await harness.send(numbers(50, 50))
        await take(source, 100, taken=taken)
        assert sorted(taken.texts) == sorted(numbers(0, 100))
        await source.close()
        again = await started(harness, taken.positions)
        await harness.send(numbers(100, 5))
        assert sorted((await take(again, 5)).texts) == sorted(numbers(100, 5))
        await again.close()

    run(harness, story)


@every_source
def test_it_starts_while_there_is_nothing_to_read_from(harness: Harness) -> None:
    async def story() -> None:
        await harness.send(numbers(0, 10))
        await harness.go_away()
        source = await started(harness)
        waiting = asyncio.ensure_future(take(source, 3))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await harness.come_back()
        await harness.send(numbers(10, 3))
        assert (await waiting).texts
        await source.close()

    run(harness, story)


@every_source
def test_waiting_can_be_cancelled_and_loses_nothing(harness: Harness) -> None:
    async def story() -> None:
        source = await started(harness)
        taken = Taken()
        sending = asyncio.ensure_future(_trickle(harness, 60))
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while len(taken.texts) < 60 and asyncio.get_running_loop().time() < end:
            try:
                taken.deliveries.extend(await asyncio.wait_for(source.__anext__(), 0.01))
            except TimeoutError:
                continue
        await sending
        assert sorted(taken.texts) == sorted(numbers(0, 60))
        await source.close()

    run(harness, story)


async def _trickle(harness: Harness, count: int) -> None:
    for number in range(0, count, 10):
        await harness.send(numbers(number, 10))
        await asyncio.sleep(0.02)


@every_source
def test_a_paused_source_holds_back_and_goes_on_where_it_was(harness: Harness) -> None:
    async def story() -> None:
        await harness.send(numbers(0, 20))
        source = await started(harness)
        taken = await take(source, 20)
        source.pause("half of its rows were rejected")
        await harness.send(numbers(20, 20))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(source.__anext__(), 0.3)
        assert source.state().condition == "paused"
        assert source.state().says == "half of its rows were rejected"
        source.resume()
        await take(source, 40, taken=taken)
        assert sorted(taken.texts) == sorted(numbers(0, 40))
        await source.close()

    run(harness, story)


@every_source
def test_closing_ends_the_iteration_and_may_happen_twice(harness: Harness) -> None:
    async def story() -> None:
        source = await started(harness)
        waiting = asyncio.ensure_future(_all_of(source))
        await asyncio.sleep(0.05)
        await source.close()
        await source.close()
        assert await asyncio.wait_for(waiting, PATIENCE_S) == 0
        assert source.state().condition == "closed"

    run(harness, story)


async def _all_of(source: Source) -> int:
    return sum([len(found) async for found in source])
