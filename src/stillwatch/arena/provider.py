"""The provider's side: keeps fingerprints, scans a sliding window, decides. What a test puts in its place is a stub.

The honest world is composed and fingerprinted once; each tick only the operator's own exchanges are added.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch import pipeline
from stillwatch.arena.policy import Decision, Policy, decide
from stillwatch.campaigns.weights import Weights, load_weights
from stillwatch.compose import SUITES, compose
from stillwatch.compose.knobs import Suite
from stillwatch.model import InputSummary
from stillwatch.tables import ACCOUNTS
from stillwatch.text import TextModel, load_model

SALT = b"arena"
HONEST_EXCHANGES, HONEST_ACCOUNTS = 25_000, 1_000


class Provider(Protocol):
    """``log`` is told what was answered; ``review`` looks back from ``now`` and decides about accounts."""

    policy: Policy

    def log(self, exchanges: pa.Table) -> None: ...

    def review(self, now: datetime, accounts: pa.Table) -> list[Decision]: ...


class Backdrop(msgspec.Struct, frozen=True, kw_only=True):
    """Honest traffic of one seed: fingerprints sorted by time, the accounts table, and the suite it was drawn from."""

    seed: int
    days: int
    suite: Suite
    corpus: Path | None
    prints: pa.Table
    accounts: pa.Table


def backdrop(seed: int, days: int, scale: float = 1.0, corpus: Path | None = None) -> Backdrop:
    """Compose and fingerprint the honest world. ``scale`` multiplies its size. About 0.2 s per 1,000 exchanges."""
    suite = honest_suite(days, scale)
    world = compose(suite, seed, corpus)
    prints = pipeline.fingerprints(world.exchanges.to_batches(max_chunksize=8_192), load_model(), SALT)
    assert world.accounts is not None
    return Backdrop(seed=seed, days=days, suite=suite, corpus=corpus, prints=prints, accounts=world.accounts)


def honest_suite(days: int, scale: float = 1.0) -> Suite:
    """One day longer than the run, so that what is begun on the last day has somewhere to end."""
    return msgspec.structs.replace(
        SUITES["honest"],
        name="arena",
        exchanges=max(300, round(HONEST_EXCHANGES * scale)),
        accounts=max(60, round(HONEST_ACCOUNTS * scale)),
        days=days + 1,
    )


class Scanning:
    """Runs the normal scan over fingerprints. A second or two a scan at the usual size."""

    def __init__(self, policy: Policy, honest: Backdrop) -> None:
        self.policy = policy
        self._honest = honest
        self._texts: TextModel = load_model()
        self._weights: Weights = load_weights()
        self._prints: list[pa.Table] = []

    def log(self, exchanges: pa.Table) -> None:
        if exchanges.num_rows:
            self._prints.append(pipeline.fingerprints(exchanges.to_batches(), self._texts, SALT))

    def review(self, now: datetime, accounts: pa.Table) -> list[Decision]:
        if not self.policy.rules:
            return []
        since = now - timedelta(days=self.policy.window_days)
        prints = pa.concat_tables([between(table, since, now) for table in (self._honest.prints, *self._prints)])
        prints = prints.unify_dictionaries().combine_chunks()
        if not prints.num_rows:
            return []
        side = pa.concat_tables([self._honest.accounts, accounts])
        seen = pc.is_in(side["account_id"], prints["account_id"].combine_chunks().cast(pa.string()))
        side = known_at(side.filter(seen), now)
        result, _ = pipeline.scan(prints, side, _summary(prints, side), self._weights, self.policy.detection)
        return decide(self.policy, result.campaigns)


def between(prints: pa.Table, since: datetime, until: datetime) -> pa.Table:
    """Rows from ``since`` to before ``until``."""
    at = prints["at"]
    kind = at.type
    first, last = pa.scalar(since, kind), pa.scalar(until, kind)
    return prints.filter(pc.and_(pc.greater_equal(at, first), pc.less(at, last)))


def known_at(accounts: pa.Table, now: datetime) -> pa.Table:
    """The table as it stood: closures that were still to come are not in it."""
    place = ACCOUNTS.get_field_index("closed_at")
    closed = accounts["closed_at"]
    later = pc.greater(closed, pa.scalar(now, closed.type))
    return accounts.set_column(place, ACCOUNTS.field(place), pc.if_else(later, pa.scalar(None, closed.type), closed))


def _summary(prints: pa.Table, accounts: pa.Table) -> InputSummary:
    ends = pc.min_max(prints["at"]).as_py()
    return InputSummary(
        exchanges=prints.num_rows,
        accounts=accounts.num_rows,
        quarantined=0,
        first=ends["min"],
        last=ends["max"],
        missing_columns=(),
    )
