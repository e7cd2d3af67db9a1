"""What a source can support: which columns have values, how often, and what would have to be added.

Reads everything once, keeps counts only. Knows column groups and detectors' needs; not what any detector does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
import pyarrow as pa

from stillwatch import tables
from stillwatch.ingest.quarantine import Rejected
from stillwatch.ingest.stream import ExchangeStream

GROUPS: dict[str, tuple[str, ...]] = {
    "identity": ("platform", "account_id", "key_id", "org_id", "end_user_id", "conversation_id"),
    "network": ("client_address", "client_asn", "client_country", "client_network"),
    "client": ("ja4", "header_signature", "user_agent"),
    "content": ("system_prompt", "prompt", "message_count", "tool_names", "image_count", "response", "reasoning"),
    "parameters": ("operation", "request_model", "max_tokens", "temperature", "top_p", "stream", "reasoning_effort"),
    "usage": (
        "finish_reason", "input_tokens", "output_tokens", "reasoning_tokens", "latency_ms", "ttft_ms", "status_code",
    ),
}  # fmt: skip


class NeedsColumns(Protocol):
    """The part of a detector that coverage looks at."""

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> Sequence[str]: ...


class File(msgspec.Struct, frozen=True, kw_only=True):
    """How one file was recognised."""

    path: str
    format: str
    why: str
    bytes: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What ``inspect`` says. Shares are of accepted rows, from 0 to 1; ``accounts`` is None without a side table."""

    files: tuple[File, ...]
    rows_read: int
    accepted: int
    duplicates: int
    quarantined: int
    skipped: int
    bad_addresses: int
    first: datetime | None
    last: datetime | None
    groups: dict[str, dict[str, float]]
    accounts: dict[str, float] | None
    listed_accounts_share: float | None
    join_matched: int | None
    join_unmatched: int | None
    extra_columns: tuple[str, ...]
    reasons: dict[str, int]
    rejected: tuple[Rejected, ...]
    not_applicable: dict[str, str]
    advice: tuple[str, ...]


class Tallied:
    """Counts values per column while batches pass by."""

    def __init__(self) -> None:
        self.values: Counter[str] = Counter()
        self.seen_accounts: set[tuple[str, str]] = set()

    def watch(self, batches: Iterable[pa.RecordBatch]) -> None:
        for batch in batches:
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                self.values[name] += len(column) - column.null_count
            pairs = pa.table({name: batch.column(name) for name in ("platform", "account_id")})
            distinct = pairs.group_by(["platform", "account_id"]).aggregate([]).to_pydict()
            self.seen_accounts.update(zip(distinct["platform"], distinct["account_id"], strict=True))


def coverage(
    stream: ExchangeStream, counted: Tallied, accounts: pa.Table | None, detectors: Sequence[NeedsColumns]
) -> Coverage:
    """The summary of a stream that has been read."""
    total = max(stream.accepted, 1)
    groups = {group: {name: counted.values[name] / total for name in names} for group, names in GROUPS.items()}
    account_shares, listed = _accounts(accounts, counted.seen_accounts)
    present = set(stream.present_columns) | {name for name, share in (account_shares or {}).items() if share > 0}
    missing = {detector.name: because for detector in detectors if (because := lacking(detector.needs, present))}
    join = stream.join_counts
    return Coverage(
        files=tuple(
            File(path=str(source.path), format=found.format.name, why=found.why, bytes=source.size)
            for source, found in stream.recognised()
        ),
        rows_read=stream.rows_read,
        accepted=stream.accepted,
        duplicates=stream.duplicates,
        quarantined=stream.quarantined,
        skipped=stream.skipped,
        bad_addresses=stream.bad_addresses,
        first=stream.first,
        last=stream.last,
        groups=groups,
        accounts=account_shares,
        listed_accounts_share=listed,
        join_matched=join[0] if join else None,
        join_unmatched=join[1] if join else None,
        extra_columns=stream.extra_columns,
        reasons=dict(stream.quarantine.top_reasons(10)),
        rejected=tuple(stream.quarantine.sample),
        not_applicable=missing,
        advice=tuple(_advice(groups, account_shares, stream)),
    )


def lacking(needs: Sequence[str], present: set[str]) -> str:
    """Which of a detector's columns are missing, in words; empty where it applies."""
    unmet = [need for need in needs if not any(name in present for name in need.split("|"))]
    return "needs " + " and ".join(need.replace("|", " or ") for need in unmet) if unmet else ""


def _accounts(table: pa.Table | None, seen: set[tuple[str, str]]) -> tuple[dict[str, float] | None, float | None]:
    if table is None:
        return None, None
    rows = max(table.num_rows, 1)
    shares = {name: (table.num_rows - table.column(name).null_count) / rows for name in tables.ACCOUNTS.names}
    listed = set(zip(table.column("platform").to_pylist(), table.column("account_id").to_pylist(), strict=True))
    return shares, len(seen & listed) / max(len(seen), 1)


def _advice(
    groups: dict[str, dict[str, float]], accounts: dict[str, float] | None, stream: ExchangeStream
) -> Iterable[str]:
    identity = [reason for reason, _ in stream.quarantine.top_reasons(10) if reason.startswith("missing account_id")]
    if identity:
        yield "no account identity: pass --join with a table keyed by request id that names the account"
    if not any(groups["network"].values()) and not any(groups["client"].values()):
        yield "no network or client facts: join an access log that has client_address, ja4 or user_agent"
    if groups["content"]["prompt"] == 0:
        yield "no prompts: only timing, parameters and usage can speak; switch content capture on if you may"
    elif groups["content"]["response"] == 0:
        yield "no responses: output tokens still count, capabilities are told from prompts alone"
    if groups["usage"]["output_tokens"] == 0:
        yield "no token counts: volumes are counted in exchanges"
    if groups["identity"]["conversation_id"] == 0:
        yield "no conversation ids: follow-ups are recognised from message counts only"
    if accounts is None:
        yield "no accounts table: sign-up, payment and ban succession are not looked at (--accounts FILE)"
    if stream.join_counts and stream.join_counts[1] > stream.join_counts[0]:
        yield "the join matched less than half of the rows: is it keyed by the same request id?"
