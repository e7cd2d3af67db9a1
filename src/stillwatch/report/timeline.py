"""A campaign's volume over time, in at most a few hundred equal buckets, and the moments marked on it.

A model's release is known only as its first appearance in these logs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from stillwatch.model import Campaign, ScanResult
from stillwatch.report.words import percent

BUCKET_HOURS = (1, 3, 6, 12, 24, 72, 168)
MODEL_LIMIT = 5
OTHER_MODELS = "other models"
_MARK_LIMIT = 12
_WORTH_A_MARK = 0.01  # share of the campaign's exchanges a model must have to be marked


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """``volumes`` are exchanges per model, in the order of ``Buckets.models``."""

    at: datetime
    volumes: tuple[int, ...]
    harvest: int

    @property
    def total(self) -> int:
        return sum(self.volumes)


class Buckets(msgspec.Struct, frozen=True, kw_only=True):
    width: timedelta
    models: tuple[str, ...]
    buckets: tuple[Bucket, ...]

    @property
    def first(self) -> datetime:
        return self.buckets[0].at

    @property
    def last(self) -> datetime:
        return self.buckets[-1].at + self.width


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["release", "pivot"]
    at: datetime
    says: str
    model: str


def buckets(campaign: Campaign, most: int = 120) -> Buckets | None:
    """The timeline in buckets of one width, empty ones included; ``None`` where the campaign has none."""
    points = campaign.timeline
    if not points:
        return None
    first, last = min(p.at for p in points), max(p.at for p in points)
    grain = _grain_h([point.at for point in points], first)
    hours = next(
        (h for h in BUCKET_HOURS if h % grain == 0 and (last - first) / timedelta(hours=h) < most), BUCKET_HOURS[-1]
    )
    width = timedelta(hours=hours)
    models = _models(campaign)
    column = {model: index for index, model in enumerate(models)}
    volumes: dict[datetime, list[int]] = defaultdict(lambda: [0] * len(models))
    harvest: dict[datetime, int] = defaultdict(int)
    for point in points:
        at = _floor(point.at, width)
        volumes[at][column.get(point.model, len(models) - 1)] += point.exchanges
        harvest[at] += point.harvest_exchanges
    start = _floor(first, width)
    times = [start + width * n for n in range(int((last - start) / width) + 1)]
    made = tuple(Bucket(at=at, volumes=tuple(volumes[at]), harvest=harvest[at]) for at in times)
    return Buckets(width=width, models=models, buckets=made)


def marks(campaign: Campaign, result: ScanResult) -> tuple[Mark, ...]:
    """First appearances of the campaign's models within its time, and its pivots, in order of time."""
    total = max(1, sum(campaign.models.values()))
    wide = timedelta(hours=1)
    made: list[Mark] = []
    for model, at in result.model_first_seen.items():
        known_start = at > result.input.first + wide  # seen from the start: nothing was released
        inside = campaign.first_seen - wide <= at <= campaign.last_seen + wide
        if known_start and inside and campaign.models.get(model, 0) / total >= _WORTH_A_MARK:
            made.append(Mark(kind="release", at=at, says="first seen in these logs", model=model))
    for pivot in campaign.model_pivots:
        says = f"the campaign moves {percent(pivot.share)} of its traffic to it"
        made.append(Mark(kind="pivot", at=pivot.at, says=says, model=pivot.to_model))
    return tuple(sorted(made, key=lambda mark: (mark.at, mark.kind != "release", mark.model))[:_MARK_LIMIT])


def closures(campaign: Campaign) -> tuple[datetime, ...]:
    """When accounts of the campaign were closed, in order of time."""
    return tuple(sorted(member.closed_at for member in campaign.roster if member.closed_at is not None))


def _grain_h(times: list[datetime], first: datetime) -> int:
    """Hours below which the timeline does not tell: narrower buckets would show gaps that are none."""
    apart = math.gcd(*((at - first) // timedelta(hours=1) for at in times))
    return max(h for h in BUCKET_HOURS[:5] if apart % h == 0) if apart else 1


def _models(campaign: Campaign) -> tuple[str, ...]:
    volume: dict[str, int] = defaultdict(int)
    for point in campaign.timeline:
        volume[point.model] += point.exchanges
    ordered = sorted(volume, key=lambda model: (-volume[model], model))
    if len(ordered) <= MODEL_LIMIT:
        return tuple(ordered)
    return (*ordered[: MODEL_LIMIT - 1], OTHER_MODELS)


def _floor(at: datetime, width: timedelta) -> datetime:
    epoch = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday, so that weeks begin on one
    return epoch + ((at - epoch) // width) * width
