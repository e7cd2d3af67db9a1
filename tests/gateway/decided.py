"""Decisions for tests, a fixed moment, and a real service on loopback that answers as the real one does."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stillwatch.gateway.publish import Publisher, tag_of
from stillwatch.gateway.snapshot import Snapshot, Stamp, decode, encode, microseconds, rows_of
from stillwatch.gateway.table import Table
from stillwatch.model import Decision

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOON_US = microseconds(NOON)
HOUR_US = 3_600_000_000


def decision(account: str = "crow", action: str = "deny", **other: Any) -> Decision:
    """Enforced from noon for a day unless said otherwise; ``starts_h``, ``ends_h`` are hours after noon."""
    starts = NOON + timedelta(hours=other.pop("starts_h", 0))
    ends = NOON + timedelta(hours=other.pop("ends_h", 24))
    given: dict[str, Any] = {
        "decision_id": f"d-{account}-{action}",
        "platform": "api",
        "account_id": account,
        "action": action,
        "value": 60.0 if action == "throttle" else None,
        "simulated": False,
        "rule": "r",
        "rule_version": "v",
        "made_at": NOON,
        "starts_at": starts,
        "expires_at": ends,
    }
    return Decision(**(given | other))


def snapshot(*decisions: Decision, version: int = 1, epoch: int = 0) -> Snapshot:
    return decode(encode(rows_of(decisions, NOON), Stamp(epoch, version), NOON))


def table_of(*decisions: Decision, heard_us: int = NOON_US, **options: Any) -> Table:
    """A table that heard of these decisions at noon."""
    table = Table(**options)
    table.apply(snapshot(*decisions), heard_us)
    return table


def current(account: str = "crow", action: str = "deny", **other: Any) -> Decision:
    """A decision that holds now by the clock, for tests through a real server."""
    now = datetime.now(UTC)
    times = {"made_at": now, "starts_at": now - timedelta(hours=1), "expires_at": now + timedelta(hours=1)}
    return decision(account, action, **(times | other))


class Service:
    """The snapshot route on loopback. ``broken``: answers this status; ``asked``: the queries that came."""

    def __init__(self, *, token: str = "", key: bytes | None = None, epoch: int = 0) -> None:
        self.publisher, self.token = Publisher(epoch=epoch, key=key), token
        self.broken, self.asked, self.sent = 0, [], []
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    def show(self, *decisions: Decision, version: int) -> None:
        self.publisher.publish(decisions, version, datetime.now(UTC))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_down(self) -> bool:
        return self._server is None

    def up(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                service.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that hang up in the middle are part of the tests."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server, self.broken = None, 0

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        tag = request.headers.get("If-None-Match")
        self.asked.append((query, tag))
        if self._server is None or self.broken:
            request.close_connection = True
            self._reply(request, self.broken or 503, b"no")
            return
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            self._reply(request, 401, b"no")
            return
        ends = time.monotonic() + float(query["wait"])
        while (found := self.publisher.since(tag, int(query["since"]), datetime.now(UTC))) is None:
            if time.monotonic() >= ends or self.is_down or self.broken:
                break
            time.sleep(0.01)
        self._reply(request, 200 if found else 304, found or b"")

    def _reply(self, request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        self.sent.append((status, len(body)))
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        if self.publisher.stamp:
            request.send_header("ETag", tag_of(self.publisher.stamp))
            request.send_header("X-Stillwatch-Version", str(self.publisher.stamp.version))
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def running(**options: Any) -> Generator[Service]:
    service = Service(**options)
    service.up()
    try:
        yield service
    finally:
        service.down()


def until(true: Any, timeout_s: float = 10.0) -> bool:
    """Wait until ``true()`` is."""
    ends = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.005)
    return True
