"""Processes that write to a store and are killed while they do. Run as ``python killed_writers.py WHAT ADDRESS``.

Each prints a line when the moment to kill it has come, and then waits for it.
"""

# ruff: noqa: T201 - it speaks to the test that started it

from __future__ import annotations

import sys
import time
from typing import Any

from sqlalchemy import Engine, event
from written_values import NOON, decision, later

from stillwatch.store import Store, open_store
from stillwatch.store.decided import add_decisions, bump


def wait_to_be_killed() -> None:
    print("now", flush=True)
    time.sleep(600)


def in_a_transaction(address: str) -> None:
    store: Any = open_store(address)
    with store._write() as connection:
        add_decisions(connection, [decision(f"d{n}") for n in range(2_000)])
        bump(connection, "decisions")
        wait_to_be_killed()


def in_a_migration(address: str) -> None:
    made = 0

    def executed(_connection: Any, _cursor: Any, statement: str, *_rest: object) -> None:
        nonlocal made
        made += statement.lstrip().startswith("CREATE TABLE")
        if made == 9:
            wait_to_be_killed()

    event.listen(Engine, "after_cursor_execute", executed)
    open_store(address)


def appending(address: str) -> None:
    """Says the number of every entry that it was told is kept, until it is killed."""
    store: Store = open_store(address)
    while True:
        print(store.append_audit(NOON, "ann", "undo", "d", {"n": "1"}).number, flush=True)


def appending_forty(address: str) -> None:
    store = open_store(address)
    for n in range(40):
        store.append_audit(later(n), f"process {sys.argv[2][-3:]}", "undo", "d", {"n": str(n)})
    print("done", flush=True)


if __name__ == "__main__":
    {f.__name__: f for f in (in_a_transaction, in_a_migration, appending, appending_forty)}[sys.argv[1]](sys.argv[2])
