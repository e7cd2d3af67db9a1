"""Geometry of the report's drawings: plain numbers and short strings, which a template turns into inline SVG.

Static SVG was chosen over an inlined plotly.js: a report of ten campaigns weighs a fifth of the script alone, prints,
follows the reader's colours, and needs no script to be read. Measured in ``docs/report.md``.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import msgspec

from stillwatch.model import Campaign, ScanResult
from stillwatch.report import words
from stillwatch.report.layout import Graph, graph
from stillwatch.report.timeline import Bucket, Buckets, Mark, buckets, closures, marks
from stillwatch.report.waterfall import Waterfall

WIDE, NARROW = 980, 340
_PLOT_HEIGHT, _STRIP_HEIGHT = 170, 34
_MARGIN_LEFT, _MARGIN_RIGHT = 46, 10
_FLAG_ROW = 17
_FLAG_ROWS = 4  # beyond, letters overlap: the list below the drawing has them all
_CROSS_WIDTH = 24  # with a number beside it
_AXIS_HEIGHT = 20
_GRAPH_WIDTH = 900


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    text: str
    anchor: str = "middle"


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A lettered vertical mark; ``y`` is the middle of its letter, staggered where letters would touch."""

    x: float
    y: float
    letter: str
    kind: str


class Hover(msgspec.Struct, frozen=True, kw_only=True):
    x: float
    width: float
    says: str


class Cross(msgspec.Struct, frozen=True, kw_only=True):
    """Closures at about one time."""

    x: float
    count: int
    says: str


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """One drawing of the timeline at one width. ``bars`` is a path per model, ``harvest`` the path of the strip."""

    width: int
    height: float
    top: float
    bottom: float
    strip_top: float
    strip_bottom: float
    left: float
    right: float
    bars: tuple[str, ...]
    harvest: str
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    flags: tuple[Flag, ...]
    hovers: tuple[Hover, ...]
    crosses: tuple[Cross, ...]


class Legend(msgspec.Struct, frozen=True, kw_only=True):
    letter: str
    mark: Mark


