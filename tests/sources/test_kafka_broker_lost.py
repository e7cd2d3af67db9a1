"""A broker of the Kafka protocol that comes back without what it had: what it gets then is read all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from brokers import kafka_broker
from harnesses import make_topic, produce, take

from stillwatch.sources.config import Kafka
from stillwatch.sources.configure import open_source


@pytest.mark.slow
def test_a_broker_that_lost_its_log_is_read_from_the_start_of_the_new_one(tmp_path: Path) -> None:
    broker = kafka_broker(tmp_path)

    async def story() -> None:
        await asyncio.to_thread(broker.start)
        await asyncio.to_thread(make_topic, broker.port, "calls")
        await asyncio.to_thread(produce, broker.port, "calls", [f"old {number}" for number in range(20)])
        address = (f"127.0.0.1:{broker.port}",)
        properties = {"session.timeout.ms": "6000", "reconnect.backoff.max.ms": "500"}
        source = open_source(Kafka(name="k", brokers=address, topics=("calls",), properties=properties))
        await source.start({})
        assert len((await take(source, 20)).texts) == 20
        broker.kill()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(broker.start)
        await asyncio.to_thread(make_topic, broker.port, "calls")
        await asyncio.to_thread(produce, broker.port, "calls", ["new 0", "new 1", "new 2"])
        taken = await take(source, 3)
        assert sorted(taken.texts) == ["new 0", "new 1", "new 2"]
        await source.close()

    try:
        asyncio.run(story())
    finally:
        broker.kill()
