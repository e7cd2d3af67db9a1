"""Rows that could not be used: where they stood, why, and how many are too many.

The file appears only when the run is over (temporary file, then rename); credentials never reach it, and with
``content`` other than ``full`` the row's text does not either. Knows nothing of formats.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import IO, Self

import msgspec

from stillwatch.errors import InputError
from stillwatch.ingest.options import Content
from stillwatch.ingest.redact import redacted_text

MAX_ROW_CHARS = 2_000
MIN_ROWS_FOR_LIMIT = 200  # below this a share says nothing: one bad row of ten is not a broken source
_SAMPLE = 20

_SECRET_FIELD = re.compile(
    r"""(?ix) ( ["']? \b (?:
        proxy-authorization | authorization | (?:x-)?api[-_]?key | x-goog-api-key | set-cookie | cookie
        | ocp-apim-subscription-key | x-amz-security-token | user_api_key(?:_hash)? | secret | password | access_token )
        ["']? \s* [:=] \s* ) ( "(?:[^"\\]|\\.)*"? | '[^']*'? | [^\s,;}\]]+ (?:\s+[^\s,;}\]"']+)? )"""
)
_SECRET_VALUE = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{2,}|\b(?:sk|pk|rk|xox[abp]|ghp|AKIA|ASIA)[-_A-Z0-9][\w-]{6,}"
)


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """One rejected row. ``line`` counts from 1 (the row number in Parquet); ``row`` is cut and cleaned."""

    source: str
    line: int | None
    reason: str
    row: str | None


def without_credentials(text: str) -> str:
    """``text`` with the values of credential fields and key-shaped words replaced by ``[removed]``."""
    return _SECRET_VALUE.sub("[removed]", _SECRET_FIELD.sub(r'\1"[removed]"', text))


def shown(row: object, content: Content) -> str | None:
    """What may be kept of a rejected row: at most ``MAX_ROW_CHARS`` characters, no credentials; see ``content``."""
    if content in ("features", "none") or row is None:
        return None
    if isinstance(row, bytes | bytearray | memoryview):
        text = bytes(row[: 4 * MAX_ROW_CHARS]).decode("utf-8", "replace")
    elif isinstance(row, str):
        text = row[: 4 * MAX_ROW_CHARS]
    else:
        text = msgspec.json.encode(row, enc_hook=str).decode()[: 4 * MAX_ROW_CHARS]
    text = without_credentials(text)
    if content == "redacted":
        text = redacted_text(text)
    return text[:MAX_ROW_CHARS]


class Quarantine:
    """Collects rejected rows; writes ``DIR/quarantine.jsonl`` on ``close`` and stops a run that rejects too much.

    Without a directory it only counts and keeps a sample. ``top_reasons`` groups reasons by their text.
    """

    def __init__(
        self, directory: Path | None = None, *, max_bad_share: float = 0.05, content: Content = "full"
    ) -> None:
        self._directory, self._max_bad_share = directory, max_bad_share
        self._content: Content = content
        self._file: IO[bytes] | None = None
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.sample: list[Rejected] = []

    def add(self, source: str, line: int | None, reason: str, row: object = None) -> None:
        """Keeps one rejected row (cost: one write)."""
        rejected = Rejected(source=source, line=line, reason=reason, row=shown(row, self._content))
        self.count += 1
        self.reasons[kind_of(reason)] += 1
        if len(self.sample) < _SAMPLE:
            self.sample.append(rejected)
        if self._directory is not None:
            if self._file is None:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._file = self._temporary.open("wb")
            self._file.write(msgspec.json.encode(rejected) + b"\n")

    def check(self, rows_read: int, *, final: bool = False) -> None:
        """Raises InputError once more than the allowed share of ``rows_read`` was rejected.

        While reading, nothing is judged on fewer than ``MIN_ROWS_FOR_LIMIT`` rows; at the end everything is.
        """
        if self.count == 0 or rows_read == 0 or (not final and rows_read < MIN_ROWS_FOR_LIMIT):
            return
        if self.count / rows_read <= self._max_bad_share:
            return
        top = "; ".join(f"{reason} ({count})" for reason, count in self.reasons.most_common(3))
        first = self.sample[0]
        raise InputError(
            f"{self.count:,} of {rows_read:,} rows were rejected, more than {self._max_bad_share:.0%}: {top}",
            source=first.source,
            line=first.line,
            hint="run `stillwatch inspect` on the file, fix the source, or raise max_bad_share",
        )

    def top_reasons(self, count: int = 5) -> list[tuple[str, int]]:
        return self.reasons.most_common(count)

    def close(self) -> None:
        """Puts the finished file in place (an empty one when nothing was rejected)."""
        if self._directory is None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._file is None:
            self._file = self._temporary.open("wb")
        self._file.close()
        self._file = None
        self._temporary.replace(self._directory / "quarantine.jsonl")

    def discard(self) -> None:
        """Removes the unfinished file: for runs that end in an error."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._directory is not None:
            self._temporary.unlink(missing_ok=True)

    @property
    def _temporary(self) -> Path:
        assert self._directory is not None
        return self._directory / f".quarantine.{os.getpid()}.tmp"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self.close()
        else:
            self.discard()


def kind_of(reason: str) -> str:
    """The reason without the particular value, so that like reasons count together."""
    return re.sub(r"'[^']*'|\d{3,}", "…", reason)[:160]
