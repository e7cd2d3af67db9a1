"""A service over a state directory, for tests: opened in this process, or run as its users run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pyarrow as pa

from stillwatch.access.roles import SCOPES, Caller
from stillwatch.access.tokens import make_token
from stillwatch.clock import now
from stillwatch.live.intake import Intake, Offer, Taken
from stillwatch.live.segments import SegmentLog
from stillwatch.sources.decode import SCHEMA
from stillwatch.store import Store, open_store
from stillwatch.text import load_model

PASSWORD = "correct horse battery staple"  # noqa: S105 - of services that live as long as a test


@contextmanager
def intake_at(
    path: Path, told: list[pa.Table] | None = None, store: Store | None = None
) -> Generator[Intake, None, None]:
    """A running intake over ``path``."""
    opened = store or open_store(path / "store.sqlite")
    intake = Intake(
        SegmentLog(path / "segments"),
        opened,
        load_model(),
        b"salt",
        retention=timedelta(days=90),
        told=lambda prints, _: told.append(prints) if told is not None else None,
        filter_bits=1 << 16,
    )
    intake.start()
    try:
        yield intake
    finally:
        intake.stop()
        opened.close()


def offered(intake: Intake, batch: pa.RecordBatch) -> Taken:
    return intake.offer(Offer(batch)).result(timeout=30)


def batch_of(table: pa.Table) -> pa.RecordBatch:
    return table.select(SCHEMA.names).cast(SCHEMA).combine_chunks().to_batches()[0]


def ndjson(table: pa.Table) -> bytes:
    rows = table.to_pylist()
    for row in rows:
        row["started_at"] = row["started_at"].isoformat()
    return "\n".join(json.dumps({k: v for k, v in row.items() if v is not None}) for row in rows).encode()


class Process:
    """``stillwatch serve`` over a state directory, on a port of its own."""

    def __init__(self, state: Path, *extra: str, environ: dict[str, str] | None = None) -> None:
        config = state.parent / f"{state.name}.toml"
        lines = [f'[live]\nstate = "{state}"\nmine_after = 1000000000\n', "[serve]\nsecure_cookies = false\n", *extra]
        config.write_text("\n".join(lines))
        self.config = config
        command = [sys.executable, "-m", "stillwatch", "serve", "--config", str(config), "--port", "0"]
        self.log = state.parent / f"{state.name}.log"
        with self.log.open("wb") as log:
            told = {**os.environ, "STILLWATCH_ADMIN_PASSWORD": PASSWORD, "COLUMNS": "200", **(environ or {})}
            self.popen = subprocess.Popen(command, stdout=log, stderr=log, env=told)
        self.url = self._waited()

    def _waited(self) -> str:
        until = time.monotonic() + 90
        while time.monotonic() < until:
            found = re.search(r"serves on (http://\S+)", self.log.read_text())
            if found:
                return found[1]
            assert self.popen.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def client(self, *scopes: str) -> httpx.Client:
        """A program's client: with a token of these scopes."""
        with self.person() as person:
            answer = person.post("/v1/tokens", json={"name": "test", "scopes": list(scopes)})
            assert answer.status_code == 201, answer.text
        headers = {"authorization": f"Bearer {answer.json()['secret']}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    @contextmanager
    def person(self, name: str = "admin", password: str = PASSWORD) -> Generator[httpx.Client, None, None]:
        """A person's client: logged in, with the CSRF token in its headers."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            answer = client.post("/v1/login", json={"name": name, "password": password})
            assert answer.status_code == 200, answer.text
            client.headers["x-csrf-token"] = answer.json()["csrf_token"]
            yield client

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(timeout=30)

    def stop(self) -> None:
        self.popen.terminate()
        self.popen.wait(timeout=60)


ROOT = Caller(name="tests", kind="person", scopes=frozenset(SCOPES), role="admin")


def token_for(store: Store, *scopes: str, days: float = 1.0) -> dict[str, str]:
    """Headers of a program with these scopes."""
    at = now()
    secret, _ = make_token(store, ROOT, at, name="t", scopes=scopes, expires_at=at + timedelta(days=days))
    return {"authorization": f"Bearer {secret}"}
