"""The table that a gateway asks: one account in, one answer out, in about a microsecond and without a lock.

Readers see one state, which is replaced whole by one assignment. A delta becomes a small layer over the rows below; it
is folded in when it has grown. Times are handed in (see ``steady``): the table has no clock and no network.

Two things are configured, because nobody else can decide them: what happens while there is no snapshot yet
(``on_missing``), and once the service has not been heard of for ``stale_after_s`` (``on_stale``).
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Literal, get_args

import msgspec

from stillwatch.errors import ConfigError, InputError
from stillwatch.gateway.snapshot import Entry, Rows, Snapshot, Stamp, unpack_entries
from stillwatch.model import Action

# open: everybody passes; closed: nobody does (503, accusing nobody); keep: the last decisions hold until they expire
Fallback = Literal["open", "closed", "keep"]
Why = Literal["nothing known", "decided", "simulated", "no table yet", "table stale", "nobody named"]
_WAYS = "on_stale is open, closed or keep; on_missing is open or closed"
_FOLD_FROM = 16_384  # rows of a layer at which it may be folded in; below, copying it costs under a millisecond


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What to do with one exchange. ``passes``: it may go on, perhaps marked by ``action``. ``would``: in shadow."""

    passes: bool
    action: Action | None = None
    why: Why = "nothing known"
    would: Action | None = None
    decision_id: str = ""
    value: float | None = None
    retry_after_s: float = 0.0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the table stands. ``age_s`` since the service was last heard of, ``skew_s`` its clock less ours then."""

    version: int | None
    epoch: int | None
    accounts: int
    age_s: float | None
    stale: bool
    skew_s: float | None


class _State(msgspec.Struct, frozen=True):
    stamp: Stamp
    rows: Rows
    layer: Mapping[str, Mapping[str, bytes]]  # b"" where an account of ``rows`` is gone
    heard_us: int
    made_us: int
    skew_us: int


PASS = Answer(True)
NOBODY = Answer(True, why="nobody named")


class Table:
    """Decisions by (platform, account). ``share`` is this process's share of a throttled account's exchanges.

    About 200 bytes an account. Look-ups may come from any thread; ``apply`` and ``heard`` from one at a time.
    """

    def __init__(
        self,
        *,
        stale_after_s: float = 900.0,
        on_stale: Fallback = "open",
        on_missing: Literal["open", "closed"] = "open",
        share: float = 1.0,
    ) -> None:
        if stale_after_s <= 0 or not 0 < share <= 1:
            raise ConfigError("stale_after_s must be above 0 and share within (0, 1]", where="gateway table")
        if on_stale not in get_args(Fallback) or on_missing not in get_args(Fallback)[:2]:
            raise ConfigError(f"on_stale={on_stale!r}, on_missing={on_missing!r}", where="gateway table", hint=_WAYS)
        self._stale_after_us = int(stale_after_s * 1_000_000)
        self._on_stale, self._share = on_stale, share
        self._missing = Answer(on_missing != "closed", why="no table yet", retry_after_s=5.0)
        self._stale = Answer(on_stale != "closed", why="table stale", retry_after_s=5.0)
        self._state: _State | None = None
        self._buckets: dict[tuple[str, str], tuple[float, int]] = {}
        self._writing, self._pouring = Lock(), Lock()

    @property
    def stale_after_s(self) -> float:
        return self._stale_after_us / 1_000_000

    @property
    def stamp(self) -> Stamp | None:
        state = self._state
        return state.stamp if state else None

    def decide(self, platform: str, account_id: str, now_us: int, *, spend: bool = True) -> Answer:
        """What is decided about an account at ``now_us``. ``spend``: this is one exchange of a throttled account."""
        state = self._state
        if state is None:
            return self._missing
        if now_us - state.heard_us > self._stale_after_us and self._on_stale != "keep":
            return self._stale
        layer = state.layer.get(platform)
        row = layer.get(account_id) if layer else None
        if row is None:
            accounts = state.rows.get(platform)
            row = accounts.get(account_id) if accounts else None
        return self._answer(row, (platform, account_id), now_us, spend) if row else PASS

    def _answer(self, row: bytes, who: tuple[str, str], now_us: int, spend: bool) -> Answer:  # noqa: FBT001
        for entry in unpack_entries(row):
            if not entry.starts_us <= now_us < entry.expires_us:
                continue
            if entry.simulated:
                return Answer(True, "observe", "simulated", entry.action, entry.decision_id, entry.value)
            wait_s = self._pour(who, entry, now_us, spend) if entry.action == "throttle" else 0.0
            passes = entry.action not in {"deny", "challenge"} and not wait_s
            return Answer(passes, entry.action, "decided", None, entry.decision_id, entry.value, wait_s)
        return PASS

    def _pour(self, who: tuple[str, str], entry: Entry, now_us: int, spend: bool) -> float:  # noqa: FBT001
        """Seconds until the next exchange may pass, 0 where one may now. Holds a minute's worth, at least one."""
        rate_us = (entry.value or 0.0) * self._share / 3_600_000_000
        with self._pouring:
            full = max(1.0, rate_us * 60_000_000)
            level, at_us = self._buckets.get(who, (full, now_us))
            level = min(full, level + max(0, now_us - at_us) * rate_us)
            passes = level >= 1.0 - 1e-9
            if spend:
                self._buckets[who] = (level - passes, max(now_us, at_us))
        return 0.0 if passes else max(1e-3, (1.0 - level) / rate_us / 1_000_000)

    def heard(self, now_us: int) -> None:
        """The service said that nothing changed: the table is as fresh as now."""
        with self._writing:
            if (state := self._state) is not None:
                self._state = msgspec.structs.replace(state, heard_us=now_us)

    def apply(self, snapshot: Snapshot, now_us: int) -> None:
        """Swap to a snapshot. Raises InputError where it is older, or a delta that does not fit; then all stays."""
        with self._writing:
            state = self._state
            if state is not None and snapshot.stamp < state.stamp:
                raise InputError(f"snapshot {snapshot.stamp.version} is older than {state.stamp.version}")
            rows, layer = snapshot.rows, {}
            if snapshot.base is not None:
                if state is None or state.stamp != Stamp(snapshot.stamp.epoch, snapshot.base):
                    raise InputError(f"delta on version {snapshot.base} does not fit the table", hint="ask for all")
                rows, layer = _folded(state.rows, _layered(state.layer, snapshot))
            skew_us = snapshot.made_us - now_us
            self._state = _State(snapshot.stamp, rows, layer, now_us, snapshot.made_us, skew_us)
        self._forget_buckets(now_us)

    def _forget_buckets(self, now_us: int) -> None:
        """Drop what nobody has drawn from for a day: accounts no longer throttled, or full again."""
        with self._pouring:
            self._buckets = {who: b for who, b in self._buckets.items() if now_us - b[1] < 86_400_000_000}

    def status(self, now_us: int) -> Status:
        state = self._state
        if state is None:
            return Status(version=None, epoch=None, accounts=0, age_s=None, stale=False, skew_s=None)
        layered = ((state.rows.get(platform, {}), rows) for platform, rows in state.layer.items())
        change = sum(bool(row) - (account in below) for below, rows in layered for account, row in rows.items())
        return Status(
            version=state.stamp.version,
            epoch=state.stamp.epoch,
            accounts=sum(map(len, state.rows.values())) + change,
            age_s=(now_us - state.heard_us) / 1e6,
            stale=now_us - state.heard_us > self._stale_after_us,
            skew_s=state.skew_us / 1e6,
        )


def _layered(layer: Mapping[str, Mapping[str, bytes]], snapshot: Snapshot) -> Rows:
    """The layer with a delta over it; nothing that a reader may hold is changed."""
    news = {platform: dict(accounts) for platform, accounts in layer.items()}
    for platform, accounts in snapshot.rows.items():
        news.setdefault(platform, {}).update(accounts)
    for platform, account_id in snapshot.removed:
        news.setdefault(platform, {})[account_id] = b""
    return news


def _folded(rows: Rows, layer: Rows) -> tuple[Rows, Rows]:
    """One set of rows where the layer has outgrown an eighth of what is below it; else both as they are."""
    grown = sum(map(len, layer.values()))
    if grown < max(_FOLD_FROM, sum(map(len, rows.values())) // 8):
        return rows, layer
    whole = {p: {**rows.get(p, {}), **layer.get(p, {})} for p in rows.keys() | layer.keys()}
    return {p: {account: row for account, row in accounts.items() if row} for p, accounts in whole.items()}, {}
