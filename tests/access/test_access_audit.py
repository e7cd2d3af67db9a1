"""Edits, removals, reordering and truncation of the audit log are all seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from stillwatch.access.audit import GENESIS, Head, chain_of, verify, verify_store
from stillwatch.store import AuditEntry, Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def log(count: int) -> list[AuditEntry]:
    chain, entries = GENESIS, list[AuditEntry]()
    for n in range(1, count + 1):
        at = NOON + timedelta(minutes=n)
        entry = AuditEntry(number=n, at=at, who="ann", what="undo", target=f"d{n}", detail={"why": "x"}, chain="")
        chain = chain_of(entry, chain)
        entries.append(msgspec.structs.replace(entry, chain=chain))
    return entries


EDITS = [
    {"who": "eve"},
    {"what": "arm"},
    {"target": "d"},
    {"detail": {"why": "y"}},
    {"detail": {"why": "x", "more": ""}},
    {"detail": {}},
    {"at": NOON},
    {"at": NOON + timedelta(minutes=3, microseconds=1)},
    {"who": "annundo", "what": ""},
]


def test_a_log_nobody_touched_holds() -> None:
    assert verify([]) is None
    assert verify(log(20)) is None
    entries = log(20)
    assert verify(entries[7:], Head(number=7, chain=entries[6].chain)) is None


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_seen_at_its_entry(edit: dict[str, Any]) -> None:
    entries = log(6)
    entries[2] = msgspec.structs.replace(entries[2], **edit)
    assert verify(entries) == 3


def test_an_edit_with_its_chain_made_anew_is_seen_at_the_next_entry() -> None:
    entries = log(6)
    forged = msgspec.structs.replace(entries[2], who="eve")
    entries[2] = msgspec.structs.replace(forged, chain=chain_of(forged, entries[1].chain))
    assert verify(entries) == 4


@given(data=st.data(), count=st.integers(2, 12))
def test_removing_from_the_middle_or_reordering_is_seen(data: st.DataObject, count: int) -> None:
    entries = log(count)
    gone = data.draw(st.integers(0, count - 2))
    assert verify(entries[:gone] + entries[gone + 1 :]) == gone + 1
    renumbered = [msgspec.structs.replace(e, number=n) for n, e in enumerate(entries[:gone] + entries[gone + 1 :], 1)]
    assert verify(renumbered) == gone + 1
    order = data.draw(st.permutations(range(count)))
    if order != list(range(count)):
        assert verify([entries[n] for n in order]) is not None
        swapped = [msgspec.structs.replace(entries[n], number=place) for place, n in enumerate(order, 1)]
        assert verify(swapped) is not None


def write(store: Store, count: int) -> None:
    for n in range(count):
        store.append_audit(NOON + timedelta(minutes=n), "ann", "undo", f"d{n}", {"why": "x"})


def tamper(store: Any, statement: str) -> None:
    with store._write() as connection:
        connection.execute(text(statement))


def test_a_store_nobody_touched_holds_and_says_what_head_to_keep(store: Store) -> None:
    assert verify_store(store).says == "0 entries hold"
    write(store, 5)
    told = verify_store(store)
    assert (told.entries, told.broken, told.head.number) == (5, None, 5)
    write(store, 3)
    again = verify_store(store, told.head)
    assert (again.broken, again.says) == (None, "8 entries hold, and the head kept is among them")


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET who = 'eve' WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number <= 2", 1),
        ("DELETE FROM audit WHERE number >= 5", 5),
        ("UPDATE audit SET number = number + 100 WHERE number = 2", 2),
        ("UPDATE audit_ends SET head_chain = 'x'", 6),
    ],
)
def test_what_was_done_to_the_tables_is_seen(store: Store, statement: str, broken: int) -> None:
    write(store, 6)
    tamper(store, statement)
    assert verify_store(store).broken == broken


def test_a_log_cut_short_with_its_end_rewritten_is_seen_against_a_head_kept_elsewhere(store: Store) -> None:
    write(store, 6)
    kept = verify_store(store).head
    fourth = store.audit()[3]
    tamper(store, "DELETE FROM audit WHERE number > 4")
    tamper(store, f"UPDATE audit_ends SET head = 4, head_chain = '{fourth.chain}'")
    assert verify_store(store).broken is None  # nothing in the store says so
    assert (verify_store(store, kept).broken, verify_store(store, kept).entries) == (5, 4)


def test_a_log_rewritten_to_its_end_is_seen_against_a_head_kept_elsewhere(store: Store) -> None:
    write(store, 4)
    kept = verify_store(store).head
    tamper(store, "DELETE FROM audit")
    tamper(store, f"UPDATE audit_ends SET head = 0, head_chain = '{GENESIS}'")
    write(store, 1)
    store.append_audit(NOON, "eve", "nothing", "", {})
    write(store, 3)
    assert verify_store(store).broken is None
    told = verify_store(store, kept)
    assert told.broken == 4
    assert "rewritten" in told.says


def test_a_purged_beginning_is_no_break_and_the_head_kept_still_counts(store: Store) -> None:
    write(store, 6)
    heads = [Head(number=entry.number, chain=entry.chain) for entry in store.audit()]
    assert store.purge("audit", NOON + timedelta(minutes=3)) == 3
    for head in heads:
        assert verify_store(store, head).broken is None
    assert verify_store(store, msgspec.structs.replace(heads[2], chain="x")).broken == 3
    assert store.purge("audit", NOON + timedelta(days=1)) == 3
    assert verify_store(store, heads[5]).broken is None
    write(store, 2)
    assert verify_store(store, heads[5]).entries == 2
