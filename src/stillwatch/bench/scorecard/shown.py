"""What pages are made of: words, tables and plots, and how figures are put into words.

A figure is shown as its median over worlds with the least and the most; what is unknown is a dash.
"""

from __future__ import annotations

import msgspec

from stillwatch.bench.scorecard.statistics import Rate, Spread

UNKNOWN = "-"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """``head`` and ``rows`` of short texts; the first column names the row. ``says``: what it counts."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    says: str = ""
    wordy: bool = False  # cells are words, not figures


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """``points``: (x, y, least y, most y)."""

    label: str
    points: tuple[tuple[float, float, float, float], ...]


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Lines over a number, y from 0 to 1. ``diagonal``: where y would equal x. ``marks``: x values that get a tick."""

    title: str
    x_says: str
    y_says: str
    series: tuple[Series, ...]
    marks: tuple[float, ...]
    diagonal: bool = False
    even: bool = False  # marks stand at even distances, whatever lies between them


class Section(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    words: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()


def figure(one: Spread | None, digits: int = 3) -> str:
    """``0.712 (0.680 to 0.745)``: median, least and most; one world has no spread."""
    if one is None:
        return UNKNOWN
    middle = f"{one.median:.{digits}f}"
    return middle if one.worlds == 1 else f"{middle} ({one.least:.{digits}f} to {one.most:.{digits}f})"


def counted(one: Rate) -> str:
    """``3 of 2,000``."""
    return f"{one.hits:,} of {one.trials:,}" if one.trials else UNKNOWN


def bound(one: Rate) -> str:
    """``150 (≤ 387)`` per 100,000 with the upper 95% bound."""
    if one.per_100k is None or one.per_100k_at_most is None:
        return UNKNOWN
    return f"{one.per_100k:,.0f} (≤ {one.per_100k_at_most:,.0f})"
