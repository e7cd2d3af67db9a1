"""What the live service remembers besides tallies: campaigns, decisions, policies, people, the audit log."""

from __future__ import annotations

from pathlib import Path

from stillwatch.store.opening import engine_of, prepare
from stillwatch.store.protocol import (
    AuditEnds,
    AuditEntry,
    CampaignEvent,
    DeadLetter,
    KnownCampaign,
    Offset,
    PendingLogin,
    Person,
    PolicyVersion,
    Recognised,
    Segment,
    Session,
    Store,
    Token,
)
from stillwatch.store.sql import SqlStore

__all__ = [
    "AuditEnds",
    "AuditEntry",
    "CampaignEvent",
    "DeadLetter",
    "KnownCampaign",
    "Offset",
    "PendingLogin",
    "Person",
    "PolicyVersion",
    "Recognised",
    "Segment",
    "Session",
    "Store",
    "Token",
    "open_store",
]


def open_store(url: str | Path, *, migrate: bool = True) -> Store:
    """A store at a path, ``sqlite:///path`` or ``postgresql://...``, made or brought up to date where needed.

    Raises ConfigError where the address, the file or its schema cannot be used, EngineError where it is away or full.
    """
    engine = engine_of(url)
    try:
        prepare(engine, migrate=migrate)
    except BaseException:
        engine.dispose()
        raise
    return SqlStore(engine)
