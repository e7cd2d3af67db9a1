"""NATS JetStream as a source: one durable pull consumer, begun anew at the stored position whenever we start.

A partition is a stream and when it was created, so that a stream made anew is read from its beginning; a position is
the stream sequence after the last stored message. The consumer is made again at every start because the server hands
messages that a crashed reader had in flight out late, after newer ones, and a position could then pass over them.
Acknowledgements (of everything up to a message) let the server's monitors see how far we are. One reader per durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import api
from nats.js.errors import NotFoundError

from stillwatch.errors import ConfigError
from stillwatch.sources.bodies import Body
from stillwatch.sources.config import Nats
from stillwatch.sources.configure import secret_of
from stillwatch.sources.inbox import Backoff, Inbox
from stillwatch.sources.protocol import Delivery, Iterated, State

_FETCH = 500
_FETCH_S = 1.0
_LAG_EVERY_S = 5.0
_ACK_WAIT_S = 120.0  # longer than a micro-batch takes; what comes again is passed over
_NOTHING_YET = (TimeoutError, nats.errors.TimeoutError)


class NatsSource(Iterated):
    """Deliveries of one stream."""

    def __init__(self, config: Nats) -> None:
        self.name = config.name
        self._config = config
        self._inbox = Inbox()
        self._offsets: dict[str, str] = {}
        self._partition = ""
        self._delivered = 0  # sequence of the last message handed on in this session
        self._unacked: dict[int, Msg] = {}
        self._each = False  # whether every message is acknowledged by itself
        self._waiting: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._connection: Client | None = None

    async def start(self, offsets: Mapping[str, str]) -> None:
        """Connects in the background. Raises ConfigError where a secret is not there."""
        self._offsets = dict(offsets)
        options = self._connect_options()
        self._task = asyncio.create_task(self._run(options), name=f"source {self.name}")

    def _connect_options(self) -> dict[str, Any]:
        config = self._config
        options: dict[str, Any] = {
            "servers": list(config.servers),
            "name": f"stillwatch {config.name}",
            "connect_timeout": 5,
            # we begin anew ourselves: the consumer may be gone
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.05,
            "error_cb": self._on_error,
            "disconnected_cb": self._on_disconnect,
        }
        if config.credentials is not None:
            if find_spec("nkeys") is None:
                raise ConfigError(f"sources.{self.name}.credentials needs the package nkeys", hint="pip install nkeys")
            options["user_credentials"] = config.credentials
        if config.token is not None:
            options["token"] = secret_of(config.token, f"sources.{self.name}.token")
        if config.user is not None:
            options["user"] = config.user
            options["password"] = secret_of(config.password, f"sources.{self.name}.password")
        if config.ca_file is not None:
            try:
                options["tls"] = ssl.create_default_context(cafile=config.ca_file)
            except OSError as error:
                raise ConfigError(f"sources.{self.name}.ca_file: {config.ca_file} cannot be read") from error
        return options

    async def _on_error(self, error: Exception) -> None:
        if not isinstance(error, _NOTHING_YET):
            self._inbox.away(f"{type(error).__name__}: {error}"[:200])

    async def _on_disconnect(self) -> None:
        self._inbox.away("disconnected")

    async def __anext__(self) -> Sequence[Delivery]:
        return await self._inbox.take()

    async def ack(self, positions: Mapping[str, str]) -> None:
        self._offsets.update(positions)
        stored = int(positions.get(self._partition, 0))
        done = [sequence for sequence in self._unacked if sequence < stored]
        messages = [self._unacked.pop(sequence) for sequence in done]
        with contextlib.suppress(nats.errors.Error, OSError):
            for message in messages if self._each else messages[-1:]:  # the last speaks for all before it
                await message.ack()

    def state(self) -> State:
        return self._inbox.state()

    def lag(self) -> int | None:
        """Messages the server has not sent us (as of some seconds ago), and those read ahead."""
        return None if self._waiting is None else self._waiting + self._inbox.held()

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
        self._inbox.close()
        await self._disconnect()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(nats.errors.Error, OSError, asyncio.CancelledError):
                await asyncio.wait_for(connection.close(), 5)

    async def _run(self, options: dict[str, Any]) -> None:
        backoff = Backoff()
        while not _is_cancelled():
            try:
                self._connection = await asyncio.wait_for(nats.connect(**options), 30)
                await self._read(self._connection, backoff)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                self._inbox.away(f"{type(error).__name__}: {error}"[:200].rstrip(": "))
            except Exception as error:  # noqa: BLE001 - handed to whoever reads
                self._inbox.fail(error)
                return
            await self._disconnect()
            if not _is_cancelled():
                await backoff.wait()

    async def _read(self, connection: Client, backoff: Backoff) -> None:
        """Until the connection is lost. Raises what the client raises."""
        stream = connection.jetstream()
        await self._begin(stream)
        pull = await stream.pull_subscribe_bind(consumer=self._config.durable, stream=self._config.stream)
        asked = 0.0
        while connection.is_connected and not _is_cancelled():
            try:
                found = await pull.fetch(_FETCH, timeout=_FETCH_S)
            except _NOTHING_YET:
                found = []
            self._inbox.reading()
            backoff.reset()
            for message in found:
                await self._take(message)
            if time.monotonic() - asked > _LAG_EVERY_S:
                self._waiting = (await pull.consumer_info()).num_pending
                asked = time.monotonic()
        raise nats.errors.StaleConnectionError

    async def _begin(self, stream: Any) -> None:
        """Makes the consumer anew, at the first message that is not stored."""
        info = await stream.stream_info(self._config.stream)
        created = info.created.isoformat(timespec="seconds") if info.created else ""
        partition = f"{self._config.stream}@{created}"
        if partition != self._partition:
            self._partition, self._delivered = partition, 0
        self._unacked.clear()
        begin = await self._begins_at(stream)
        if begin > info.state.last_seq + 1:
            begin, self._delivered = 0, 0  # the stream lost messages that we had: what comes now is new
        with contextlib.suppress(NotFoundError):
            await stream.delete_consumer(self._config.stream, self._config.durable)
        self._each = whole = info.config.retention == api.RetentionPolicy.WORK_QUEUE  # takes no consumer that skips
        policy = api.DeliverPolicy.BY_START_SEQUENCE if begin > 0 and not whole else api.DeliverPolicy.ALL
        if begin < 0 and not whole:
            policy = api.DeliverPolicy.NEW
        self._delivered = max(self._delivered, begin - 1)
        config = api.ConsumerConfig(
            durable_name=self._config.durable,
            deliver_policy=policy,
            opt_start_seq=begin if policy == api.DeliverPolicy.BY_START_SEQUENCE else None,
            ack_policy=api.AckPolicy.ALL if not whole else api.AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_S,
            max_ack_pending=self._config.max_unstored,
            filter_subject=None if self._config.subject == ">" else self._config.subject,
        )
        await stream.add_consumer(self._config.stream, config)

    async def _begins_at(self, stream: Any) -> int:
        """First sequence to read: after what is stored, else where the durable stood; 0 the beginning, -1 the end."""
        stored = self._offsets.get(self._partition)
        if stored is not None and stored.isdigit():
            return int(stored)
        try:
            info = await stream.consumer_info(self._config.stream, self._config.durable)
        except NotFoundError:
            return -1 if self._config.begin == "end" and self._delivered == 0 else 0
        floor = info.ack_floor.stream_seq if info.ack_floor is not None else 0
        return floor + 1

    async def _take(self, message: Msg) -> None:
        sequence = message.metadata.sequence.stream
        self._unacked[sequence] = message
        if sequence <= self._delivered:
            return  # handed on already, not yet stored; or stored, and the server was not told
        headers = message.headers or {}
        body = Body(
            data=message.data,
            format=self._config.format,
            signal=self._config.signal,
            media_type=headers.get("Content-Type", ""),
            encoding=headers.get("Content-Encoding", ""),
            place=f"{self._config.stream}/{sequence}",
        )
        self._delivered = sequence
        await self._inbox.put(
            Delivery(source=self.name, partition=self._partition, position=str(sequence + 1), body=body)
        )


def _is_cancelled() -> bool:
    """Whether this task is to end: the client turns being cancelled into errors of its own, which are caught."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
