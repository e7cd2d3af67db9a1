"""Files and directories as a source: what is appended, rotated, truncated or dropped there, delivered once each.

A file is known by device, inode and a hash of its first bytes, not by its name; how far it was read by a byte offset
and a hash of the bytes before it, so that another content under the same inode is noticed. Lines are delivered with
their newline; the last, unfinished one waits. Whatever is no file of lines (Parquet, compressed, one JSON document) is
delivered when it has settled. Looks again every ``poll_s``; knows nothing of inotify, and works on network mounts.

Two things cannot be told apart: a file truncated and refilled with the same bytes, and one that was never touched.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import msgspec

from stillwatch.sources.config import Files
from stillwatch.sources.inbox import Inbox
from stillwatch.sources.protocol import Delivery, Iterated, State
from stillwatch.sources.tails import Tail, Watched


class FileSource(Iterated):
    """Deliveries of all files behind ``config.paths``; a partition is one file."""

    def __init__(self, config: Files) -> None:
        self.name = config.name
        self._config = config
        self._inbox = Inbox()
        self._watched = Watched(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, offsets: Mapping[str, str]) -> None:
        """Begins where the stored positions say; a file they do not know from its start (or end, see ``begin``)."""
        self._watched.resume(offsets)
        self._task = asyncio.create_task(self._run(), name=f"source {self.name}")

    async def __anext__(self) -> Sequence[Delivery]:
        return await self._inbox.take()

    async def ack(self, positions: Mapping[str, str]) -> None:
        """Files remember nothing."""

    def state(self) -> State:
        return self._inbox.state()

    def lag(self) -> int | None:
        """Bytes not delivered, as of the last look."""
        return self._watched.unread() + self._inbox.held_bytes()

    def pause(self, because: str) -> None:
        self._inbox.pause(because)

    def resume(self) -> None:
        self._inbox.resume()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._inbox.close()
        self._watched.close()

    async def _run(self) -> None:
        try:
            while True:
                tails = await asyncio.to_thread(self._watched.look)
                problem = self._watched.problem
                if problem is None:
                    self._inbox.reading()
                else:
                    self._inbox.away(problem)
                read = False
                for tail in tails:
                    read |= await self._drain(tail)
                if not read:
                    await asyncio.sleep(self._config.poll_s)
        except Exception as error:  # noqa: BLE001 - handed to whoever reads
            self._inbox.fail(error)

    async def _drain(self, tail: Tail) -> bool:
        """Everything new in one file."""
        read = False
        while (found := await asyncio.to_thread(tail.read, self._config.settle_s)) is not None:
            read = True
            body = msgspec.structs.replace(found[0], format=self._config.format, signal=self._config.signal)
            await self._inbox.put(Delivery(source=self.name, partition=tail.partition, position=found[1], body=body))
        return read
