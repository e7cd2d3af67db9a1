"""Keeps a table fresh: one thread, one connection, a long poll that the service answers as soon as something changed.

Only the standard library and msgspec: a gateway that loads this gets no further HTTP client, and its own event loop
never waits for ours; ``AsyncClient`` is the same thread, started and stopped without blocking the loop. Redirects are
not followed and proxies of the environment not used, so the token goes to the named service and to nobody else. After
a fork, start a client in each worker: threads do not survive it.

    GET /v1/decisions/snapshot?since=VERSION&wait=SECONDS    If-None-Match: "EPOCH-VERSION"    Authorization: Bearer …
    200 with a snapshot or delta, or 304 when nothing changed. Anything else is a failure, and tried again later.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Thread
from typing import Self
from urllib.parse import urlsplit

import msgspec

from stillwatch.errors import ConfigError, InputError
from stillwatch.gateway import steady
from stillwatch.gateway.publish import tag_of
from stillwatch.gateway.snapshot import decode
from stillwatch.gateway.table import Table

_PATH = "/v1/decisions/snapshot"
_CONNECT_S = 5.0
_SLACK_S = 10.0  # a service that has not answered this long after ``wait_s`` is away
_LIMIT_BYTES = 2 << 30


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask. ``key`` is the service's signing key; ``pause_s`` spaces answers out when much changes."""

    token: str = ""
    key: bytes | None = None
    wait_s: float = 25.0
    pause_s: float = 0.2
    max_backoff_s: float = 30.0


class Client:
    """``with Client(url, table, options):`` keeps ``table`` fresh until it leaves. The service may come and go."""

    def __init__(self, url: str, table: Table, options: Options | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"{url!r} is no http or https address", where="gateway client")
        self._table, self._options = table, options or Options()
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._path = parts.path.rstrip("/") + _PATH
        self._stopped, self._fresh = Event(), Event()
        self._thread: Thread | None = None
        self._connection: HTTPConnection | None = None
        self.failures = 0  # in a row
        self.last_error = ""

    def start(self) -> Self:
        if self._thread is not None:
            raise ConfigError("was started before", where="gateway client", hint="a client is started once")
        self._thread = Thread(target=self._run, name="stillwatch-gateway", daemon=True)
        self._thread.start()
        return self

    def wait_fresh(self, timeout_s: float) -> bool:
        """Wait until the service answered for the first time; False where it did not in time."""
        return self._fresh.wait(timeout_s)

    def stop(self) -> None:
        """Ends the thread, also in the middle of a long poll. The table stays as it is and grows old."""
        self._stopped.set()
        self._hang_up()
        if self._thread is not None:
            self._thread.join(_CONNECT_S + 1)

    def _hang_up(self) -> None:
        connection = self._connection
        if connection is not None and (line := connection.sock) is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while not self._stopped.is_set():
            connection = self._connection = self._connect()
            with closing(connection):
                try:
                    while not self._stopped.is_set():
                        self._poll(connection)
                        self.failures, self.last_error = 0, ""
                        self._fresh.set()
                        self._stopped.wait(self._options.pause_s)
                except (OSError, HTTPException, InputError) as error:
                    if self._stopped.is_set():
                        return
                    self.failures += 1
                    self.last_error = f"{type(error).__name__}: {error}"
            longest = min(self._options.max_backoff_s, 0.25 * 2 ** min(self.failures, 16))
            self._stopped.wait(longest * random.uniform(0.5, 1.0))

    def _connect(self) -> HTTPConnection:
        if self._secure:
            trusted = ssl.create_default_context()
            return HTTPSConnection(self._host, self._port, timeout=_CONNECT_S, context=trusted)
        return HTTPConnection(self._host, self._port, timeout=_CONNECT_S)

    def _poll(self, connection: HTTPConnection) -> None:
        known, options = self._table.stamp, self._options
        headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
        # the first question, and the one after a failure, is answered at once: what is known may be all there is
        # and a quiet service has to be heard of well before the table would take its silence for absence
        wait_s = min(options.wait_s, self._table.stale_after_s / 3) if known and not self.failures else 0.0
        if known is not None and not self.last_error.startswith("InputError"):
            headers["If-None-Match"] = tag_of(known)
            path = f"{self._path}?since={known.version}&wait={wait_s:g}"
        else:
            path = f"{self._path}?since=0&wait=0"
        if connection.sock is None:
            connection.connect()
        if self._stopped.is_set():  # only now may ``stop`` be sure that it finds the socket
            return
        if connection.sock is not None:
            connection.sock.settimeout(wait_s + _SLACK_S)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read(_LIMIT_BYTES + 1)
        if answer.status == 304 and known is not None:
            self._table.heard(steady.now_us())
        elif answer.status == 200 and len(body) <= _LIMIT_BYTES:
            self._table.apply(decode(body, key=options.key, known=known), steady.now_us())
        else:
            raise ConnectionError(f"{self._host} answered {answer.status}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class AsyncClient:
    """``async with AsyncClient(url, table, options):`` the same for an event loop, which it never blocks."""

    def __init__(self, url: str, table: Table, options: Options | None = None) -> None:
        self.client = Client(url, table, options)

    async def wait_fresh(self, timeout_s: float) -> bool:
        return await asyncio.to_thread(self.client.wait_fresh, timeout_s)

    async def __aenter__(self) -> Self:
        self.client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.client.stop)


def started_from(read: Callable[[str], str | None]) -> tuple[Table, Client]:
    """A table and its running client, as ``STILLWATCH_*`` variables say; ``read`` gives one or None (os.environ.get).

    URL (needed), TOKEN, SNAPSHOT_KEY, STALE_AFTER_S, ON_STALE, ON_MISSING, SHARE. Raises ConfigError for a bad one.
    """
    url = read("STILLWATCH_URL")
    if not url:
        raise ConfigError("is not set", where="STILLWATCH_URL", hint="the address of the Stillwatch service")
    given = {name.lower(): read(f"STILLWATCH_{name}") for name in ("STALE_AFTER_S", "ON_STALE", "ON_MISSING", "SHARE")}
    try:
        settings = {n: float(v) if n in {"stale_after_s", "share"} else v for n, v in given.items() if v}
    except ValueError as error:
        raise ConfigError(str(error), where="STILLWATCH_STALE_AFTER_S or STILLWATCH_SHARE") from error
    table = Table(**settings)  # pyright: ignore[reportArgumentType] - checked by the table
    key = (read("STILLWATCH_SNAPSHOT_KEY") or "").encode() or None
    return table, Client(url, table, Options(token=read("STILLWATCH_TOKEN") or "", key=key)).start()
