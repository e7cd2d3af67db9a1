"""Decisions on their way to gateways: rows, whole snapshots, deltas, and the seal that they are checked by.

A row holds what is decided about one account, strongest first, packed: decoding two million of them makes no objects
but the strings and bytes that a table keeps. Undone, held and expired decisions never leave the service.

A snapshot is ``magic, flags, seal, body``. The seal is SHA-256 of all else, which finds damage; with a key it is
HMAC-SHA256, which also finds whoever is not the service. Snapshots are ordered by (epoch, version): the version grows
with every change, the epoch when a store starts anew (restored from a backup); an older one is refused.

It does not know how bytes travel, what time it is, or whether a gateway obeys.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from stillwatch.errors import InputError
from stillwatch.model import ACTIONS, Action, Decision

# platform → account → packed entries
Rows = dict[str, dict[str, bytes]]
_MAGIC = b"SWD\x01"  # the last byte is the format: a gateway refuses what it does not know
_SEAL_BYTES = 32
_CHUNK_ROWS = 2_048  # decoded in one go, about a millisecond in which other threads wait
_LIMIT_BYTES = 4 << 30  # of a body before it was compressed
_STRENGTH = {action: place for place, action in enumerate(ACTIONS)}
_HINT = "the table keeps what it has"


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One decision as a gateway sees it. Times in microseconds since 1970; ``value`` in exchanges an hour."""

    action: Action
    simulated: bool
    starts_us: int
    expires_us: int
    decision_id: str
    value: float | None = None


