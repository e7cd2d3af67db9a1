"""What a peer may see of a world, and, apart from it, what was really so.

A peer reads raw prompts and addresses: it is not bound by the limits Stillwatch keeps. It never reads the truth of the
world it scores. Only tuning, on worlds of other seeds, is given a ``Labelled``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Account = tuple[str, str]
Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
US_PER_S = 1e6
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Log:
    """A request log in the order of its requests.

    ``exchanges``: table [n], sorted by time. ``accounts``: side table or None. ``names``: the accounts that sent
    anything, sorted; every array per account that a peer returns is in this order.
    """

    exchanges: pa.Table
    accounts: pa.Table | None
    names: tuple[Account, ...]
    path: Path | None = None  # where it was read from, for tools that read files themselves
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def owner(self) -> Int:
        """int64[n]: index into ``names`` of the account behind each exchange."""
        place = {name: i for i, name in enumerate(self.names)}
        pairs = zip(self.texts("platform"), self.texts("account_id"), strict=True)
        return np.fromiter((place[pair] for pair in pairs), np.int64, self.exchanges.num_rows)

    @cached_property
    def at_s(self) -> Float:
        """float64[n]: seconds since 1970."""
        return self.exchanges["started_at"].cast(pa.int64()).to_numpy() / US_PER_S

    @cached_property
    def rows(self) -> list[Int]:
        """Per account, the rows of its exchanges, oldest first."""
        order = np.argsort(self.owner, kind="stable")
        ends = np.cumsum(np.bincount(self.owner, minlength=len(self.names)))
        return np.split(order, ends[:-1]) if self.names else []

    def texts(self, column: str) -> list[str]:
        """A string column with nulls as empty strings; all empty where the log has no such column."""
        if column not in self.exchanges.column_names:
            return [""] * self.exchanges.num_rows
        return [value or "" for value in self.exchanges[column].to_pylist()]

    def numbers(self, column: str) -> Float:
        """float64[n] of a numeric column, nan where null or absent."""
        if column not in self.exchanges.column_names:
            return np.full(self.exchanges.num_rows, np.nan)
        return self.exchanges[column].cast(pa.float64()).to_numpy(zero_copy_only=False)

    def sign_up(self, column: str) -> list[str]:
        """A string column of the side table, one per ``names``; empty where unknown."""
        if self.accounts is None or column not in self.accounts.column_names:
            return [""] * len(self.names)
        columns = [self.accounts[name].to_pylist() for name in ("platform", "account_id", column)]
        known = {(platform, account): value or "" for platform, account, value in zip(*columns, strict=True)}
        return [known.get(name, "") for name in self.names]

    def kept(self, key: Hashable, build: Callable[[], T]) -> T:
        """``build()``, done once a log: candidates of one peer share what does not depend on their settings."""
        if key not in self._kept:
            self._kept[key] = build()
        return self._kept[key]


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A log with its truth. ``harvests``, ``honest``: bool[accounts]; who is neither resells or is coordinated.

    ``kinds``: the look-alike class of an honest account, the tactic of a campaign's, or "plain".
    """

    log: Log
    harvests: Bool
    honest: Bool
    kinds: tuple[str, ...]


def make_log(exchanges: pa.Table, accounts: pa.Table | None = None, path: Path | None = None) -> Log:
    """A log of canonical tables, sorted by time, then by exchange so that ties have an order too."""
    by_time = exchanges.sort_by([("started_at", "ascending"), ("exchange_id", "ascending")])
    pairs = zip(by_time["platform"].to_pylist(), by_time["account_id"].to_pylist(), strict=True)
    return Log(exchanges=by_time, accounts=accounts, names=tuple(sorted(set(pairs))), path=path)


def read_log(world: Path) -> Log:
    """The log of a written world, without its truth."""
    side = world / "accounts.parquet"
    accounts = pq.read_table(side) if side.exists() else None
    return make_log(pq.read_table(world / "exchanges.parquet"), accounts, world)


def label(log: Log, truth: Mapping[Account, Mapping[str, str | None]]) -> Labelled:
    """Join a log and rows of ``truth_accounts`` by account."""
    rows = [truth[name] for name in log.names]
    return Labelled(
        log=log,
        harvests=np.array([row["verdict"] == "extraction" for row in rows], bool),
        honest=np.array([row["kind"] == "honest" for row in rows], bool),
        kinds=tuple(row["tactic"] or row["look_alike_class"] or "plain" for row in rows),
    )


def read_labelled(world: Path) -> Labelled:
    """A written world with its truth, for tuning and for grading."""
    rows: Sequence[dict[str, Any]] = pq.read_table(world / "truth" / "truth_accounts.parquet").to_pylist()
    return label(read_log(world), {(row["platform"], row["account_id"]): row for row in rows})
