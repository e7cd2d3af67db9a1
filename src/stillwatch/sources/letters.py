"""Messages that could not be read → dead letters, and how many are too many.

A letter keeps at most 500 characters of what was sent, without credentials, masked or left out as ``content`` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from stillwatch.ingest.options import Content
from stillwatch.ingest.quarantine import kind_of, shown
from stillwatch.store.protocol import DeadLetter

EXCERPT_CHARS = 500


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One row that was rejected: where it stood, why, and what may be shown of it."""

    position: str
    because: str
    excerpt: str


def letter(position: str, because: str, row: object, content: Content) -> Letter:
    """A letter over ``row`` (bytes, text or a value; None where there is nothing to show)."""
    return Letter(position=position, because=because, excerpt=(shown(row, content) or "")[:EXCERPT_CHARS])


def dead_letters(source: str, letters: Iterable[Letter], at: datetime) -> list[DeadLetter]:
    """The values that the store keeps. ``at`` is when they were read."""
    return [
        DeadLetter(source=source, position=item.position, because=item.because, excerpt=item.excerpt, at=at)
        for item in letters
    ]


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a source is broken rather than a row: more than ``share`` of its last ``window`` rows were rejected."""

    share: float = 0.5
    window: int = 1_000


class Tally:
    """Counts what one source sends and says when reading on would only fill the letters.

    Counts of older rows fade by half every ``window`` rows, so that a source that was mended is trusted again.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._good = self._bad = 0.0
        self.accepted = self.rejected = 0
        self.reasons: Counter[str] = Counter()

    def add(self, accepted: int, rejected: int, letters: Iterable[Letter] = ()) -> None:
        """Counts one decoded body."""
        self.accepted += accepted
        self.rejected += rejected
        self.reasons.update(kind_of(item.because) for item in letters)
        fade = 0.5 ** ((accepted + rejected) / self._limit.window)
        self._good = self._good * fade + accepted
        self._bad = self._bad * fade + rejected

    def too_many(self) -> str | None:
        """Why the source is to be paused; None while it is not."""
        seen = self._good + self._bad
        if seen < self._limit.window or self._bad <= self._limit.share * seen:
            return None
        top = "; ".join(f"{reason} ({count:,})" for reason, count in self.reasons.most_common(3))
        return f"{self._bad / seen:.0%} of its last rows were rejected: {top}"

    def forgive(self) -> None:
        """Starts counting anew: somebody mended the source and resumed it."""
        self._good = self._bad = 0.0
