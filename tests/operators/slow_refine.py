"""Refinement over all nodes in plain numpy, to hold the one that sees only whom a walk reached against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stillwatch.operators.affinity import Affinity, affinity
from stillwatch.operators.refine import ALONE_BITS, FAMILY_BITS, GROWTH, ROUNDS
from stillwatch.operators.views import View


def select(found: Affinity, members: np.ndarray, margin_bits: float) -> np.ndarray:
    """bool[nodes]."""
    prior = np.log2(len(members) / max(1, int(members.sum())))
    families = np.stack([np.nan_to_num(bits) for bits in found.by_family.values()])
    bits = (np.sum(families, axis=0, dtype=np.float32) - prior).astype(np.float32)
    enough = ((families >= FAMILY_BITS).sum(axis=0) >= 2) | (families.max(axis=0) >= ALONE_BITS)
    chosen = (bits >= margin_bits) & enough
    limit = int(GROWTH * members.sum()) + 5
    if chosen.sum() > limit:
        cut = np.sort(bits[chosen])[-limit]
        chosen &= (bits >= cut) | members
    return chosen


def refine(views: Sequence[View], seed: np.ndarray, margin_bits: float) -> np.ndarray:
    """bool[nodes]."""
    members = seed
    for _ in range(ROUNDS):
        grown = select(affinity(views, members), members, margin_bits)
        if not grown.any():
            break
        members = grown
    return members
