from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from decided import Service, current, running, until

from stillwatch.errors import ConfigError
from stillwatch.gateway import client as client_module
from stillwatch.gateway import steady
from stillwatch.gateway.client import AsyncClient, Client, Options, started_from
from stillwatch.gateway.table import Table

TOKEN, WRONG = "t", "x"
QUICK = Options(pause_s=0.01, max_backoff_s=0.05)


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as up:
        up.show(current(), version=1)
        yield up


def passes(table: Table, account: str = "crow") -> bool:
    return table.decide("api", account, steady.now_us()).passes


def test_a_decision_and_its_undoing_reach_the_table_within_two_seconds(service: Service) -> None:
    table = Table()
    with Client(service.url, table, Options()) as client:
        assert client.wait_fresh(5.0)
        assert not passes(table)
        service.show(current(), current("jay"), version=2)
        assert until(lambda: not passes(table, "jay"), 2.0)
        service.show(current("jay"), version=3)
        assert until(lambda: passes(table), 2.0)
    assert [status for status, _ in service.sent[:3]] == [200, 200, 200]


def test_a_long_poll_without_news_keeps_the_table_fresh(service: Service) -> None:
    table = Table(stale_after_s=0.5)
    with Client(service.url, table, Options(wait_s=0.05, pause_s=0.01)):
        assert until(lambda: [status for status, _ in service.sent].count(304) >= 5)
        assert not table.status(steady.now_us()).stale
    assert service.asked[1] == ({"since": "1", "wait": "0.05"}, '"0-1"')


def test_a_quiet_service_is_asked_again_before_its_silence_makes_the_table_stale(service: Service) -> None:
    table = Table(stale_after_s=0.6)
    with Client(service.url, table, Options(wait_s=600.0, pause_s=0.0)):
        assert until(lambda: len(service.asked) >= 4)
        assert service.asked[-1][0]["wait"] == "0.2"
        assert not passes(table)


def test_the_service_may_go_away_and_come_back(service: Service) -> None:
    table = Table(stale_after_s=0.2, on_stale="open")
    with Client(service.url, table, QUICK) as client:
        assert client.wait_fresh(5.0)
        service.down()
        assert until(lambda: client.failures >= 2)
        assert until(lambda: passes(table))
        assert table.status(steady.now_us()).stale
        service.show(current("jay"), version=2)
        service.up()
        assert until(lambda: not passes(table, "jay"))
        assert until(lambda: client.failures == 0)
        assert passes(table)


def test_a_service_that_fails_is_asked_again_and_not_for_everything(service: Service) -> None:
    table = Table()
    with Client(service.url, table, QUICK) as client:
        assert client.wait_fresh(5.0)
        service.broken = 503
        assert until(lambda: client.failures >= 2 and "503" in client.last_error)
        service.show(current(), current("jay"), version=2)
        service.broken = 0
        assert until(lambda: not passes(table, "jay"))
    assert all(tag == '"0-1"' for query, tag in service.asked[1:] if query["since"] == "1")
    assert [query["since"] for query, _ in service.asked].count("0") == 1


def test_a_restored_service_of_a_later_epoch_replaces_the_table_though_its_version_is_lower(service: Service) -> None:
    table = Table()
    service.show(current(), version=9)
    with Client(service.url, table, QUICK) as client:
        assert client.wait_fresh(5.0)
        service.down()
        restored = Service(epoch=1)
        restored.port = service.port
        restored.show(current("jay"), version=2)
        restored.up()
        try:
            assert until(lambda: passes(table) and not passes(table, "jay"))
        finally:
            restored.down()


def test_an_older_state_is_never_taken_and_the_table_grows_stale_instead(service: Service) -> None:
    table = Table(stale_after_s=0.2, on_stale="keep")
    service.show(current(), version=9)
    with Client(service.url, table, QUICK) as client:
        assert client.wait_fresh(5.0)
        service.down()
        older = Service()
        older.port = service.port
        older.show(version=2)
        older.up()
        try:
            assert until(lambda: client.failures >= 3 and "older" in client.last_error)
        finally:
            older.down()
        assert until(lambda: table.status(steady.now_us()).stale)
        assert not passes(table)


