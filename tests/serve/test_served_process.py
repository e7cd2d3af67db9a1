"""The service as its users run it: a process, over HTTP, killed and started again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from live_services import Process, ndjson
from stillwatch.compose import World
from stillwatch.gateway import steady
from stillwatch.gateway.client import Client, Options
from stillwatch.gateway.table import Table

pytestmark = pytest.mark.slow  # each starts a process or two
SCOPES = ("ingest:write", "metrics:read", "campaigns:read", "campaigns:write", "decisions:read", "decisions:write")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    started = Process(tmp_path / "state")
    yield started
    started.kill()


def accepted(client: httpx.Client, body: bytes) -> dict[str, int]:
    answer = client.post("/v1/exchanges", content=body, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def mined(client: httpx.Client) -> None:
    """Mines, and waits for it."""
    before = client.get("/v1/status").json()["details"]["last_mined_at"]
    assert client.post("/v1/mine").status_code == 202
    until = time.monotonic() + 120
    while time.monotonic() < until:
        details = client.get("/v1/status").json()["details"]
        if details["last_mined_at"] != before:
            return
        assert not details["mining_error"], details["mining_error"]
        time.sleep(0.1)
    raise AssertionError("mining took too long")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "stillwatch", *arguments], capture_output=True, text=True, check=False)


def test_killed_and_started_again_it_has_what_it_acknowledged(
    process: Process, tiny_world: World, tmp_path: Path
) -> None:
    first, second = tiny_world.exchanges.slice(0, 500), tiny_world.exchanges.slice(500, 500)
    with process.client(*SCOPES) as client:
        assert accepted(client, ndjson(first))["accepted"] == 500
    process.kill()
    again = Process(tmp_path / "state")
    try:
        with again.client(*SCOPES) as client:
            assert accepted(client, ndjson(first))["duplicates"] == 500
            assert accepted(client, ndjson(second))["accepted"] == 500
    finally:
        again.stop()


def test_two_processes_never_share_a_state_directory(process: Process) -> None:
    assert process.popen.poll() is None
    second = command("serve", "--config", str(process.config), "--port", "0")
    assert second.returncode == 2
    assert "another service uses" in second.stderr


def test_from_exchanges_to_a_gateway_that_is_disarmed_within_seconds(process: Process, tiny_world: World) -> None:
    with process.client(*SCOPES) as client, process.person() as person:
        rows = "\n".join(f'{{"platform": "{r["platform"]}", "account_id": "{r["account_id"]}"}}' for r in
                         tiny_world.accounts.select(["platform", "account_id"]).to_pylist())  # fmt: skip
        assert client.post("/v1/accounts", content=rows.encode()).status_code == 200
        accepted(client, ndjson(tiny_world.exchanges))
        mined(client)
        assert client.get("/v1/campaigns").json()
        text = (
            'version = "1"\n[defaults]\nmin_confidence = 0.5\nmin_probability = 0.5\njitter_s = 0\n'
            '[[rules]]\nname = "ask"\naction = "challenge"\nverdicts = ["extraction", "resale", "coordinated"]\n'
        )
        added = person.post("/v1/policies", json={"text": text})
        assert added.status_code == 200, added.text
        digest = added.json()["digest"]
        because = {"because": "a test"}
        assert person.post(f"/v1/policies/{digest}/activate", json=because).status_code == 200
        assert person.post(f"/v1/policies/{digest}/mode", json={"mode": "armed"} | because).status_code == 200
        made = client.get("/v1/decisions").json()["decisions"]
        one = next(d for d in made if not d["simulated"] and not d["held"])
        token = client.headers["authorization"].removeprefix("Bearer ")
        table = Table()
        with Client(process.url, table, Options(token=token, wait_s=5.0)) as gateway:
            assert gateway.wait_fresh(20)
            assert not passes(table, one, False)
            began = time.monotonic()
            assert command("disarm", "--config", str(process.config), "--because", "a test").returncode == 0
            assert passes(table, one, True), "a decision taken back never reached the gateway"
            assert time.monotonic() - began < 60
    assert command("audit", "verify", "--config", str(process.config)).returncode == 0


def passes(table: Table, one: dict[str, str], wanted: bool) -> bool:  # noqa: FBT001
    """Whether the gateway lets the account pass, once it is as wanted or too long has gone by."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = table.decide(one["platform"], one["account_id"], steady.now_us()).passes
        if found is wanted:
            return found
        time.sleep(0.05)
    return not wanted


