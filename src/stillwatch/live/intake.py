"""The one writer: batches of exchanges become a segment, a row in the store, and only then an acknowledgement.

Batches offered while one is being written are written together (group commit). Whatever fails is told to whoever
offered it, and nothing of it counts. It does not know what a campaign is: ``told`` is called with what was stored.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.clock import now
from stillwatch.errors import EngineError
from stillwatch.live.seen import Seen
from stillwatch.live.segments import Ids, SegmentLog, id_keys
from stillwatch.store.protocol import DeadLetter, Offset, Segment, Store
from stillwatch.text import TextModel, fingerprint

LOG = logging.getLogger("stillwatch.live")
Told = Callable[[pa.Table, Segment], None]
CLOSING = None


@dataclass(frozen=True)
class Offer:
    """What one delivery brought. ``batch``: ``tables.EXCHANGES``; ``letters``: its rows that could not be read."""

    batch: pa.RecordBatch
    letters: Sequence[DeadLetter] = ()
    offsets: Sequence[Offset] = ()
    done: Future[Taken] = field(default_factory=Future)  # type: ignore[type-arg]


@dataclass(frozen=True)
class Taken:
    """What became of one offer, in rows."""

    accepted: int
    duplicates: int
    rejected: int
    too_old: int


@dataclass
class Counters:
    """Since start."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    too_old: int = 0
    segments: int = 0
    failures: int = 0
    newest: datetime | None = None  # the latest ``started_at`` stored: event time
    stored_at: datetime | None = None


