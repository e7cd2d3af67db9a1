"""Affinity in plain Python loops over one view, and put together in plain numpy, to hold the compiled one against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stillwatch.operators.affinity import CAUTION, LEAST_BITS, MOST_BITS, PRIOR_WEIGHT, STRONG_BITS, Affinity
from stillwatch.operators.views import View


def log_ratio(inside: float, n_in: float, outside: float, n_out: float, base: float) -> float:
    sure = max(inside - CAUTION * math.sqrt(max(inside, 0.0)), 0.0)
    rate_in = (sure + PRIOR_WEIGHT * base) / (max(n_in, 0.0) + PRIOR_WEIGHT)
    rate_out = (outside + PRIOR_WEIGHT * base) / (n_out + PRIOR_WEIGHT)
    return math.log2(rate_in / max(rate_out, 1e-12))


def best_bits(
    holdings: Sequence[set[int]], value_count: int, members: Sequence[bool], n_in: float, n_out: float
) -> tuple[list[float], list[int]]:
    """(best bits per node, strong values) of nodes that hold sets of values."""
    best = [0.0] * len(holdings)
    strong: list[int] = []
    for value in range(value_count):
        holders = [node for node, own in enumerate(holdings) if value in own]
        inside = sum(members[node] for node in holders)
        if inside < 2:
            continue
        outside = len(holders) - inside
        base = (len(holders) + 0.5) / (n_in + n_out + 1.0)
        stranger = log_ratio(inside, n_in, outside, n_out, base)
        if stranger < LEAST_BITS:
            continue
        if stranger >= STRONG_BITS:
            strong.append(value)
        for node in holders:
            own = log_ratio(inside - 1, n_in - 1, outside, n_out, base) if members[node] else stranger
            best[node] = max(best[node], min(own, MOST_BITS))
    return best, strong


def affinity(views: Sequence[View], members: np.ndarray) -> Affinity:
    """Every node of every view; the best view of a family counts, unknown ones apart."""
    by_family: dict[str, np.ndarray] = {}
    enriched: dict[str, np.ndarray] = {}
    for view in views:
        n_in = float((members & view.informed).sum())
        holdings = [set(row.indices.tolist()) for row in view.matrix]
        best, strong = best_bits(
            holdings, view.matrix.shape[1], members.tolist(), n_in, float(view.informed.sum()) - n_in
        )
        bits = np.where(view.informed, np.array(best, dtype=np.float32), np.float32(np.nan))
        known = by_family.get(view.family)
        by_family[view.family] = bits if known is None else np.fmax(known, bits)
        enriched[view.name] = np.array(strong, dtype=np.int64)
    return Affinity(by_family, enriched)