def test_a_killed_mining_costs_nothing(process: Process, tiny_world: World) -> None:
    with process.client(*SCOPES) as client:
        accepted(client, ndjson(tiny_world.exchanges))
        assert client.post("/v1/mine").status_code == 202
        killed = False
        until = time.monotonic() + 60
        while not killed and time.monotonic() < until:
            killed = subprocess.run(["pkill", "-9", "-P", str(process.popen.pid)], check=False).returncode == 0
            time.sleep(0.01)
        assert killed
        while not client.get("/v1/status").json()["details"]["mining_error"]:
            assert time.monotonic() < until + 60
            time.sleep(0.1)
        details = client.get("/v1/status").json()["details"]
        assert details["accepted"] == tiny_world.exchanges.num_rows
        assert client.post("/v1/mine").status_code == 202
        while not client.get("/v1/status").json()["details"]["last_mined_at"]:
            assert time.monotonic() < until + 120
            time.sleep(0.1)
        assert client.get("/v1/campaigns").json()


def test_a_flood_of_one_account_is_stored_and_hides_nobody(process: Process, tiny_world: World) -> None:
    one = tiny_world.exchanges.slice(0, 1).to_pylist()[0]
    one["started_at"] = one["started_at"].isoformat()
    lines = [
        json.dumps({k: v for k, v in one.items() if v is not None} | {"exchange_id": f"flood-{i}"}) for i in range(5000)
    ]
    with process.client(*SCOPES) as client:
        assert accepted(client, "\n".join(lines).encode())["accepted"] == 5000
        assert accepted(client, ndjson(tiny_world.exchanges))["accepted"] == tiny_world.exchanges.num_rows
        mined(client)
        assert client.get("/v1/campaigns").json()


def test_files_are_followed_and_a_broken_source_is_shown(tmp_path: Path, tiny_world: World) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = ndjson(tiny_world.exchanges.slice(0, 200)).splitlines(keepends=True)
    (logs / "a.jsonl").write_bytes(b"".join(lines[:100]))
    tables = (
        f'[[sources]]\nkind = "files"\nname = "logs"\npaths = ["{logs}"]\npoll_s = 0.2\n'
        '[[sources]]\nkind = "nats"\nname = "bus"\nstream = "x"\ntoken = { env = "NO_SUCH_VARIABLE" }\n'
    )
    process = Process(tmp_path / "state", tables)
    try:
        with process.client(*SCOPES) as client:
            waited_for(client, 100)
            with (logs / "a.jsonl").open("ab") as file:
                file.write(b"".join(lines[100:]))
            details = waited_for(client, 199)  # the last line has no end yet
            assert details["sources"]["bus"]["condition"] == "broken", details["sources"]
        process.kill()
        process = Process(tmp_path / "state", tables)
        with process.client(*SCOPES) as client:
            assert accepted(client, b"".join(lines))["duplicates"] >= 199
    finally:
        process.kill()


def waited_for(client: httpx.Client, exchanges: int) -> dict[str, Any]:
    """The status once so many exchanges were stored."""
    until = time.monotonic() + 60
    details: dict[str, Any] = {}
    while time.monotonic() < until:
        details = client.get("/v1/status").json()["details"]
        if details["accepted"] >= exchanges:
            return details
        time.sleep(0.1)
    raise AssertionError(details)