class Intake:
    """Owns the segment directory and the index of ids. ``salt``: keys identities, as in a scan.

    ``retention``: exchanges older than this against the newest stored are refused, because their ids are forgotten.
    ``keep_letters``: how many dead letters the store holds on to. ``backlog``: rows that may wait before ``offer``
    refuses.
    """

    def __init__(  # noqa: PLR0913 - three things it works on, and the bounds of the work
        self,
        log: SegmentLog,
        store: Store,
        model: TextModel,
        salt: bytes,
        *,
        retention: timedelta,
        told: Told,
        keep_letters: int = 10_000,
        backlog: int = 400_000,
        filter_bits: int = 1 << 28,
    ) -> None:
        self._log, self._store, self._model, self._salt = log, store, model, salt
        self._retention, self._told = retention, told
        self._keep_letters, self._backlog = keep_letters, backlog
        self._queue: queue.SimpleQueue[Offer | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()  # over the index and the set of segments
        self._thread = threading.Thread(target=self._run, name="stillwatch-intake", daemon=True)
        self.seen = Seen(filter_bits)
        self.counters = Counters()

    def start(self) -> None:
        """Sweeps away what a crash left, reads the ids of every segment, and begins to write."""
        known = self._store.segments()
        self._log.sweep(segment.name for segment in known)
        for segment in known:
            self.seen.add(segment.name, self._log.ids(segment.name))
            self._note(segment)
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, then ends."""
        self._queue.put(CLOSING)
        if self._thread.is_alive():
            self._thread.join()

    @property
    def waiting(self) -> int:
        """Rows offered and not yet stored."""
        return self._waiting

    def offer(self, offer: Offer) -> Future[Taken]:
        """Queues a delivery; its future is done once it is durable. Raises EngineError while too much waits."""
        if self._waiting > self._backlog:
            raise EngineError(f"{self._waiting} exchanges wait to be stored; send again in a second")
        self._waiting += offer.batch.num_rows
        self._queue.put(offer)
        return offer.done

    def _run(self) -> None:
        closing = False
        while not closing:
            group = [self._queue.get()]
            time.sleep(0.01)  # whoever sends at the same moment is written at the same moment
            while not self._queue.empty():
                group.append(self._queue.get())
            closing = CLOSING in group
            offers = [offer for offer in group if offer is not None]
            if offers:
                self._write(offers)

    def _write(self, offers: list[Offer]) -> None:
        rows = sum(offer.batch.num_rows for offer in offers)
        try:
            taken, told = self._store_all(offers)
        except Exception as error:  # noqa: BLE001 - whatever it was, the senders are told and the writer lives on
            self.counters.failures += 1
            for offer in offers:
                offer.done.set_exception(error if isinstance(error, EngineError) else EngineError(repr(error)))
            return
        finally:
            self._waiting -= rows
        for offer, what in zip(offers, taken, strict=True):
            offer.done.set_result(what)
        if told:
            self._tell(*told)

    def _tell(self, prints: pa.Table, segment: Segment) -> None:
        """What was stored is acknowledged already: whatever goes wrong here must not end the writing."""
        try:
            self._told(prints, segment)
        except Exception:
            self.counters.failures += 1
            LOG.exception("what came in %s was stored and not looked at", segment.name)

    def _store_all(self, offers: list[Offer]) -> tuple[list[Taken], tuple[pa.Table, Segment] | None]:
        batch = pa.concat_batches([offer.batch for offer in offers]) if len(offers) > 1 else offers[0].batch
        owner = np.repeat(np.arange(len(offers)), [offer.batch.num_rows for offer in offers])
        ids = id_keys(batch)
        recent = self._recent(batch)
        letters = [letter for offer in offers for letter in offer.letters]
        if letters:  # before the offsets: a crash in between repeats a letter and loses none
            self._store.add_dead_letters(letters, self._keep_letters)
        with self._lock:
            fresh = self.seen.new(np.where(recent, ids, np.uint64(0))) & recent
            stored = self._segment(batch, ids, fresh, [o for offer in offers for o in offer.offsets])
        return _shares(offers, owner, fresh, recent, self.counters), stored

    def _recent(self, batch: pa.RecordBatch) -> np.ndarray:
        newest = self.counters.newest
        if newest is None:
            return np.ones(batch.num_rows, dtype=np.bool_)
        least = pa.scalar(newest - self._retention, type=batch.schema.field("started_at").type)
        return np.asarray(pc.greater_equal(batch.column("started_at"), least))

    def _segment(
        self, batch: pa.RecordBatch, ids: Ids, fresh: np.ndarray, offsets: list[Offset]
    ) -> tuple[pa.Table, Segment] | None:
        if not fresh.any():
            if offsets:  # nothing new in it, and it still has been read
                self._store.put_offsets(offsets)
            return None
        if not fresh.all():
            batch, ids = batch.filter(pa.array(fresh)), ids[fresh]
        prints = pa.Table.from_batches([fingerprint(batch, salt=self._salt, model=self._model)])
        at = now()
        segment = self._log.write(prints, ids, f"{at:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.parquet", at)
        try:
            self._store.add_segment(segment, offsets)
        except BaseException:
            self._give_up(segment.name)
            raise
        self.seen.add(segment.name, self._log.ids(segment.name))
        self._note(segment)
        return prints, segment

    def _give_up(self, name: str) -> None:
        """Removes a file whose row was surely not written; where nobody can tell, the next start sweeps it."""
        try:
            known = any(segment.name == name for segment in self._store.segments())
        except EngineError:
            return
        if not known:
            self._log.remove([name])
        else:  # the row is there although the answer was lost: a repeat has to be recognised
            self.seen.add(name, self._log.ids(name))

    def _note(self, segment: Segment) -> None:
        newest = self.counters.newest
        self.counters.newest = max(newest, segment.last_at) if newest else segment.last_at
        self.counters.stored_at = segment.stored_at
        self.counters.segments += 1

    def compact(self, *, small: int = 50_000, least: int = 16, full: int = 250_000) -> int:
        """Joins small segments into a larger one, in the order they came. Returns how many became one."""
        chosen: list[Segment] = []
        for segment in self._store.segments():
            if segment.exchanges < small and sum(s.exchanges for s in chosen) < full:
                chosen.append(segment)
        if len(chosen) < least:
            return 0
        prints = self._log.read(chosen)
        at = now()
        name = f"{at:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.parquet"
        joined = self._log.write(prints.combine_chunks(), id_keys(prints), name, at)
        old = [segment.name for segment in chosen]
        self._replace(old, joined)
        return len(old)

    def forget(self, before: datetime) -> int:
        """Purges segments that lie wholly before a time. Returns how many went."""
        old = [segment.name for segment in self._store.segments() if segment.last_at < before]
        if old:
            self._replace(old, None)
        return len(old)

    def _replace(self, old: list[str], joined: Segment | None) -> None:
        with self._lock:
            self._store.replace_segments(old, joined)
            run = self._log.ids(joined.name) if joined else None
            self.seen.replace(old, joined.name if joined else None, run)
        self.counters.segments += (1 if joined else 0) - len(old)
        self._log.remove(old)


def _shares(
    offers: list[Offer], owner: np.ndarray, fresh: np.ndarray, recent: np.ndarray, counters: Counters
) -> list[Taken]:
    """What each offer is told of the rows written together."""
    accepted = np.bincount(owner, weights=fresh, minlength=len(offers)).astype(int)
    old = np.bincount(owner, weights=~recent, minlength=len(offers)).astype(int)
    taken = [
        Taken(
            accepted=int(a),
            duplicates=offer.batch.num_rows - int(a) - int(o),
            rejected=len(offer.letters),
            too_old=int(o),
        )
        for offer, a, o in zip(offers, accepted, old, strict=True)
    ]
    for name in ("accepted", "duplicates", "rejected", "too_old"):
        setattr(counters, name, getattr(counters, name) + sum(getattr(t, name) for t in taken))
    return taken


__all__ = ["Counters", "Intake", "Offer", "Taken"]
