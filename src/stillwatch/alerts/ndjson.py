"""Alerts as lines of JSON at the end of a file, for a log shipper to carry on. Knows nothing of rotation.

The file is opened anew for every alert, so that a rotated file is left alone and the new one is written.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec

from stillwatch.alerts.alert import Alert
from stillwatch.alerts.channel import UndeliveredError
from stillwatch.alerts.webhook import Render, plain

_ENCODER = msgspec.json.Encoder(order="sorted")


class File:
    """Appends one line an alert and flushes it to disk. A line is written whole or counts as not delivered."""

    def __init__(self, path: Path, *, render: Render = plain, console: str = "") -> None:
        self._path, self._render, self._console = path, render, console

    async def send(self, alert: Alert) -> None:
        line = _ENCODER.encode(self._render(alert, self._console)) + b"\n"
        try:
            await asyncio.to_thread(append, self._path, line)
        except OSError as error:
            raise UndeliveredError(f"{self._path.name}: {error.strerror}", again=True) from error


def append(path: Path, line: bytes, *, flush: bool = True) -> None:
    """Write ``line`` at the end of ``path`` and flush it to disk; a line torn by a crash before is ended first.

    Raises OSError, and takes back what it could write of the line. Readable by the owner and group alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        end = os.fstat(descriptor).st_size
        torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
        data = b"\n" + line if torn else line
        written = os.write(descriptor, data)
        if written < len(data):
            os.ftruncate(descriptor, end)
            raise OSError(28, "no space left for a whole line")
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
