"""When to mine, and the house-keeping that must not run beside it: joining small segments, purging old ones.

One thread does all of it, one thing after the other, because mining reads the very files that the others replace.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from stillwatch.clock import now
from stillwatch.config import Config
from stillwatch.errors import StillwatchError
from stillwatch.live.intake import Intake
from stillwatch.live.mining import Order, mine_apart
from stillwatch.live.segments import SegmentLog
from stillwatch.live.watch import Turn, Watch
from stillwatch.store.protocol import Segment, Store

LOG = logging.getLogger("stillwatch.live")
Note = Callable[[Turn], None]
LOOK_EVERY_S = 1.0
HOUSEKEEP_EVERY = timedelta(minutes=1)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the store keeps of a mining."""

    exchanges: int
    accounts: int
    campaigns: int
    seconds: float
    missing_columns: tuple[str, ...]


class Miner:
    """``state``: directory for the files of a mining. ``note``: told what each mining changed."""

    def __init__(
        self, store: Store, log: SegmentLog, intake: Intake, watch: Watch, config: Config, state: Path, note: Note
    ) -> None:
        self._store, self._log, self._intake, self._watch = store, log, intake, watch
        self._config, self._state, self._note = config, state, note
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="stillwatch-miner", daemon=True)
        self._ended_at: datetime | None = None
        self._kept_at: datetime | None = None
        self._asked = False
        self.failures = 0  # in a row
        self.last_error = ""
        self.mining_since: datetime | None = None
        self.last: Summary | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after what it is doing."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def soon(self) -> None:
        """Mine now, without waiting for the schedule."""
        self._asked = True
        self._wake.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(LOOK_EVERY_S)
            self._wake.clear()
            if self._ending.is_set():
                return
            try:
                self._housekeep()
                if self._is_due():
                    self.mine_once(now())
                    self.failures, self.last_error = 0, ""
            except Exception as error:
                self.failures += 1
                self.last_error = str(error) or repr(error)
                self._ended_at = now()
                if not isinstance(error, StillwatchError):
                    LOG.exception("mining or house-keeping failed")

    def _is_due(self) -> bool:
        counters = self._intake.counters
        if counters.newest is None:
            return False
        if self._asked:
            self._asked = False
            return True
        if self._ended_at is None:
            last = self._store.last_mining()
            enough = sum(s.exchanges for s in self._store.segments()) >= self._config.live.mine_after
            return enough if last is None else True
        return now() - self._ended_at >= timedelta(minutes=self._config.live.mine_every_min)

    def mine_once(self, at: datetime) -> Turn:
        """One mining of the window that ends with the newest exchange. Raises EngineError when it fails."""
        began = now()
        self.mining_since = began
        try:
            segments, order = self._order()
            mined = mine_apart([self._log.path(s.name) for s in segments], self._watch.side(), order)
        finally:
            self.mining_since = None
        took = (now() - began).total_seconds()
        said = mined.result.input
        self.last = Summary(
            exchanges=said.exchanges,
            accounts=said.accounts,
            campaigns=len(mined.result.campaigns),
            seconds=took,
            missing_columns=said.missing_columns,
        )
        turn = self._watch.mined(mined, at, msgspec.json.encode(self.last).decode())
        self._catch_up(segments)
        self._ended_at = now()
        self._note(turn)
        return turn

    def _order(self) -> tuple[list[Segment], Order]:
        counters, live = self._intake.counters, self._config.live
        until = counters.newest
        assert until is not None
        since = until - timedelta(days=live.window_days)
        segments = [s for s in self._store.segments() if s.last_at >= since]
        order = Order(
            segments=(),
            accounts=None,
            since=since,
            until=max(s.last_at for s in segments),
            detection=self._config.detection,
            quarantined=self._store.dead_letter_count(),
            duplicates=counters.duplicates,
            digest=self._config.digest(),
            out=str(self._state),
        )
        return segments, order

    def _catch_up(self, mined: list[Segment]) -> None:
        """What was stored while mining ran met the old signatures: it is looked at again with the new ones."""
        known = {segment.name for segment in mined}
        for segment in self._store.segments():
            if segment.name not in known:
                turn = self._watch.news(self._log.read([segment]), now())
                if turn.recognised:
                    self._note(turn)

    def _housekeep(self) -> None:
        at, live = now(), self._config.live
        if self._kept_at is not None and at - self._kept_at < HOUSEKEEP_EVERY:
            return
        self._kept_at = at
        newest = self._intake.counters.newest
        if newest is not None:
            self._intake.forget(newest - timedelta(days=live.retention_days))
        while self._intake.compact():
            pass
        for what in ("attempts", "sessions"):
            self._store.purge(what, at - timedelta(days=1))
        if live.keep_days:
            before = at - timedelta(days=live.keep_days)
            for what in ("decisions", "campaigns", "audit", "dead_letters"):
                self._store.purge(what, before)
