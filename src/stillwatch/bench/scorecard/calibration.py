"""Whether a stated probability is how often it is right: reliability bins that add up over worlds, and Brier scores.

Bins are kept as sums, so that worlds merge by addition and no account has to be remembered. Outcomes may be shares: a
campaign is right to the extent that its accounts are.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

EDGES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
LEAST_COUNT = 50  # smaller bins are shown and not held against anybody
OFF = 0.2  # of the stated probability


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """``stated``, ``right``: sums of probabilities and outcomes; ``squares``: of their squared differences."""

    count: int = 0
    stated: float = 0.0
    right: float = 0.0
    squares: float = 0.0

    def plus(self, other: Bin) -> Bin:
        return Bin(
            count=self.count + other.count,
            stated=self.stated + other.stated,
            right=self.right + other.right,
            squares=self.squares + other.squares,
        )


Bins = tuple[Bin, ...]
EMPTY: Bins = (Bin(),) * (len(EDGES) - 1)


def place(probability: float) -> int:
    """The bin of a probability: from its lower edge up to below its upper one, the last with its upper edge."""
    return max(i for i, edge in enumerate(EDGES[:-1]) if probability >= edge)


def binned(pairs: Iterable[tuple[float, float]]) -> Bins:
    """Of (probability, outcome) pairs, both within 0..1."""
    found = list(EMPTY)
    for stated, right in pairs:
        i = place(stated)
        found[i] = found[i].plus(Bin(count=1, stated=stated, right=right, squares=(stated - right) ** 2))
    return tuple(found)


def merged(many: Iterable[Bins]) -> Bins:
    """Bin by bin."""
    found = EMPTY
    for bins in many:
        found = tuple(a.plus(b) for a, b in zip(found, bins, strict=True))
    return found


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One bin for a reader: mean stated probability, share that was right, and whether it is too far off."""

    low: float
    high: float
    count: int
    stated: float
    right: float
    off: bool


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """``brier``: mean squared difference. ``off``: bins of at least 50 further than 20% from what they stated."""

    count: int
    brier: float | None
    points: tuple[Point, ...]
    off: int


def calibration(bins: Bins) -> Calibration:
    """What the sums say. A bin is off where |right - stated| > 0.2 x stated: the strict reading of 20%."""
    points = tuple(_point(i, one) for i, one in enumerate(bins) if one.count)
    count = sum(one.count for one in bins)
    return Calibration(
        count=count,
        brier=round(sum(one.squares for one in bins) / count, 5) if count else None,
        points=points,
        off=sum(point.off for point in points),
    )


def _point(i: int, one: Bin) -> Point:
    stated, right = one.stated / one.count, one.right / one.count
    return Point(
        low=EDGES[i],
        high=EDGES[i + 1],
        count=one.count,
        stated=round(stated, 4),
        right=round(right, 4),
        off=one.count >= LEAST_COUNT and abs(right - stated) > OFF * stated,
    )
