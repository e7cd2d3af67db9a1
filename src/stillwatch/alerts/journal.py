"""A file that remembers which alerts still have to be delivered, so that a crash loses none of them.

One JSON line an entry: an alert to be told on some channels, or a channel that is done with one. Lines are flushed to
disk before anything is sent; a line torn by a crash is the last one and counts as not written. It knows nothing of
channels.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from stillwatch.alerts.alert import Alert
from stillwatch.alerts.ndjson import append

_COMPACT_FROM = 256 * 1024  # bytes of finished entries worth a rewrite


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``alert`` is to be told on ``channels``; without one, ``channels`` are done with the alert of that ``key``."""

    key: str
    channels: tuple[str, ...]
    alert: Alert | None = None


class Journal:
    """The entries of one file, and what they leave open: alert by key, with the channels that still have to take it.

    Methods raise OSError where the disk is full or away. Used by one process and one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        """Reads what is there. Cost: the file once. Lines that cannot be read are left out and counted in ``torn``."""
        self._path, self._encoder = path, msgspec.json.Encoder()
        self.pending: dict[str, tuple[Alert, set[str]]] = {}
        self.torn = 0
        decoder = msgspec.json.Decoder(Entry)
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        for line in filter(None, lines):
            try:
                self._take(decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.torn += 1
        if lines:
            self._rewrite()

    def add(self, alerts: Iterable[tuple[Alert, Iterable[str]]]) -> None:
        """Remember that these alerts have to be told on these channels: on disk when this returns."""
        entries = [Entry(key=alert.key, channels=tuple(sorted(channels)), alert=alert) for alert, channels in alerts]
        if entries:
            append(self._path, b"".join(self._encoder.encode(entry) + b"\n" for entry in entries))
        for entry in entries:
            self._take(entry)

    def done(self, key: str, channel: str) -> None:
        """The channel took the alert, or never will. Losing this line repeats an alert and loses none."""
        entry = Entry(key=key, channels=(channel,))
        self._take(entry)
        append(self._path, self._encoder.encode(entry) + b"\n", flush=False)
        if self._path.stat().st_size > _COMPACT_FROM * (1 + len(self.pending)):
            self._rewrite()

    def _take(self, entry: Entry) -> None:
        if entry.alert is not None:
            self.pending[entry.key] = entry.alert, set(entry.channels)
        elif entry.key in self.pending:
            self.pending[entry.key][1].difference_update(entry.channels)
            if not self.pending[entry.key][1]:
                del self.pending[entry.key]

    def _rewrite(self) -> None:
        """Keep what is open alone: written beside, flushed, and put in place at once."""
        beside = self._path.with_name(f"{self._path.name}.new")
        entries = (
            Entry(key=key, channels=tuple(sorted(channels)), alert=alert)
            for key, (alert, channels) in self.pending.items()
        )
        data = b"".join(self._encoder.encode(entry) + b"\n" for entry in entries)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
