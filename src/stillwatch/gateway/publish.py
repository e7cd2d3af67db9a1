"""The service's side: the newest rows, and what changed since the versions that gateways still hold.

Pure but for its memory; whoever asks brings decisions and time. One writer, any number of readers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from stillwatch.errors import InputError
from stillwatch.gateway.snapshot import Rows, Stamp, encode, encode_changes, rows_of
from stillwatch.model import Decision

_Keys = frozenset[tuple[str, str]]


class Publisher:
    """Keeps one set of rows and the changed accounts of the last ``keep`` versions.

    ``epoch`` is raised when the store starts anew; ``key`` signs. A gateway that is further behind gets everything.
    """

    def __init__(self, *, epoch: int = 0, key: bytes | None = None, keep: int = 64) -> None:
        self._epoch, self._key = epoch, key
        self._history: deque[tuple[int, _Keys]] = deque(maxlen=keep)
        self._state: tuple[Stamp, Rows, tuple[tuple[int, _Keys], ...]] | None = None
        self._whole: tuple[Stamp, bytes] | None = None

    @property
    def stamp(self) -> Stamp | None:
        """What was published last, None before the first time."""
        return self._state[0] if self._state else None

    def publish(self, decisions: Iterable[Decision], version: int, made_at: datetime) -> None:
        """Show these decisions from now on; what expired since the last version goes along with it. O(decisions).

        The version that is shown already changes nothing. Raises InputError for one before it.
        """
        before = self._state
        if before is not None and version < before[0].version:
            raise InputError(
                f"decisions went back from version {before[0].version} to {version}", hint="raise the epoch"
            )
        if before is not None and version == before[0].version:
            return
        rows = rows_of(decisions, made_at)
        if before is not None:
            self._history.append((before[0].version, _differing(before[1], rows)))
        self._state = (Stamp(self._epoch, version), rows, tuple(self._history))

    def since(self, tag: str | None, version: int, made_at: datetime) -> bytes | None:
        """Bytes that bring a gateway that holds ``version`` under ``tag`` up to date; None where it already is.

        ``tag`` is the gateway's If-None-Match (see ``tag_of``); without one it gets everything.
        """
        state = self._state
        if state is None:
            return None
        stamp, rows, history = state
        if tag == tag_of(stamp):
            return None
        missed = [keys for held, keys in history if held >= version]
        if tag != tag_of(Stamp(self._epoch, version)) or not any(held == version for held, _ in history):
            return self._everything(stamp, rows, made_at)
        changed: Rows = {}
        removed: list[tuple[str, str]] = []
        for platform, account in sorted(frozenset[tuple[str, str]]().union(*missed)):
            row = rows.get(platform, {}).get(account)
            if row is None:
                removed.append((platform, account))
            else:
                changed.setdefault(platform, {})[account] = row
        return encode_changes(version, changed, removed, stamp, made_at, key=self._key)

    def _everything(self, stamp: Stamp, rows: Rows, made_at: datetime) -> bytes:
        if self._whole is None or self._whole[0] != stamp:
            self._whole = (stamp, encode(rows, stamp, made_at, key=self._key))
        return self._whole[1]


def tag_of(stamp: Stamp) -> str:
    """The ETag of a snapshot."""
    return f'"{stamp.epoch}-{stamp.version}"'


def _differing(before: Rows, after: Rows) -> _Keys:
    return frozenset(
        (platform, account)
        for platform in before.keys() | after.keys()
        for account in before.get(platform, {}).keys() | after.get(platform, {}).keys()
        if before.get(platform, {}).get(account) != after.get(platform, {}).get(account)
    )
