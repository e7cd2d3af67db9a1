"""Geometry of the scorecard's plots: plain numbers and short strings, which a template turns into inline SVG.

Static drawings, as in the report: no script, nothing fetched, readable in print and in the dark. Every plot has its
figures in a table beside it.
"""

from __future__ import annotations

import msgspec

from stillwatch.bench.scorecard.shown import Plot, Series

WIDTH, HEIGHT = 360.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 350.0, 12.0, 196.0
Y_MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)
APART = 4.0  # pixels between the error bars of two series


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    text: str


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """``top`` and ``bottom`` of its error bar; ``says`` is its figures."""

    x: float
    y: float
    top: float
    bottom: float
    says: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    path: str
    dots: tuple[Dot, ...]


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """``diagonal``: path of y = x, "" where the plot has none."""

    title: str
    x_says: str
    y_says: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    diagonal: str


def drawing(plot: Plot) -> Drawing:
    """Where everything stands, in pixels of a 360 x 240 drawing."""
    return Drawing(
        title=plot.title,
        x_says=plot.x_says,
        y_says=plot.y_says,
        x_ticks=tuple(Tick(at=x_of(plot, mark), text=f"{mark:g}") for mark in plot.marks),
        y_ticks=tuple(Tick(at=y_of(mark), text=f"{mark:g}") for mark in Y_MARKS),
        lines=tuple(_line(plot, series, i) for i, series in enumerate(plot.series)),
        diagonal=f"M{LEFT:.1f} {BOTTOM:.1f}L{RIGHT:.1f} {TOP:.1f}" if plot.diagonal else "",
    )


def y_of(share: float) -> float:
    """Of a share from 0 to 1."""
    return round(BOTTOM - (BOTTOM - TOP) * min(1.0, max(0.0, share)), 1)


def x_of(plot: Plot, value: float) -> float:
    """At even distances by mark, or in proportion between the first and the last mark."""
    if plot.even:
        inner = (RIGHT - LEFT) / max(1, len(plot.marks))
        return round(LEFT + inner * (plot.marks.index(value) + 0.5), 1)
    low, high = plot.marks[0], plot.marks[-1]
    return round(LEFT + (RIGHT - LEFT) * (value - low) / ((high - low) or 1.0), 1)


def _line(plot: Plot, series: Series, position: int) -> Line:
    shift = APART * (position - (len(plot.series) - 1) / 2) if plot.even else 0.0
    dots = tuple(
        Dot(
            x=round(x_of(plot, x) + shift, 1),
            y=y_of(y),
            top=y_of(most),
            bottom=y_of(least),
            says=f"{series.label}: {y:.3f} at {x:.3g}",
        )
        for x, y, least, most in series.points
    )
    path = "".join(f"{'L' if i else 'M'}{dot.x:.1f} {dot.y:.1f}" for i, dot in enumerate(dots))
    return Line(label=series.label, path=path, dots=dots)
