"""The seam for formats: one file each, one line in ``BUILTIN``. Detection asks each how sure it is, and why.

A format turns one decoded record into rows of the data contract; columns it cannot fill it leaves out. It never fails
on fields it does not know. What it returns is checked like everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from stillwatch.errors import InputError
from stillwatch.ingest import bedrock, litellm, mapped, otel, records, vllm, wire
from stillwatch.ingest.context import Context
from stillwatch.ingest.sources import Source


class Format(Protocol):
    """What a format is. ``carries_account`` says whether its records ever name the paying account."""

    name: str
    carries_account: bool

    def sniff(self, record: dict[str, Any] | str) -> float:
        """How sure it is, from 0 to 1, that a record is one of its own."""
        ...

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:
        """The exchanges in one record: none where the record is no model call. Raises BadRowError, nothing else."""
        ...


class CanonicalFormat:
    """The data contract itself; read by `canonical` without going record by record."""

    name = "canonical"
    carries_account = True

    def sniff(self, record: dict[str, Any] | str) -> float:
        required = ("exchange_id", "started_at", "account_id", "request_model")
        return sum(name in record for name in required) / len(required) if isinstance(record, dict) else 0.0

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        if isinstance(record, dict):
            yield record


BUILTIN: tuple[Format, ...] = (
    CanonicalFormat(),
    litellm.LiteLlmFormat(),
    otel.OtelFormat(),
    bedrock.BedrockFormat(),
    wire.WireFormat(),
    vllm.VllmFormat(),
    *mapped.shipped(),
)

_LEAST_CONFIDENCE = 0.5


class Detected(msgspec.Struct, frozen=True):
    """Which format a file has and why it is thought to."""

    format: Any
    why: str


def named(name: str) -> Format:
    """The format called ``name``; ``mapped:FILE`` reads a map of the user's own. Raises InputError or ConfigError."""
    if name.startswith("mapped:") and Path(name.removeprefix("mapped:")).suffix in (".toml", ".json"):
        return mapped.load(Path(name.removeprefix("mapped:")))
    for candidate in BUILTIN:
        if candidate.name in (name, f"mapped:{name}"):
            return candidate
    known = ", ".join(candidate.name for candidate in BUILTIN)
    raise InputError(f"no format is called {name!r}", hint=f"known are {known}, or mapped:FILE.toml")


def detect(source: Source, wanted: str | None) -> Detected:
    """The format of one file. Raises InputError where no format knows its records."""
    if wanted is not None:
        return Detected(named(wanted), "named by --format")
    seen = records.sample(source)
    scores = [(_mean(candidate, seen), -order, candidate) for order, candidate in enumerate(BUILTIN)]
    best, _, candidate = max(scores, key=lambda score: score[:2])
    if not seen or best < _LEAST_CONFIDENCE:
        raise InputError(
            "unknown format" + (f": its records have {_keys(seen)}" if seen else ": no readable record at its start"),
            source=source.name,
            hint="name one with --format, or describe it in a map (docs/formats.md)",
        )
    return Detected(candidate, f"{best:.0%} of the first {len(seen)} records look like it ({_keys(seen)})")


def _mean(candidate: Format, seen: Sequence[dict[str, Any] | str]) -> float:
    return sum(candidate.sniff(record) for record in seen) / len(seen) if seen else 0.0


def _keys(seen: Sequence[dict[str, Any] | str]) -> str:
    first = next((record for record in seen if isinstance(record, dict)), None)
    return ", ".join(list(first)[:6]) if first else "text lines"
