"""A service as its users run it, for the live bench: a process of its own, and bodies of exchanges to send to it.

Bodies are made once and sent many times under new exchange ids, so that sending costs little beside what it measures.
Reads /proc, so it knows CPU and memory on Linux alone. Knows nothing of campaigns: nobody in this traffic is one.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.access.roles import SCOPES, Caller
from stillwatch.access.tokens import make_token
from stillwatch.bench.traffic import exchanges, word_stream
from stillwatch.clock import now
from stillwatch.errors import EngineError
from stillwatch.serve.running import STORE_FILE
from stillwatch.store import Store, open_store

_STARTS_WITHIN_S = 120.0
_PLACEHOLDER = b"@@@@@@@@"  # of the sending's number, in every exchange id
_NEVER = 1_000_000_000  # exchanges before the first mining: it would be measured too
_WAYS = ("ingest:write", "decisions:read", "decisions:write", "metrics:read")


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What a process has used: CPU seconds since its start, resident bytes now.

    ``anonymous_bytes`` leaves out pages that are files' (mapped keys of exchange ids), which the system may drop.
    """

    cpu_s: float
    resident_bytes: int
    anonymous_bytes: int


class Service:
    """``stillwatch serve`` over an empty state directory, and its store opened beside it."""

    def __init__(self, popen: subprocess.Popen[bytes], url: str, token: str, store: Store) -> None:
        self.popen, self.url, self.token, self.store = popen, url, token, store

    def used(self) -> Used:
        """Threads included, from /proc."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        pages = Path(f"/proc/{self.popen.pid}/statm").read_text(encoding="ascii").split()
        held, of_files = (int(count) * os.sysconf("SC_PAGE_SIZE") for count in pages[1:3])
        ticks = int(fields[11]) + int(fields[12])
        return Used(cpu_s=ticks / os.sysconf("SC_CLK_TCK"), resident_bytes=held, anonymous_bytes=held - of_files)


@contextmanager
def served(folder: Path) -> Generator[Service]:
    """A running service that never mines, ended at the end. Raises EngineError where it does not start."""
    state, log = folder / "state", folder / "serve.log"
    state.mkdir(mode=0o700)
    config = folder / "stillwatch.toml"
    live = f"[live]\nstate = {msgspec.json.encode(str(state)).decode()}\nmine_after = {_NEVER}\n"
    config.write_text(f"{live}\n[serve]\nsecure_cookies = false\n", encoding="utf-8")
    command = [sys.executable, "-m", "stillwatch", "serve", "--config", str(config), "--port", "0"]
    environ = {**os.environ, "STILLWATCH_ADMIN_PASSWORD": secrets.token_urlsafe(24), "COLUMNS": "400"}
    with log.open("wb") as out:
        popen = subprocess.Popen(command, stdout=out, stderr=out, env=environ)  # noqa: S603 - our own program
    try:
        url = _waited(popen, log)
        store = open_store(state / STORE_FILE)
        try:
            yield Service(popen, url, _token(store), store)
        finally:
            store.close()
    finally:
        popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            popen.wait(timeout=60)
        popen.kill()
        popen.wait()


def _waited(popen: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until and popen.poll() is None:
        if found := re.search(r"serves on (http://\S+)", log.read_text(encoding="utf-8", errors="replace")):
            return found[1]
        time.sleep(0.05)
    raise EngineError(f"the service does not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def _token(store: Store) -> str:
    maker, at = Caller(name="bench", kind="person", scopes=frozenset(SCOPES), role="admin"), now()
    return make_token(store, maker, at, name="bench", scopes=_WAYS, expires_at=at + timedelta(days=1))[0]


def bodies_of(count: int, rows: int) -> list[bytes]:
    """NDJSON bodies of so many rows, all different, of the last fortnight; ``numbered`` gives each sending its ids."""
    stream = word_stream(np.random.default_rng(count), min(24_000_000, max(300_000, count * rows * 100)))
    return [_body(exchanges(number * rows, rows, stream)) for number in range(count)]


def numbered(body: bytes, sending: int) -> bytes:
    """The body with exchange ids of its own."""
    return body.replace(_PLACEHOLDER, b"%08x" % sending)


def _body(table: pa.Table) -> bytes:
    started = table.column("started_at")
    latest = pc.max(started).cast(pa.int64()).as_py()
    moved = pc.add(started.cast(pa.int64()), int(now().timestamp() * 1e6) - latest).cast(started.type)
    ids = pa.array([f"ex-{_PLACEHOLDER.decode()}-{number:06d}" for number in np.arange(table.num_rows).tolist()])
    for name, column in (("started_at", moved), ("exchange_id", ids)):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), column.cast(table.schema.field(at).type))
    rows = ({k: v for k, v in row.items() if v is not None} for row in table.to_pylist())
    return b"\n".join(map(msgspec.json.encode, rows))
