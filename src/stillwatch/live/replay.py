"""History in simulated time: the same watch, fed the same way, as fast as it goes.

What would a policy have decided, and when? The history's exchanges come in slices, minings at their times; nothing
here knows how the past went on. Decisions are those that the live service would have made, because the same code
makes them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.config import Config
from stillwatch.live.mining import Mined, mine
from stillwatch.live.watch import Turn, Watch
from stillwatch.model import Decision
from stillwatch.policy.backtest import Step, Terms
from stillwatch.policy.compile import compile_policy
from stillwatch.policy.effects import Usage
from stillwatch.policy.standing import Account, Standing
from stillwatch.store import PolicyVersion, open_store

HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """``slice``: time of a micro-batch. ``mine_every``: between two minings. ``window``: how far back each looks."""

    slice: timedelta = HOUR
    mine_every: timedelta = 24 * HOUR
    window: timedelta = timedelta(days=45)


@dataclass(frozen=True, kw_only=True)
class Event:
    """The exchanges of one slice that ended ``at``, and what was mined then, if anything was."""

    at: datetime
    prints: pa.Table
    mined: Mined | None = None


@dataclass(frozen=True, kw_only=True)
class Played:
    """One policy through a history. ``turns``: what each event changed, with its time."""

    decisions: list[Decision]
    steps: list[Step]
    turns: list[tuple[datetime, Turn]]


def events(
    prints: pa.Table, accounts: pa.Table | None, config: Config, pace: Pace, say: Callable[[str], None] = lambda _: None
) -> Iterator[Event]:
    """The history as it would have arrived: on time and in order. Every mining is a whole scan of its window."""
    ordered = prints.sort_by([("at", "ascending"), ("exchange_id", "ascending")])
    at_us = np.asarray(ordered.column("at").combine_chunks().cast(pa.int64()))
    if not len(at_us):
        return
    first, last = (value.replace(microsecond=0) for value in pc.min_max(ordered.column("at")).as_py().values())
    begin, at, next_mining = 0, first + pace.slice, first + pace.mine_every
    while begin < len(at_us):
        end = int(np.searchsorted(at_us, int(at.timestamp() * 1_000_000)))
        mined = None
        if at >= next_mining or end == len(at_us):
            next_mining = at + pace.mine_every
            since = int((at - pace.window).timestamp() * 1_000_000)
            seen = ordered.slice(int(np.searchsorted(at_us, since)), end - int(np.searchsorted(at_us, since)))
            say(f"mining {at:%Y-%m-%d %H:%M} ({seen.num_rows:,} exchanges of {last:%Y-%m-%d})")
            mined = mine(seen, known_by(accounts, at), config.detection, config.digest(), 0, 0)
        if end > begin or mined is not None:
            yield Event(at=at, prints=ordered.slice(begin, end - begin), mined=mined)
        begin, at = end, at + pace.slice


def known_by(accounts: pa.Table | None, at: datetime) -> pa.Table | None:
    """The side table as it was: who had signed up, and no closing that lay ahead."""
    if accounts is None:
        return None
    made = accounts.column("created_at")
    there = accounts.filter(pc.fill_null(pc.less_equal(made, pa.scalar(at, made.type)), True))
    closed = there.column("closed_at")
    past = pc.if_else(pc.less_equal(closed, pa.scalar(at, closed.type)), closed, pa.scalar(None, closed.type))
    return there.set_column(there.column_names.index("closed_at"), "closed_at", past)


def play(history: Iterable[Event], accounts: pa.Table | None, policy: str, terms: Terms) -> Played:
    """One policy (as TOML) through a history, against a store of its own that is thrown away."""
    compiled, _ = compile_policy(policy)
    seen: list[tuple[datetime, tuple[Standing, ...], pa.Table]] = []
    turns: list[tuple[datetime, Turn]] = []
    with tempfile.TemporaryDirectory(prefix="stillwatch-replay-") as folder:
        store = open_store(Path(folder) / "replay.sqlite")
        watch: Watch | None = None
        for event in history:
            if watch is None:
                version = PolicyVersion(
                    digest=compiled.digest,
                    text=policy,
                    added_at=event.at,
                    added_by="replay",
                    mode=terms.mode,
                    active=True,
                )
                store.put_policy(version)
                watch = Watch(store, terms.key, terms.share, lambda at, found: seen.append((at, found, _NOTHING)))
            before = len(seen)
            watch.side_as_of(known_by(accounts, event.at))
            turns.append((event.at, watch.news(event.prints, event.at)))
            if event.mined is not None:
                turns.append((event.at, watch.mined(event.mined, event.at)))
            if len(seen) == before:
                seen.append((event.at, (), _NOTHING))
            seen[before] = (*seen[before][:2], event.prints)
        made = store.decisions()
        store.close()
    return Played(decisions=made, steps=steps_of(seen), turns=turns)


_NOTHING = pa.table({})


def steps_of(seen: list[tuple[datetime, tuple[Standing, ...], pa.Table]]) -> list[Step]:
    """What was known at each time of deciding, and what every account did until the next.

    An exchange of a slice happens after what was decided at the end of the slice before. Harvest is told in hindsight,
    by each account's share of harvesting exchanges when it was looked at last.
    """
    share = {one.account: _harvest_share(one) for _, found, _ in seen for one in found}
    steps: list[Step] = []
    for (at, found, _), (until, _, prints) in zip(seen, [*seen[1:], (seen[-1][0], (), _NOTHING)], strict=True):
        steps.append(Step(at=at, until=max(at, until), standings=found, usage=usage_of(prints, share)))
    return steps


def _harvest_share(one: Standing) -> float:
    return (one.harvest_exchanges or 0) / one.exchanges if one.exchanges else 0.0


def usage_of(prints: pa.Table, share: Mapping[Account, float]) -> dict[Account, Usage]:
    """Exchanges of each account, and how many of them harvest."""
    if not prints.num_rows:
        return {}
    groups = prints.select(["platform", "account_id"]).unify_dictionaries()
    counted = groups.group_by(["platform", "account_id"]).aggregate([([], "count_all")]).to_pylist()
    return {
        (row["platform"], row["account_id"]): Usage(
            exchanges=row["count_all"],
            harvest_exchanges=round(row["count_all"] * share.get((row["platform"], row["account_id"]), 0.0)),
        )
        for row in counted
    }


__all__ = ["Event", "Pace", "Played", "events", "play"]