@pytest.mark.parametrize("key", [None, b"k"])
def test_only_a_service_with_token_and_key_is_listened_to(key: bytes | None) -> None:
    with running(token=TOKEN, key=b"k") as service:
        service.show(current(), version=1)
        right, wrong_token, wrong_key = Table(), Table(), Table()
        with (
            Client(service.url, right, Options(token=TOKEN, key=b"k")) as client,
            Client(service.url, wrong_token, Options(token=WRONG, key=b"k", max_backoff_s=0.05)) as refused,
            Client(service.url, wrong_key, Options(token=TOKEN, key=key and b"other", max_backoff_s=0.05)) as unsure,
        ):
            assert client.wait_fresh(5.0)
            assert until(lambda: "401" in refused.last_error and "sign" in unsure.last_error)
        assert not passes(right)
        assert wrong_token.stamp is None
        assert wrong_key.stamp is None


def test_stopping_ends_a_long_poll_at_once(service: Service) -> None:
    client = Client(service.url, Table(), Options(wait_s=600.0, pause_s=0.0)).start()
    assert until(lambda: len(service.asked) >= 2)
    client.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "stillwatch-gateway"]


def test_an_answer_cut_in_the_middle_changes_nothing() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as line:

        def cut() -> None:
            for _ in range(2):
                peer, _ = line.accept()
                with closing(peer):
                    peer.recv(10_000)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nSWD\x01")

        thread = threading.Thread(target=cut)
        thread.start()
        table = Table()
        with Client(f"http://127.0.0.1:{line.getsockname()[1]}", table, QUICK) as client:
            assert until(lambda: client.failures >= 2)
            assert table.stamp is None
        thread.join()


def test_a_clock_that_jumps_moves_neither_age_nor_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    before = steady.now_us()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert 0 <= steady.now_us() - before < 60_000_000


def test_an_event_loop_goes_on_while_the_service_is_waited_for_and_while_it_is_left(service: Service) -> None:
    async def use() -> tuple[bool, bool, int]:
        table, turns = Table(), 0
        service.broken = 503
        async with AsyncClient(service.url, table, QUICK) as client:

            async def turn() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            turning = asyncio.create_task(turn())
            early = await client.wait_fresh(0.1)
            service.broken = 0
            late = await client.wait_fresh(5.0)
        turning.cancel()
        return early, late and not passes(table), turns

    early, late, turns = asyncio.run(use())
    assert (early, late) == (False, True)
    assert turns > 10
    assert not [thread for thread in threading.enumerate() if thread.name == "stillwatch-gateway"]


def test_variables_of_the_environment_make_a_running_client(service: Service) -> None:
    table, client = started_from(
        {"STILLWATCH_URL": service.url, "STILLWATCH_ON_STALE": "closed", "STILLWATCH_STALE_AFTER_S": "0.001"}.get
    )
    assert client.wait_fresh(5.0)
    client.stop()
    time.sleep(0.01)
    assert not passes(table, "wren")


@pytest.mark.parametrize(
    "wrong",
    [{}, {"STILLWATCH_URL": "service:80"}, {"STILLWATCH_URL": "http://x", "STILLWATCH_SHARE": "half"},
     {"STILLWATCH_URL": "http://x", "STILLWATCH_ON_STALE": "shut"}],
)  # fmt: skip
def test_a_wrong_variable_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        started_from(wrong.get)


def test_a_client_is_started_once(service: Service) -> None:
    with Client(service.url, Table(), QUICK) as client, pytest.raises(ConfigError):
        client.start()


def test_an_answer_larger_than_any_table_is_not_read_into_memory(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_LIMIT_BYTES", 20)
    table = Table()
    with Client(service.url, table, QUICK) as client:
        assert until(lambda: client.failures >= 1)
    assert table.stamp is None
