"""One harness per kind of source: something to read from, a way to add to it, and a way to take it away for a while."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from brokers import Door, Server, free_port, kafka_broker

from stillwatch.sources.config import Files, Kafka, Nats
from stillwatch.sources.configure import open_source
from stillwatch.sources.protocol import Delivery, Source, positions_of

PATIENCE_S = 40.0


class Harness(Protocol):
    async def up(self) -> None: ...
    async def send(self, texts: Sequence[str]) -> None: ...
    async def go_away(self) -> None: ...
    async def come_back(self) -> None: ...
    async def down(self) -> None: ...
    def source(self) -> Source: ...


class FilesHarness:
    """Away: the file is renamed, and for a while there is none of its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / uuid.uuid4().hex
        self._folder.mkdir()
        self._path = self._folder / "app.log"
        self._rotations = 0

    async def up(self) -> None:
        self._path.touch()

    async def send(self, texts: Sequence[str]) -> None:
        with self._path.open("a") as file:
            file.writelines(text + "\n" for text in texts)

    async def go_away(self) -> None:
        self._rotations += 1
        self._path.rename(self._folder / f"old.{self._rotations}")

    async def come_back(self) -> None:
        self._path.touch()

    async def down(self) -> None: ...

    def source(self) -> Source:
        return open_source(Files(name="files", paths=(str(self._path),), poll_s=0.02, settle_s=0.1))


class NatsHarness:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._name = "s" + uuid.uuid4().hex[:12]

    async def _stream(self) -> Any:
        import nats

        self._client = await nats.connect(f"nats://127.0.0.1:{self._server.port}")
        return self._client.jetstream()

    async def up(self) -> None:
        stream = await self._stream()
        await stream.add_stream(name=self._name, subjects=[self._name])
        await self._client.close()

    async def send(self, texts: Sequence[str]) -> None:
        stream = await self._stream()
        for text in texts:
            await stream.publish(self._name, text.encode())
        await self._client.close()

    async def go_away(self) -> None:
        self._server.kill()

    async def come_back(self) -> None:
        import nats.errors

        await asyncio.to_thread(self._server.start)
        for _ in range(200):  # it listens before its streams are there
            stream = await self._stream()
            try:
                await stream.stream_info(self._name)
            except nats.errors.Error:
                await asyncio.sleep(0.05)
            else:
                return
            finally:
                await self._client.close()

    async def down(self) -> None: ...

    def source(self) -> Source:
        servers = (f"nats://127.0.0.1:{self._server.port}",)
        return open_source(Nats(name="nats", servers=servers, stream=self._name, durable="tests"))


class KafkaHarness:
    """Away: connections break and no new ones come through. The broker keeps all in memory: it is not killed here."""

    def __init__(self, broker: Server, door: Door) -> None:
        self._broker, self._door = broker, door
        self._topic = "t" + uuid.uuid4().hex[:12]
        self._sent = 0

    async def up(self) -> None:
        self._door.open()
        await asyncio.to_thread(make_topic, self._door.port, self._topic)

    async def send(self, texts: Sequence[str]) -> None:
        await asyncio.to_thread(produce, self._door.port, self._topic, texts, self._sent)
        self._sent += len(texts)

    async def go_away(self) -> None:
        self._door.shut()

    async def come_back(self) -> None:
        self._door.open()

    async def down(self) -> None:
        self._door.shut()

    def source(self) -> Source:
        return open_source(
            Kafka(
                name="kafka",
                brokers=(f"127.0.0.1:{self._door.port}",),
                topics=(self._topic,),
                group=self._topic,
                properties={"session.timeout.ms": "6000", "reconnect.backoff.max.ms": "500"},
            )
        )


def _quiet(port: int) -> dict[str, Any]:
    import logging

    return {"bootstrap.servers": f"127.0.0.1:{port}", "logger": logging.getLogger("tests.kafka")}


def make_topic(port: int, topic: str) -> None:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient(_quiet(port))  # has to outlive what it is asked
    for made in admin.create_topics([NewTopic(topic, 2, 1)]).values():
        made.result(20)


def produce(port: int, topic: str, texts: Sequence[str], first: int = 0) -> None:
    """In turn to partition 0 and 1."""
    from confluent_kafka import Producer

    producer = Producer(_quiet(port))
    for number, text in enumerate(texts, first):
        producer.produce(topic, text.encode(), partition=number % 2)
    assert producer.flush(20) == 0


def texts_of(delivery: Delivery) -> list[str]:
    return delivery.body.data.decode().splitlines()


class Taken:
    """What came out of a source, and the positions after it."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    @property
    def texts(self) -> list[str]:
        return [text for delivery in self.deliveries for text in texts_of(delivery)]

    @property
    def positions(self) -> dict[str, str]:
        return positions_of(self.deliveries)


async def take(source: Source, count: int, *, ack: bool = True, taken: Taken | None = None) -> Taken:
    """At least ``count`` texts, counted with those taken before."""
    taken = taken or Taken()

    async def until() -> None:
        while len(taken.texts) < count:
            found = await source.__anext__()
            taken.deliveries.extend(found)
            if ack:
                await source.ack(positions_of(found))

    await asyncio.wait_for(until(), PATIENCE_S)
    return taken


async def started(harness: Harness, offsets: Mapping[str, str] | None = None) -> Source:
    source = harness.source()
    await source.start(offsets or {})
    return source


def door_for(folder: Path) -> tuple[Server, Door]:
    door = Door(free_port())
    broker = kafka_broker(folder, advertised=door.port)
    door.target = broker.port
    return broker, door
