"""A real HTTP server on this machine that answers as it is told: well, badly, slowly, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

Answer = int | tuple[int, str] | Literal["hang", "close", "drip"]


@dataclass(kw_only=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class Server:
    """``script``: one answer a request, the last one for ever; ``(503, "2")`` adds a Retry-After header."""

    script: list[Answer]
    got: list[Received] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "/services/T0/B0/secret-token") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.got.append(Received(path=first.split(" ")[1], headers=headers, body=body))
            told = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if told == "hang":
                await asyncio.sleep(30)
            elif told == "drip":
                writer.write(b"HTTP/1.1 200 OK\r\n")
                while True:
                    writer.write(b"x-slow: 1\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            elif told != "close":
                status, wait = told if isinstance(told, tuple) else (told, "")
                more = f"Retry-After: {wait}\r\n" if wait else ""
                more += "Location: http://127.0.0.1:1/elsewhere\r\n" if 300 <= status < 400 else ""
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n{more}Connection: close\r\n\r\nok".encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(script: Sequence[Answer]) -> AsyncGenerator[Server]:
    server = Server(script=list(script))
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await server.answer(reader, writer)
        except asyncio.CancelledError:
            return

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
