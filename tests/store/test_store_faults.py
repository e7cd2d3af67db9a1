"""What a store is after a kill, a full disk, a server that went away, and many who write at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Server
from sqlalchemy import event
from written_values import NOON, decision, later, letter, segment

import stillwatch
from stillwatch.access.audit import verify, verify_store
from stillwatch.errors import EngineError
from stillwatch.store import Offset, Store, open_store

WRITERS = Path(__file__).with_name("killed_writers.py")
SOURCE = Path(stillwatch.__file__).parents[1]


def start(what: str, address: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(WRITERS), what, address]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(SOURCE)})


@contextmanager
def killed_after(lines: int, what: str, address: str) -> Generator[list[str]]:
    """What a writer said until it was killed, at the line wanted at the earliest."""
    with start(what, address) as process:
        said = [process.stdout.readline().strip() for _ in range(lines)]
        process.kill()
        said += process.stdout.read().split()
    yield said


def test_a_writer_killed_in_a_transaction_leaves_nothing_of_it(address: str) -> None:
    with killed_after(1, "in_a_transaction", address) as said:
        assert said == ["now"]
    store = open_store(address)
    assert store.decisions() == []
    assert store.decision_version() == 0
    assert store.add_decisions([decision("d")]) == 1
    store.close()


def test_a_migration_killed_half_way_has_not_happened(empty_address: str) -> None:
    with killed_after(1, "in_a_migration", empty_address) as said:
        assert said == ["now"]
    store = open_store(empty_address)
    assert store.append_audit(NOON, "ann", "start", "", {}).number == 1
    store.close()


def test_whatever_was_acknowledged_before_a_kill_is_there(address: str) -> None:
    with killed_after(20, "appending", address) as said:
        told = [int(number) for number in said]
    store = open_store(address)
    entries = store.audit()
    assert told == list(range(1, len(told) + 1))
    assert len(entries) in {len(told), len(told) + 1}
    assert verify(entries) is None
    store.close()


def test_processes_and_threads_that_append_at_once_do_not_fork_the_chain(address: str, store: Store) -> None:
    processes = [start("appending_forty", address) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: store.append_audit(later(n), f"thread {n}", "undo", "d", {}), range(40)))
    for process in processes:
        with process:
            assert process.stdout.read() == "done\n"
    entries = store.audit()
    assert [entry.number for entry in entries] == list(range(1, 121))
    assert verify_store(store).broken is None
    assert len({entry.who for entry in entries}) > 40


def test_two_that_open_an_empty_store_at_once_both_get_it(empty_address: str) -> None:
    processes = [start("appending_forty", empty_address) for _ in range(2)]
    for process in processes:
        with process:
            assert process.stdout.read() == "done\n"
    store = open_store(empty_address)
    assert verify_store(store).entries == 80
    store.close()


def test_threads_that_write_the_same_decisions_count_each_once(store: Store) -> None:
    many = [decision(f"d{n}") for n in range(300)]
    with ThreadPoolExecutor(6) as threads:
        added = list(threads.map(lambda n: store.add_decisions(many[n * 20 : n * 20 + 200][:: (-1) ** n]), range(6)))
        undone = list(
            threads.map(lambda n: store.undo_decisions([d.decision_id for d in many], NOON, str(n), "x"), range(6))
        )
    assert sum(added) == 300
    assert sorted(undone) == [0] * 5 + [300]


def test_one_of_many_threads_sends_the_first_alert(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda n: store.first_alert("c1", later(n)), range(24)))
    assert sum(told) == 1


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    store: Any = open_store(tmp_path / "store.db")
    store.add_segment(segment("a"), [])
    full = True

    def opened(connection: Any, _record: object) -> None:
        if full:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 3}")

    event.listen(store._engine, "connect", opened)
    store.close()  # the connections that knew no limit
    with pytest.raises(EngineError, match=r"store\.db cannot be used: .*full.*free space"):
        store.add_decisions([decision(f"d{n}") for n in range(2_000)])
    with pytest.raises(EngineError, match="full"):
        store.add_segment(segment("b" * 100_000), [Offset(source="kafka", partition="0", position="9")])
    assert (store.decisions(), store.decision_version(), store.offsets("kafka")) == ([], 0, {})
    assert store.segments() == [segment("a")]
    full = False
    store.close()
    assert store.add_decisions([decision(f"d{n}") for n in range(2_000)]) == 2_000
    store.close()


def test_a_store_locked_by_another_process_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first: Any = open_store(path)
    second = open_store(f"sqlite:///{path}?timeout=0.05")
    with first._write():
        assert second.healthy()  # who reads is not kept waiting
        with pytest.raises(EngineError, match=r"locked.*another process holds it"):
            second.put_offsets([Offset(source="s", partition="0", position="1")])
    second.put_offsets([Offset(source="s", partition="0", position="1")])
    first.close()
    second.close()


def test_a_server_that_went_away_is_said_and_found_again_when_it_is_back(server: Server) -> None:
    store = open_store(server.new_database().replace("postgres@", "postgres:hunter2@"))
    store.add_dead_letters([letter("1")], keep=5)
    server.stop()
    try:
        assert not store.healthy()
        with pytest.raises(EngineError, match="check that it runs") as told:
            store.add_dead_letters([letter("2")], keep=5)
        assert "hunter2" not in str(told.value)
    finally:
        server.start()
    assert store.healthy()
    store.add_dead_letters([letter("3")], keep=5)
    assert store.dead_letters(5) == [letter("3"), letter("1")]
    store.close()


def test_a_server_that_was_away_while_nobody_asked_is_not_even_noticed(server: Server) -> None:
    store = open_store(server.new_database())
    assert store.first_alert("k", NOON)
    server.stop()
    server.start()
    assert not store.first_alert("k", NOON)
    store.close()


def test_a_server_that_goes_away_within_a_transaction_takes_all_of_it_along(server: Server) -> None:
    store: Any = open_store(server.new_database())

    def rows() -> Iterator[Mapping[str, object]]:
        yield from ({"platform": "api", "account_id": str(n)} for n in range(6_000))
        server.stop()
        server.start()
        yield {"platform": "api", "account_id": "last"}

    with pytest.raises(EngineError, match="connection broke"):
        store.put_accounts(rows())
    assert store.accounts() == []
    assert store.put_accounts([{"platform": "api", "account_id": "1"}]) == 1
    store.close()