class Stamp(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Which state a snapshot shows. Later ones compare greater."""

    epoch: int
    version: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A checked snapshot. ``base`` is the version that a delta goes on top of, None where ``rows`` is everything."""

    stamp: Stamp
    made_us: int
    base: int | None
    rows: Rows
    removed: tuple[tuple[str, str], ...] = ()


class _Body(msgspec.Struct, frozen=True, array_like=True):
    stamp: Stamp
    made_us: int
    base: int | None
    chunks: list[bytes]
    removed: tuple[tuple[str, str], ...]


_pack = msgspec.msgpack.Encoder().encode
_unpack_body = msgspec.msgpack.Decoder(_Body).decode
_unpack_chunk = msgspec.msgpack.Decoder(tuple[str, dict[str, bytes]]).decode
unpack_entries = msgspec.msgpack.Decoder(tuple[Entry, ...]).decode


def microseconds(at: datetime) -> int:
    """An aware time as microseconds since 1970."""
    return round(at.timestamp() * 1_000_000)


def rows_of(decisions: Iterable[Decision], made_at: datetime) -> Rows:
    """What is to be known at ``made_at``: undone, held and expired decisions fall away, the rest packed by account.

    Raises InputError for a throttle without a value above 0: how much may pass is never guessed. O(decisions).
    """
    at_us = microseconds(made_at)
    known: dict[tuple[str, str], list[Entry]] = {}
    for decision in decisions:
        entry = _entry_of(decision)
        if decision.undone_at is None and not decision.held and entry.expires_us > max(at_us, entry.starts_us):
            known.setdefault((decision.platform, decision.account_id), []).append(entry)
    rows: Rows = {}
    for (platform, account_id), entries in known.items():
        rows.setdefault(platform, {})[account_id] = _pack(_worth_sending(entries))
    return rows


def _entry_of(decision: Decision) -> Entry:
    if decision.action == "throttle" and not (decision.value or 0) > 0:
        raise InputError(f"decision {decision.decision_id} throttles without saying to how many exchanges an hour")
    return Entry(
        decision.action,
        decision.simulated,
        microseconds(decision.starts_at),
        microseconds(decision.expires_at),
        decision.decision_id,
        decision.value,
    )


def _worth_sending(entries: list[Entry]) -> list[Entry]:
    """Enforced before simulated, strongest first; what a stronger one covers in time as a whole is left out."""
    entries.sort(key=lambda e: (e.simulated, -_STRENGTH[e.action], e.value or 0.0, e.starts_us, e.decision_id))
    kept: list[Entry] = []
    for entry in entries:
        if not any(s.starts_us <= entry.starts_us and s.expires_us >= entry.expires_us for s in kept):
            kept.append(entry)
    return kept


def encode(rows: Rows, stamp: Stamp, made_at: datetime, *, key: bytes | None = None, compressed: bool = False) -> bytes:
    """A whole snapshot, about 110 bytes an account before compression. O(accounts)."""
    return _sealed(_Body(stamp, microseconds(made_at), None, list(_chunks(rows)), ()), key, compressed=compressed)


def encode_delta(
    since: tuple[int, Rows], rows: Rows, stamp: Stamp, made_at: datetime, *, key: bytes | None = None
) -> bytes:
    """What changed from ``since`` (its version and rows) to ``rows``. O(accounts of both)."""
    base, before = since
    changed: Rows = {}
    for platform, accounts in rows.items():
        old: Mapping[str, bytes] = before.get(platform, {})
        if news := {account: row for account, row in accounts.items() if old.get(account) != row}:
            changed[platform] = news
    gone = [(p, account) for p, accounts in before.items() for account in accounts if account not in rows.get(p, {})]
    return encode_changes(base, changed, gone, stamp, made_at, key=key)


def encode_changes(
    base: int,
    changed: Rows,
    removed: Iterable[tuple[str, str]],
    stamp: Stamp,
    made_at: datetime,
    *,
    key: bytes | None = None,
) -> bytes:
    """A delta on top of version ``base``, whose changes the caller knows. O(changes)."""
    return _sealed(_Body(stamp, microseconds(made_at), base, list(_chunks(changed)), tuple(removed)), key)


def _chunks(rows: Rows) -> Iterator[bytes]:
    for platform, accounts in rows.items():
        items = list(accounts.items())
        for start in range(0, len(items), _CHUNK_ROWS):
            yield _pack((platform, dict(items[start : start + _CHUNK_ROWS])))


def _seal(key: bytes | None, head: bytes, body: bytes) -> bytes:
    made = hmac.new(key, head, hashlib.sha256) if key else hashlib.sha256(head)
    made.update(body)
    return made.digest()


def _sealed(body: _Body, key: bytes | None, *, compressed: bool = False) -> bytes:
    packed = _pack(body)
    if compressed:
        packed = zlib.compress(packed, 1)
    head = _MAGIC + bytes([compressed | bool(key) << 1])
    return head + _seal(key, head, packed) + packed


def decode(payload: bytes, *, key: bytes | None = None, known: Stamp | None = None) -> Snapshot:
    """Check and read a snapshot. With a ``key`` only what was signed by it is read.

    Raises InputError where it is damaged, cut short, of another format, not signed by this key, or older than
    ``known``. About 3 s for a million accounts, mostly in steps of some milliseconds between which other threads run.
    """
    size = len(_MAGIC) + 1
    head, seal, packed = payload[:size], payload[size : size + _SEAL_BYTES], payload[size + _SEAL_BYTES :]
    if len(seal) < _SEAL_BYTES or head[:3] != _MAGIC[:3]:
        raise InputError("this is no snapshot of decisions", hint=_HINT)
    if head[:4] != _MAGIC:
        raise InputError(f"snapshot format {head[3]} is not known here", hint="update the gateway's stillwatch")
    if bool(head[4] & 2) != bool(key):
        raise InputError("snapshot is not signed" if key else "snapshot is signed and no key is set here", hint=_HINT)
    if not hmac.compare_digest(seal, _seal(key, head, packed)):
        raise InputError("snapshot is damaged" + (" or signed by another key" if key else ""), hint=_HINT)
    try:
        body = _unpack_body(_inflated(packed) if head[4] & 1 else packed)
        if known is not None and body.stamp < known:
            raise InputError(f"snapshot {body.stamp.version} is older than {known.version}, which is known", hint=_HINT)
        rows = _rows(body.chunks)
    except (msgspec.DecodeError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(f"snapshot cannot be read: {error}", hint=_HINT) from error
    return Snapshot(stamp=body.stamp, made_us=body.made_us, base=body.base, rows=rows, removed=body.removed)


def _inflated(packed: bytes) -> bytes:
    stream = zlib.decompressobj()
    whole = stream.decompress(packed, _LIMIT_BYTES)
    if not stream.eof or stream.unused_data:
        raise InputError("snapshot is cut short or larger than any table", hint=_HINT)
    return whole


def _rows(chunks: Iterable[bytes]) -> Rows:
    """All rows, each looked into once, so that no look-up ever meets one that cannot be read."""
    rows: Rows = {}
    for chunk in chunks:
        platform, accounts = _unpack_chunk(chunk)
        for row in accounts.values():
            for entry in unpack_entries(row):
                if entry.action == "throttle" and not (entry.value or 0) > 0:
                    raise InputError(f"decision {entry.decision_id} throttles without a value", hint=_HINT)
        rows.setdefault(platform, {}).update(accounts)
    return rows
