"""The window of a world and when people and machines call within it.

Times are seconds from the world's start (UTC midnight of a Monday). People follow their own clock and week; machines
follow a schedule; nothing here knows which side calls.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np

from stillwatch.compose.dice import Dice

DAY_S = 86_400.0
HOUR_S = 3_600.0
_OFFICE = np.array([0.3, 0.15, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5, 4, 7, 8, 8, 6, 7, 8, 8, 7, 5, 3, 2, 2, 2, 1.5, 0.8])
_EVENING = np.array([2, 1, 0.6, 0.4, 0.3, 0.3, 0.6, 1.2, 2, 2.5, 3, 3, 3.5, 3, 3, 3, 3.5, 4, 5, 7, 8, 8, 7, 4])
_FLAT = np.ones(24)
_CURVES = {"office": _OFFICE, "evening": _EVENING, "flat": _FLAT, "mixed": _OFFICE + _EVENING}
_WEEKEND = {"office": 0.15, "evening": 1.2, "flat": 1.0, "mixed": 0.6}


class Calendar:
    """A world's window: ``days`` long, from ``start``.

    ``releases`` are the moments new models came out,
    ``launches`` the hours when the provider was in the news and strangers signed up together.
    """

    __slots__ = ("days", "end_s", "launches", "releases", "start")

    def __init__(self, dice: Dice, days: int | None = None) -> None:
        stream = dice.child("calendar")
        self.days = days or stream.whole(14, 21)
        self.start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(weeks=stream.whole(0, 30))
        self.end_s = self.days * DAY_S
        first = stream.between(4.0, self.days - 6.0) * DAY_S
        second = first + stream.between(2.5, 5.0) * DAY_S
        self.launches = tuple(stream.between(-12.0, self.days - 1.0) * DAY_S for _ in range(stream.whole(2, 4)))
        self.releases: tuple[float, ...] = (first, second) if stream.chance(0.6) else (first,)

    def at(self, second: float) -> datetime:
        return self.start + timedelta(microseconds=int(second * 1e6))


def _weights(days: int, curve: str, offset_h: float, busy: np.ndarray) -> np.ndarray:
    hours = np.arange(days * 24)
    local = (hours + offset_h) % 24
    weekday = ((hours + offset_h) // 24).astype(int) % 7
    weight = _CURVES[curve][local.astype(int)] * np.where(weekday >= 5, _WEEKEND[curve], 1.0)
    return weight * np.repeat(busy, 24)


def spread(
    dice: Dice, count: int, days: int, offset_h: float, curve: str, first_s: float = 0.0, last_s: float | None = None
) -> np.ndarray:
    """``count`` sorted moments between ``first_s`` and ``last_s`` after a daily ``curve``; some days are busier."""
    busy = dice.array.gamma(1.2, 1.0, days) + 0.02 if curve != "flat" else dice.array.gamma(20.0, 1.0, days)
    weight = _weights(days, curve, offset_h, busy)
    last = days * DAY_S if last_s is None else last_s
    hours = np.arange(days * 24) * HOUR_S
    weight = np.where((hours + HOUR_S > first_s) & (hours < last), weight, 0.0)
    if weight.sum() <= 0:
        return np.sort(dice.array.uniform(first_s, max(first_s + 1.0, last), count))
    hour = dice.array.choice(weight.size, count, p=weight / weight.sum())
    moments = hour * HOUR_S + dice.array.uniform(0, HOUR_S, count)
    return np.sort(np.clip(moments, first_s, last - 1e-3))


def sessions(
    dice: Dice, count: int, days: int, offset_h: float, curve: str, first_s: float = 0.0, last_s: float | None = None
) -> list[float]:
    """Starts of sittings; the calls inside one come minutes apart and are the caller's to place."""
    return [float(value) for value in spread(dice, count, days, offset_h, curve, first_s, last_s)]


def think_s(dice: Dice) -> float:
    """Seconds a person takes between turns: log-normal, median 70 s, now and then much longer."""
    if dice.chance(0.06):
        return dice.heavy(1_500, 0.9)
    return dice.heavy(70.0, 1.0, 4.0, 3_000.0)


def burst(dice: Dice, count: int, start_s: float, rate_s: float, regular: float) -> np.ndarray:
    """A machine's run: gaps about ``rate_s``; ``regular`` is the shape of their gamma law (large: a metronome)."""
    gaps = dice.array.gamma(regular, rate_s / regular, count)
    return start_s + np.cumsum(gaps)


def level_slots(dice: Dice, count: int, first_s: float, last_s: float) -> np.ndarray:
    """Evenly spaced moments with a jitter of a third of the gap: a scheduler's flat day."""
    gap = (last_s - first_s) / max(1, count)
    base = first_s + gap * np.arange(count)
    return np.clip(np.sort(base + dice.array.uniform(0, gap * (1 + math.pi / 10), count)), first_s, last_s)
