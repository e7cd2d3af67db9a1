"""Which suspects become campaigns, and with which verdict.

Suspects overlap, because the same cluster is found in several views. The most certain one that explains most takes its
accounts; whatever is left of another stays only while most of it is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.weights import probability
from stillwatch.config import Detection
from stillwatch.model import Verdict

LEFT_SHARE = 0.6


def verdict(judged: Judged, settings: Detection) -> tuple[Verdict, float] | None:
    """The verdict and its confidence, or None where none is certain enough."""
    least, harvest = settings.min_confidence, probability(judged.harvest)
    if judged.solo:
        return ("extraction", harvest) if harvest >= least else None
    operator, resale = probability(judged.operator), probability(judged.resale)
    if min(operator, harvest) >= least and judged.harvest >= judged.resale:
        return "extraction", operator * harvest
    if min(operator, resale) >= least and harvest < least:
        return "resale", operator * resale
    if operator >= settings.min_coordinated and harvest < least:
        return "coordinated", operator
    return None


def select(judged: Sequence[Judged], settings: Detection) -> list[tuple[Judged, Verdict, float]]:
    """Non-overlapping campaigns, most telling first; ties in a fixed order."""
    rank = {"extraction": 0, "resale": 1, "coordinated": 2}
    named = [(item, *found) for item in judged if (found := verdict(item, settings)) is not None]
    named.sort(key=lambda n: (rank[n[1]], -_worth(n[0], n[2]), -len(n[0].suspect.nodes), n[0].suspect.nodes.tolist()))
    taken = np.zeros(0, dtype=bool)
    chosen = []
    for item, kind, confidence in named:
        members = item.suspect.members
        if not len(taken):
            taken = np.zeros(len(members), dtype=bool)
        if (members & ~taken).sum() >= LEFT_SHARE * members.sum():
            chosen.append((item, kind, confidence))
            taken |= members
    return chosen


def _worth(judged: Judged, confidence: float) -> float:
    """Certainty first in steps of doubling odds, size within a step."""
    return round(-np.log2(1 - min(confidence, 0.9999)) / 4) * 1e6 + len(judged.suspect.nodes)
