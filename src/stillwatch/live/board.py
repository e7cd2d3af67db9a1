"""What gateways are shown: the store's live decisions, published anew whenever their version changes.

The version is asked of the store, so that what another process decided or undid (``stillwatch disarm``) is shown as
well. It decides nothing.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from stillwatch.gateway import steady
from stillwatch.gateway.publish import Publisher, tag_of
from stillwatch.gateway.snapshot import decode
from stillwatch.gateway.table import Table
from stillwatch.store.protocol import Store


class Board:
    """``table``: this process's own, for gateways that ask every time. One event loop waits, one thread refreshes."""

    def __init__(self, store: Store, publisher: Publisher, table: Table, key: bytes | None) -> None:
        self._store, self._publisher, self._key = store, publisher, key
        self.table = table
        self.shown_at: datetime | None = None
        self._changed = asyncio.Event()

    @property
    def version(self) -> int:
        stamp = self._publisher.stamp
        return stamp.version if stamp else 0

    def refresh(self, now: datetime) -> bool:
        """Shows what is decided now; True where it changed. One small query where nothing did."""
        version = self._store.decision_version()
        stamp = self._publisher.stamp
        self.shown_at = now
        if stamp is not None and stamp.version == version:
            self.table.heard(steady.now_us())
            return False
        self._publisher.publish(self._store.decisions(live_at=now), version, now)
        whole = self._publisher.since(None, 0, now)
        if whole is not None:
            self.table.apply(decode(whole, key=self._key), steady.now_us())
        return True

    def announce(self) -> None:
        """Wakes whoever waits for a change. Called in the event loop."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def since(self, tag: str | None, version: int, wait_s: float, now: datetime) -> bytes | None:
        """Bytes for a gateway that holds ``version`` under ``tag``; None once it waited and nothing changed."""
        waiting = self._changed
        found = self._publisher.since(tag, version, now)
        if found is None and wait_s > 0:
            try:
                await asyncio.wait_for(waiting.wait(), wait_s)
            except TimeoutError:
                return None
            found = self._publisher.since(tag, version, now)
        return found

    def tag(self) -> str:
        """The ETag of what is shown."""
        stamp = self._publisher.stamp
        return tag_of(stamp) if stamp else '""'