class Day(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    exchanges: int
    harvest: int
    volumes: tuple[int, ...]


class TimelineView(msgspec.Struct, frozen=True, kw_only=True):
    models: tuple[str, ...]
    is_harvest: bool
    wide: Plot
    narrow: Plot
    legend: tuple[Legend, ...]
    closed: int
    days: tuple[Day, ...]


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A floating bar in per cent of its track."""

    left: float
    width: float


class GraphNode(msgspec.Struct, frozen=True, kw_only=True):
    x: float
    y: float
    member: int


class GraphLine(msgspec.Struct, frozen=True, kw_only=True):
    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    left: int
    right: int
    bits: float
    reasons: tuple[str, ...]


class GraphView(msgspec.Struct, frozen=True, kw_only=True):
    height: float
    nodes: tuple[GraphNode, ...]
    lines: tuple[GraphLine, ...]
    radius: float
    drawn: Graph


def bars(one: Waterfall) -> tuple[list[Bar], Bar, float]:
    """(a bar per step, the total's bar, where zero stands), in per cent of one shared track."""
    ends = [0.0, one.total, *(step.start for step in one.steps), *(step.end for step in one.steps)]
    low, high = min(ends), max(*ends, min(ends) + 1.0)
    scale = 100.0 / (high - low)

    def bar(start: float, end: float) -> Bar:
        left, right = sorted((start, end))
        width = max(0.6, (right - left) * scale)
        return Bar(left=round(min((left - low) * scale, 100.0 - width), 2), width=round(width, 2))

    return [bar(step.start, step.end) for step in one.steps], bar(0.0, one.total), round(-low * scale, 2)


def timeline_view(campaign: Campaign, result: ScanResult) -> TimelineView | None:
    """The timeline at both widths with its marks; ``None`` where the campaign has none."""
    wide, narrow = buckets(campaign, 120), buckets(campaign, 60)
    if wide is None or narrow is None:
        return None
    told, closed = marks(campaign, result), closures(campaign)
    is_harvest = campaign.verdict == "extraction"  # no other verdict claims that anything is harvested
    inside = tuple(at for at in closed if wide.first <= at <= wide.last)
    return TimelineView(
        models=wide.models,
        is_harvest=is_harvest,
        wide=_plot(wide, told, inside, WIDE, is_harvest=is_harvest),
        narrow=_plot(narrow, told, inside, NARROW, is_harvest=is_harvest),
        legend=tuple(Legend(letter=_letter(index), mark=mark) for index, mark in enumerate(told)),
        closed=len(closed),
        days=_days(campaign, wide.models),
    )


def graph_view(campaign: Campaign) -> GraphView | None:
    """The strongest links, placed; ``None`` where the campaign has no links. Deterministic."""
    drawn = graph(campaign)
    if not drawn.nodes:
        return None
    xs, ys = [node.x for node in drawn.nodes], [node.y for node in drawn.nodes]
    radius = 7.0 if len(drawn.nodes) <= 80 else 4.5
    margin = radius + 6
    span_x, span_y = max(xs) - min(xs) or 1.0, max(ys) - min(ys)
    scale = min((_GRAPH_WIDTH - 2 * margin) / span_x, 110.0, 470.0 / max(span_y, 1e-9))
    shift = (_GRAPH_WIDTH - span_x * scale) / 2
    spots = {
        node.member: (round((node.x - min(xs)) * scale + shift, 1), round((node.y - min(ys)) * scale + margin, 1))
        for node in drawn.nodes
    }
    strongest = max(abs(link.bits) for link in drawn.links) or 1.0
    lines = tuple(
        GraphLine(
            x1=spots[link.left][0],
            y1=spots[link.left][1],
            x2=spots[link.right][0],
            y2=spots[link.right][1],
            width=round(0.6 + 2.2 * abs(link.bits) / strongest, 1),
            left=link.left,
            right=link.right,
            bits=link.bits,
            reasons=link.reasons,
        )
        for link in drawn.links
    )
    nodes = tuple(GraphNode(x=x, y=y, member=member) for member, (x, y) in sorted(spots.items()))
    return GraphView(height=round(span_y * scale + 2 * margin, 1), nodes=nodes, lines=lines, radius=radius, drawn=drawn)


def _plot(
    told: Buckets, told_marks: tuple[Mark, ...], closed: tuple[datetime, ...], width: int, *, is_harvest: bool
) -> Plot:
    left, right = float(_MARGIN_LEFT), float(width - _MARGIN_RIGHT)
    span = told.last - told.first

    def x(at: datetime) -> float:
        return round(left + (right - left) * min(1.0, max(0.0, (at - told.first) / span)), 1)

    flags, rows = _flags([x(mark.at) for mark in told_marks], told_marks)
    top = rows * _FLAG_ROW + 6.0
    bottom = top + _PLOT_HEIGHT
    ceiling = _nice(max(bucket.total for bucket in told.buckets))
    strip_top = bottom + (20.0 if closed else 10.0)
    strip_bottom = strip_top + (_STRIP_HEIGHT if is_harvest else 0.0)
    edges = [x(bucket.at) for bucket in told.buckets] + [right]
    return Plot(
        width=width,
        height=strip_bottom + _AXIS_HEIGHT,
        top=top,
        bottom=bottom,
        strip_top=strip_top,
        strip_bottom=strip_bottom,
        left=left,
        right=right,
        bars=_bars(told, edges, bottom, _PLOT_HEIGHT / ceiling),
        harvest=_harvest(told, edges, strip_bottom) if is_harvest else "",
        y_ticks=tuple(
            Tick(at=round(bottom - _PLOT_HEIGHT * part, 1), text=f"{ceiling * part:,.0f}", anchor="end")
            for part in (0.0, 0.5, 1.0)
            if ceiling > 1 or part != 0.5  # half of one exchange is no tick
        ),
        x_ticks=_x_ticks(told, width, left, right),
        flags=flags,
        hovers=_hovers(told, edges, is_harvest=is_harvest),
        crosses=_crosses([(x(at), at) for at in closed]),
    )


def _bars(told: Buckets, edges: list[float], bottom: float, scale: float) -> tuple[str, ...]:
    """A path per model: its rectangles, each on top of those of the models before it."""
    gap = 1.0 if edges[1] - edges[0] > 4 else 0.0  # thinner bars would vanish in their gaps
    heights = [0.0] * len(told.buckets)
    paths = []
    for model in range(len(told.models)):
        parts = []
        for i, bucket in enumerate(told.buckets):
            tall = bucket.volumes[model] * scale
            if not tall:
                continue
            wide = edges[i + 1] - edges[i] - gap
            parts.append(f"M{edges[i]:.1f} {bottom - heights[i]:.1f}v{-tall:.1f}h{wide:.1f}v{tall:.1f}z")
            heights[i] += tall
        paths.append("".join(parts))
    return tuple(paths)


def _harvest(told: Buckets, edges: list[float], bottom: float) -> str:
    """Steps of the harvesting share; a bucket without exchanges leaves a gap, for it has no share."""
    parts = []
    for i, bucket in enumerate(told.buckets):
        if bucket.total:
            tall = min(1.0, bucket.harvest / bucket.total) * _STRIP_HEIGHT
            parts.append(f"M{edges[i]:.1f} {bottom:.1f}v{-tall:.1f}h{edges[i + 1] - edges[i]:.1f}v{tall:.1f}z")
    return "".join(parts)


def _hovers(told: Buckets, edges: list[float], *, is_harvest: bool) -> tuple[Hover, ...]:
    return tuple(
        Hover(x=x, width=round(end - x, 1), says=_bucket_says(told, bucket, is_harvest=is_harvest))
        for bucket, x, end in zip(told.buckets, edges[:-1], edges[1:], strict=True)
        if bucket.total
    )


def _bucket_says(told: Buckets, bucket: Bucket, *, is_harvest: bool) -> str:
    parts = [
        f"{words.visible(model, 40)} {volume:,}"
        for model, volume in zip(told.models, bucket.volumes, strict=True)
        if volume
    ]
    share = f", {words.percent(min(1.0, bucket.harvest / bucket.total))} harvesting" if is_harvest else ""
    return (
        f"{words.moment(bucket.at)}, {words.duration(told.width)}: {words.counted(bucket.total, 'exchange')} "
        f"({', '.join(parts)}){share}"
    )


def _flags(places: list[float], told_marks: tuple[Mark, ...]) -> tuple[tuple[Flag, ...], int]:
    """Letters above the plot, in as many rows as keep them apart."""
    taken: list[float] = []
    flags = []
    for index, (place, mark) in enumerate(zip(places, told_marks, strict=True)):
        row = next((r for r, last in enumerate(taken) if place - last >= _FLAG_ROW + 1), len(taken))
        row = min(row, _FLAG_ROWS - 1)
        taken[row : row + 1] = [place]
        flags.append(Flag(x=place, y=row * _FLAG_ROW + 9.0, letter=_letter(index), kind=mark.kind))
    return tuple(flags), len(taken)


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _crosses(closed: list[tuple[float, datetime]]) -> tuple[Cross, ...]:
    """Closures that would touch are one cross with their number."""
    groups: list[list[tuple[float, datetime]]] = []
    for one in closed:
        if groups and one[0] - groups[-1][0][0] < _CROSS_WIDTH:
            groups[-1].append(one)
        else:
            groups.append([one])
    return tuple(
        Cross(
            x=group[0][0],
            count=len(group),
            says=f"{words.counted(len(group), 'account')} closed from {words.moment(group[0][1])} on",
        )
        for group in groups
    )


def _nice(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8 times a power of ten."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value)


def _x_ticks(told: Buckets, width: int, left: float, right: float) -> tuple[Tick, ...]:
    """Midnights (or hours within two days), as many as fit."""
    most = 10 if width > NARROW else 4
    span = told.last - told.first
    hours = next((h for h in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672) if span / timedelta(hours=h) <= most), 1344)
    step = timedelta(hours=hours)
    midnight = datetime(told.first.year, told.first.month, told.first.day, tzinfo=UTC)
    ticks = []
    for n in range(2 * most + 48):
        at = midnight + step * n
        place = left + (right - left) * ((at - told.first) / span)
        if left - 0.5 <= place <= right - 14:
            text = f"{at:%H:%M}" if hours < 24 and at.hour else words.day(at)  # hours of a day
            ticks.append(Tick(at=round(place, 1), text=text, anchor="start" if place < left + 16 else "middle"))
    return tuple(ticks)


def _days(campaign: Campaign, models: tuple[str, ...]) -> tuple[Day, ...]:
    """The same as a table, by day, for whoever does not see the drawing."""
    column = {model: index for index, model in enumerate(models)}
    made: dict[datetime, tuple[list[int], int]] = {}
    for point in campaign.timeline:
        at = point.at.replace(hour=0, minute=0, second=0, microsecond=0)
        volumes, harvest = made.get(at, ([0] * len(models), 0))
        volumes[column.get(point.model, len(models) - 1)] += point.exchanges
        made[at] = (volumes, harvest + point.harvest_exchanges)
    return tuple(
        Day(at=at, exchanges=sum(volumes), harvest=harvest, volumes=tuple(volumes))
        for at, (volumes, harvest) in sorted(made.items())
    )
