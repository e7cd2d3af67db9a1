"""Carries alerts to their channels: each told once per key, none lost in a crash, no channel waiting for another.

At least once: an alert is on disk before anything else happens, and leaves the disk when every channel took it or
gave it up. What is given up (refused for good, or too old) goes to a file of undelivered alerts and is counted. It
does not know what an alert says.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from stillwatch import clock
from stillwatch.alerts.alert import MATTERS, SEVERITIES, Alert, Matter, Severity
from stillwatch.alerts.channel import Channel, UndeliveredError
from stillwatch.alerts.journal import Journal
from stillwatch.alerts.ndjson import append
from stillwatch.errors import StillwatchError

Outcome = Literal["delivered", "failed", "given_up", "repeated"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel is sent: alerts of ``matters`` from ``least`` on, one every ``pace_s`` seconds."""

    least: Severity = "low"
    matters: frozenset[Matter] = frozenset(MATTERS)
    pace_s: float = 0.0

    def takes(self, alert: Alert) -> bool:
        return alert.matter in self.matters and SEVERITIES.index(alert.severity) >= SEVERITIES.index(self.least)


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How a failed delivery is tried again: after up to ``first_s`` seconds, doubling up to ``longest_s``.

    ``give_up_after_s``: age of the first attempt at which it ends. ``most_pending``: alerts held per channel; past it
    the least severe and oldest is given up, so that an outage cannot fill the disk.
    """

    first_s: float = 1.0
    longest_s: float = 900.0
    give_up_after_s: float = 3 * 86_400.0
    most_pending: int = 1000


def wait_s(attempt: int, patience: Patience, draw: float) -> float:
    """Seconds to wait after attempt ``attempt`` (from 1): half of the doubled time, and ``draw`` (0..1) of the rest."""
    ceiling = min(patience.longest_s, patience.first_s * 2.0 ** min(attempt - 1, 60))
    return ceiling * (0.5 + 0.5 * draw)


class _Queued(msgspec.Struct, kw_only=True):
    alert: Alert
    attempts: int = 0
    first_try: float | None = None
    due: float = 0.0


class Outbox:
    """Alerts on their way. ``put`` them from anywhere in the loop's thread; ``run`` delivers until it is cancelled.

    ``first_alert(key, at)`` is the store's: True the first time. While the store is away alerts are told all the
    same, once a process. ``counts`` has the outcomes by channel.
    """

    def __init__(
        self,
        channels: Mapping[str, tuple[Channel, Wanted]],
        folder: Path,
        first_alert: Callable[[str, datetime], bool],
        *,
        patience: Patience | None = None,
        now: Callable[[], datetime] = clock.now,
        draw: Callable[[], float] | None = None,
    ) -> None:
        """Journal and undelivered alerts lie in ``folder``; what an earlier process left open is queued again."""
        self._channels, self._first_alert, self._now = dict(channels), first_alert, now
        self._patience, self._draw = patience or Patience(), draw or random.Random().random
        folder.mkdir(parents=True, exist_ok=True)
        self._undelivered = folder / "alerts-undelivered.ndjson"
        self._journal = Journal(folder / "alerts.journal")
        self._queues: dict[str, dict[str, _Queued]] = {name: {} for name in self._channels}
        self._news = {name: asyncio.Event() for name in self._channels}
        self._told: dict[str, None] = dict.fromkeys(self._journal.pending)
        self.counts: Counter[tuple[str, Outcome]] = Counter()
        self.last_error: dict[str, str] = {}
        for key, (alert, names) in list(self._journal.pending.items()):
            for name in sorted(names):
                if name in self._queues:
                    self._queues[name][key] = _Queued(alert=alert)
                else:  # the channel was taken out of the configuration
                    self._give_up(name, alert, "the channel is not configured any more")

    def pending(self) -> dict[str, int]:
        """How many alerts wait, by channel."""
        return {name: len(queue) for name, queue in self._queues.items()}

    def undelivered(self) -> int:
        """How many were given up since the start."""
        return sum(many for (_, outcome), many in self.counts.items() if outcome == "given_up")

    def put(self, alerts: Iterable[Alert], at: datetime) -> int:
        """Queue those that were never told and that a channel wants; how many. On disk when this returns.

        Raises OSError where they could not be written; call again with the same alerts. Cost: one flush to disk and one
        transaction of the store for every alert that this process has not seen yet.
        """
        news: list[tuple[Alert, list[str]]] = []
        for alert in alerts:
            names = [name for name, (_, wanted) in self._channels.items() if wanted.takes(alert)]
            if names and alert.key not in self._told and alert.key not in {one.key for one, _ in news}:
                news.append((alert, names))
        self._journal.add(news)  # before the store is told, so that a crash between the two repeats and does not lose
        queued = 0
        for alert, names in news:
            self._told[alert.key] = None
            first = self._is_first(alert.key, at)
            queued += first
            for name in names:
                if first:
                    self._queue(name, alert)
                else:
                    self._journal.done(alert.key, name)
                    self.counts[name, "repeated"] += 1
        while len(self._told) > 100_000:  # the store still knows; this only saves asking it
            del self._told[next(iter(self._told))]
        return queued

    async def run(self) -> None:
        """Deliver until cancelled, every channel by itself."""
        async with asyncio.TaskGroup() as group:
            for name in self._channels:
                group.create_task(self._serve(name), name=f"alerts:{name}")

    async def drain(self, within_s: float) -> bool:
        """Wait until nothing is queued, at most ``within_s``: for an orderly end. True if nothing is left."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while any(self._queues.values()) and loop.time() < until:  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.02)  # an end is waited for once; a signal per delivery is not worth its upkeep
        return not any(self._queues.values())

    def _is_first(self, key: str, at: datetime) -> bool:
        try:
            return self._first_alert(key, at)
        except StillwatchError:  # the store is away: telling twice is better than not telling
            return True

    def _queue(self, name: str, alert: Alert) -> None:
        queue = self._queues[name]
        queue[alert.key] = _Queued(alert=alert)
        if len(queue) > self._patience.most_pending:
            least = min(queue.values(), key=lambda one: (SEVERITIES.index(one.alert.severity), one.alert.at))
            self._give_up(name, least.alert, "too many alerts are waiting")
        self._news[name].set()

    async def _serve(self, name: str) -> None:
        loop, queue, news = asyncio.get_running_loop(), self._queues[name], self._news[name]
        pause_until = 0.0
        while True:
            news.clear()
            # what waits for its next attempt holds nothing else up; of what is due, the most severe goes first
            at = loop.time()
            ready = min(queue.values(), key=partial(_turn, pause_until, at), default=None)
            rest = None if ready is None else max(ready.due, pause_until) - at
            if ready is None or (rest is not None and rest > 0):
                await _woken(news, rest)
                continue
            pause_until = loop.time() + await self._attempt(name, ready)

    async def _attempt(self, name: str, queued: _Queued) -> float:
        """One attempt; how many seconds the channel rests after it."""
        loop, (channel, wanted) = asyncio.get_running_loop(), self._channels[name]
        queued.attempts += 1
        queued.first_try = loop.time() if queued.first_try is None else queued.first_try
        try:
            await channel.send(queued.alert)
        except UndeliveredError as error:
            self.counts[name, "failed"] += 1
            self.last_error[name] = str(error)
            wait = max(wait_s(queued.attempts, self._patience, self._draw()), error.after_s or 0.0)
            queued.due = loop.time() + wait
            if not error.again or queued.due - queued.first_try > self._patience.give_up_after_s:
                self._give_up(name, queued.alert, str(error))
            return error.after_s or wanted.pace_s
        self.counts[name, "delivered"] += 1
        self._finish(name, queued.alert.key)
        return wanted.pace_s

    def _give_up(self, name: str, alert: Alert, because: str) -> None:
        """Keep it where a person finds it. Nothing is lost silently, unless the disk is full as well."""
        line = msgspec.json.encode({"channel": name, "because": because, "at": self._now(), "alert": alert}) + b"\n"
        try:
            append(self._undelivered, line)
        except OSError as error:
            self.last_error[name] = f"{self._undelivered.name}: {error.strerror}"
        self.counts[name, "given_up"] += 1
        self._finish(name, alert.key)

    def _finish(self, name: str, key: str) -> None:
        self._queues.get(name, {}).pop(key, None)
        try:
            self._journal.done(key, name)
        except OSError as error:  # it will be told again after a restart
            self.last_error[name] = f"journal: {error.strerror}"


async def _woken(news: asyncio.Event, within_s: float | None) -> None:
    try:
        async with asyncio.timeout(within_s):
            await news.wait()
    except TimeoutError:
        return


def _turn(pause_until: float, at: float, queued: _Queued) -> tuple[float, int, datetime]:
    return max(queued.due, pause_until, at), -SEVERITIES.index(queued.alert.severity), queued.alert.at
