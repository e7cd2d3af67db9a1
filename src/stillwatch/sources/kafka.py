"""The Kafka protocol as a source: positions are ours, the broker is told afterwards for whoever watches lag.

A partition is ``topic/number``, a position the offset of the next message. Partitions that are assigned begin at the
furthest of three places: what was stored when we started, what was handed on in this session, what the group has
committed (all of it stored by somebody). The client is blocking and has one thread of its own. A topic deleted and
made anew is read from its beginning only while it is shorter than it was: the protocol does not tell the two apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stillwatch.sources.bodies import Body
from stillwatch.sources.config import Kafka
from stillwatch.sources.configure import secret_of
from stillwatch.sources.inbox import Backoff, Inbox
from stillwatch.sources.protocol import Delivery, Iterated, State

_POLL = 500
_POLL_S = 0.2
_SILENT = logging.getLogger("stillwatch.sources.kafka")
_AWAY = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE)  # noqa: SLF001 - its public names
_T = TypeVar("_T")


class KafkaSource(Iterated):
    """Deliveries of some topics, as one member of a consumer group."""

    def __init__(self, config: Kafka) -> None:
        self.name = config.name
        self._config = config
        self._inbox = Inbox()
        self._stored: dict[str, int] = {}  # positions, by partition
        self._next: dict[str, int] = {}
        self._lags: dict[str, int] = {}
        self._consumer: Any = None
        self._held_back = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"source {config.name}")
        self._guard = threading.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self, offsets: Mapping[str, str]) -> None:
        """Joins the group in the background. Raises ConfigError where a secret is not there."""
        self._stored = {name: int(at) for name, at in offsets.items() if at.isdigit()}
        self._task = asyncio.create_task(self._run(self._properties()), name=f"source {self.name}")

    def _properties(self) -> dict[str, Any]:
        config = self._config
        where = f"sources.{self.name}.secrets"
        return {
            "topic.metadata.refresh.interval.ms": 10_000,
            "allow.auto.create.topics": False,
            "client.id": "stillwatch",
            "reconnect.backoff.max.ms": 5_000,
            "queued.max.messages.kbytes": 32_768,
            **config.properties,
            **{name: secret_of(secret, f"{where}.{name}") for name, secret in config.secrets.items()},
            "bootstrap.servers": ",".join(config.brokers),
            "group.id": config.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest" if config.begin == "start" else "latest",
            "error_cb": self._on_error,
            "logger": _SILENT,
        }

    def _on_error(self, error: KafkaError) -> None:
        self._inbox.away(error.str()[:200] if error.code() in _AWAY else f"{error.name()}: {error.str()}"[:200])

    async def __anext__(self) -> Sequence[Delivery]:
        return await self._inbox.take()

    async def ack(self, positions: Mapping[str, str]) -> None:
        with self._guard:
            self._stored.update({name: int(at) for name, at in positions.items()})
        if self._consumer is not None:
            await self._in_thread(self._commit, dict(positions))

    def _commit(self, positions: Mapping[str, str]) -> None:
        told = [_partition(name, int(at)) for name, at in positions.items()]
        # not ours any more, or the broker is away: the next commit says it again
        with contextlib.suppress(KafkaException, RuntimeError):
            self._consumer.commit(offsets=told, asynchronous=True)

    def state(self) -> State:
        return self._inbox.state()

    def lag(self) -> int | None:
        """Messages up to the ends of our partitions as last heard; None before that."""
        with self._guard:
            return sum(self._lags.values()) + self._inbox.held() if self._lags else None

    def pause(self, because: str) -> None:
        self._inbox.pause(because)

    def resume(self) -> None:
        self._inbox.resume()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            await self._in_thread(self._leave)
        self._inbox.close()
        self._thread.shutdown(wait=False)

    async def _in_thread(self, call: Callable[..., _T], *given: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, functools.partial(call, *given))

    async def _run(self, properties: dict[str, Any]) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._in_thread(self._join, properties)
                while True:
                    found = await self._in_thread(self._poll)
                    if not found and self._inbox.state().condition in ("away", "starting"):
                        await self._in_thread(self._ask)
                    for delivery in self._deliveries(found):
                        backoff.reset()
                        await self._inbox.put(delivery)
            except KafkaException as error:
                self._inbox.away(str(error.args[0])[:200])
            except Exception as error:  # noqa: BLE001 - handed to whoever reads
                self._inbox.fail(error)
                return
            await self._in_thread(self._leave)
            await backoff.wait()

    def _join(self, properties: dict[str, Any]) -> None:
        self._consumer = Consumer(properties)
        self._consumer.subscribe(list(self._config.topics), on_assign=self._on_assign, on_revoke=self._on_revoke)

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaException, RuntimeError):
                consumer.close()

    def _on_assign(self, consumer: Any, given: list[TopicPartition]) -> None:
        try:
            committed = {_name(item): item.offset for item in consumer.committed(given, timeout=5)}
        except KafkaException:
            committed = {}
        begin: list[TopicPartition] = []
        for item in given:
            name = _name(item)
            with self._guard:
                places = (self._stored.get(name), self._next.get(name), committed.get(name))
            furthest = max((at for at in places if at is not None), default=-1)
            begin.append(_partition(name, self._within(consumer, item, furthest)) if furthest >= 0 else item)
        consumer.assign(begin)
        self._held_back = False

    def _within(self, consumer: Any, item: TopicPartition, furthest: int) -> int:
        """Where to begin: past its end lies nothing, so a log that is shorter than what was read of it is a new one."""
        with contextlib.suppress(KafkaException):
            low, high = consumer.get_watermark_offsets(item, timeout=5)
            if furthest > high:
                return low
        return furthest

    def _on_revoke(self, _consumer: Any, gone: list[TopicPartition]) -> None:
        """Somebody else goes on from what was committed; what we hold in the inbox is delivered twice, not lost."""
        with self._guard:
            for item in gone:
                self._next.pop(_name(item), None)
                self._lags.pop(_name(item), None)

    def _poll(self) -> list[Message]:
        """The client is asked even while nothing more may be read: it leaves the group otherwise."""
        full = self._inbox.full()
        if full != self._held_back:
            assigned = self._consumer.assignment()
            (self._consumer.pause if full else self._consumer.resume)(assigned)
            self._held_back = full
        return self._consumer.consume(_POLL, _POLL_S)

    def _ask(self) -> None:
        """Nothing came: whether there is nothing, or nobody to send it."""
        with contextlib.suppress(KafkaException):
            self._consumer.list_topics(timeout=1)
            if self._consumer.assignment():
                self._inbox.reading()

    def _deliveries(self, found: Sequence[Message]) -> list[Delivery]:
        made: list[Delivery] = []
        for message in found:
            error = message.error()
            if error is not None:
                self._on_message_error(error)
                continue
            self._inbox.reading()
            name = f"{message.topic()}/{message.partition()}"
            offset = message.offset() or 0
            self._note(name, offset + 1)
            made.append(self._delivery(message, name, offset))
        return made

    def _on_message_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            return
        self._on_error(error)
        if error.fatal():
            raise KafkaException(error)

    def _note(self, name: str, following: int) -> None:
        with self._guard:
            self._next[name] = following
            with contextlib.suppress(KafkaException, RuntimeError):
                _, high = self._consumer.get_watermark_offsets(_partition(name), cached=True)
                self._lags[name] = max(0, high - following)

    def _delivery(self, message: Message, name: str, offset: int) -> Delivery:
        headers = {key.lower(): value for key, value in message.headers() or () if isinstance(value, bytes)}
        body = Body(
            data=message.value() or b"",
            format=self._config.format,
            signal=self._config.signal,
            media_type=headers.get("content-type", b"").decode("latin-1"),
            encoding=headers.get("content-encoding", b"").decode("latin-1"),
            place=f"{name}/{offset}",
        )
        return Delivery(source=self.name, partition=name, position=str(offset + 1), body=body)


def _name(item: TopicPartition) -> str:
    return f"{item.topic}/{item.partition}"


def _partition(name: str, offset: int | None = None) -> TopicPartition:
    topic, _, number = name.rpartition("/")
    return TopicPartition(topic, int(number)) if offset is None else TopicPartition(topic, int(number), offset)
