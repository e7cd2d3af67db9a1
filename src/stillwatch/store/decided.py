"""Decisions, the rules they come from and the alerts about them, on an open transaction.

The version of the decisions grows in the transaction that changes them, so that whoever sees one sees the other.
"""

# ruff: noqa: D103 - the methods of the same name in protocol.py say what these do

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from stillwatch.errors import InputError
from stillwatch.model import Decision, Mode
from stillwatch.store.protocol import PolicyVersion
from stillwatch.store.rows import bump, chunks, columns_of, hold, insert_new, insert_one, put, row_of, values_of
from stillwatch.store.schema import ALERTS, COUNTERS, DECISIONS, POLICIES


def add_decisions(connection: Connection, decisions: Sequence[Decision]) -> int:
    hold(connection, "decisions")  # from here to the commit nobody else adds any: what is new can be counted
    added = 0
    for chunk in chunks({decision.decision_id: decision for decision in reversed(decisions)}.values()):
        asked = [decision.decision_id for decision in chunk]
        found = select(DECISIONS.c.decision_id).where(DECISIONS.c.decision_id.in_(asked))
        known = set(connection.execute(found).scalars())
        fresh = [row_of(decision) for decision in chunk if decision.decision_id not in known]
        insert_new(connection, DECISIONS, fresh)
        added += len(fresh)
    if added:
        bump(connection, "decisions")
    return added


def undo_decisions(connection: Connection, ids: Sequence[str], at: datetime, who: str, because: str) -> int:
    told = {"undone_at": at, "undone_by": who, "undone_because": because}
    return _change(connection, ids, DECISIONS.c.undone_at.is_(None), told)


def approve_decisions(connection: Connection, ids: Sequence[str], at: datetime, who: str) -> int:
    told = {"held": False, "approved_at": at, "approved_by": who}
    return _change(connection, ids, DECISIONS.c.held & DECISIONS.c.undone_at.is_(None), told)


def _change(connection: Connection, ids: Sequence[str], still: Any, told: dict[str, Any]) -> int:
    hold(connection, "decisions")  # two that change the same ones wait for each other here, never in a ring
    changed = 0
    for chunk in chunks(sorted(set(ids))):
        change = update(DECISIONS).where(DECISIONS.c.decision_id.in_(chunk), still).values(told)
        changed += connection.execute(change).rowcount
    if changed:
        bump(connection, "decisions")
    return changed


def decisions(connection: Connection, live_at: datetime | None, campaign_id: str | None) -> list[Decision]:
    table = DECISIONS.c
    query = select(*columns_of(DECISIONS, Decision)).order_by(table.made_at, table.decision_id)
    if live_at is not None:
        query = query.where(table.undone_at.is_(None), table.expires_at > live_at)
    if campaign_id is not None:
        query = query.where(table.campaign_id == campaign_id)
    return values_of(connection, query, Decision)


def decision_version(connection: Connection) -> int:
    return connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == "decisions")).scalar_one()


def put_policy(connection: Connection, version: PolicyVersion) -> None:
    bump(connection, "policies")  # one at a time, or two could become active side by side
    if version.active:
        connection.execute(update(POLICIES).where(POLICIES.c.digest != version.digest).values(active=False))
    put(connection, POLICIES, [row_of(version)], keep=("text", "added_at", "added_by"))


def policies(connection: Connection) -> list[PolicyVersion]:
    return values_of(connection, select(POLICIES).order_by(POLICIES.c.added_at, POLICIES.c.digest), PolicyVersion)


def set_mode(connection: Connection, digest: str, mode: Mode) -> None:
    bump(connection, "policies")
    if not connection.execute(update(POLICIES).where(POLICIES.c.digest == digest).values(mode=mode)).rowcount:
        raise InputError(f"no version {digest} of the policy", hint="put it first")


def first_alert(connection: Connection, key: str, at: datetime) -> bool:
    return insert_one(connection, ALERTS, {"key": key, "at": at})


def purge_decisions(connection: Connection, before: datetime) -> int:
    over = or_(DECISIONS.c.expires_at < before, DECISIONS.c.undone_at < before)
    hold(connection, "decisions")
    gone = connection.execute(delete(DECISIONS).where(over)).rowcount
    if gone:
        bump(connection, "decisions")
    return gone


def purge_alerts(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(ALERTS).where(ALERTS.c.at < before)).rowcount
