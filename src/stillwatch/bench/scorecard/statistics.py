"""A figure's spread over worlds, and the exact bound on a share that was counted.

Knows nothing of accounts or campaigns. A figure that no world could give is None, never zero.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import msgspec
from scipy.stats import beta

CONFIDENCE = 0.95


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """One figure over the worlds that could give it. ``sd`` is None for fewer than two."""

    worlds: int
    mean: float
    median: float
    least: float
    most: float
    sd: float | None


def spread(values: Iterable[float | None]) -> Spread | None:
    """Of the values that are known; None where none is."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return None
    return Spread(
        worlds=len(known),
        mean=round(statistics.fmean(known), 4),
        median=round(statistics.median(known), 4),
        least=round(min(known), 4),
        most=round(max(known), 4),
        sd=round(statistics.stdev(known), 4) if len(known) > 1 else None,
    )


def share(part: float, whole: float) -> float | None:
    """A part of a whole, None where there is no whole."""
    return round(part / whole, 4) if whole else None


def lost(before: float | None, after: float | None) -> float | None:
    """A figure that was, less what it is now; None where either is unknown."""
    return None if before is None or after is None else before - after


def f1(precision: float | None, recall: float | None) -> float | None:
    """Harmonic mean. None where the recall is unknown; 0 where nobody was named although somebody should have been."""
    if recall is None:
        return None
    if not precision or not recall:
        return 0.0
    return round(2 * precision * recall / (precision + recall), 4)


def upper_bound(hits: int, trials: int, confidence: float = CONFIDENCE) -> float | None:
    """One-sided exact upper bound on a share: Clopper and Pearson 1934. None without trials.

    It takes trials for independent. Accounts of one look-alike group are not, so the true bound is wider.
    """
    if trials <= 0:
        return None
    if hits >= trials:
        return 1.0
    return float(beta.ppf(confidence, hits + 1, trials - hits))


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A count of a count: ``per_100k`` and its upper 95% bound ``per_100k_at_most``."""

    hits: int
    trials: int
    per_100k: float | None
    per_100k_at_most: float | None


def rate(hits: int, trials: int) -> Rate:
    """With its exact bound."""
    bound = upper_bound(hits, trials)
    return Rate(
        hits=hits,
        trials=trials,
        per_100k=round(1e5 * hits / trials, 2) if trials else None,
        per_100k_at_most=None if bound is None else round(1e5 * bound, 2),
    )
