"""From a seed to its members: add what the seed's own values point at, drop what they do not, twice, within bounds.

Unbounded add-only refinement drifts (a seed of 13 has grown to 300), so growth per round is capped, a member needs two
families or one overwhelming one, and whoever falls below the odds of chance leaves again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwatch.operators.affinity import Affinity, affinity
from stillwatch.operators.views import View

Bool = npt.NDArray[np.bool_]
ROUNDS = 3
GROWTH = 2.0  # members per member of the round before
MARGINS_BITS = (11.0, 7.5)  # past the odds of chance, to be kept: a tight and a wide reading of every seed
FAMILY_BITS = 1.5  # for a family to count as speaking for a node
ALONE_BITS = 8.0  # for one family to suffice


@dataclass(frozen=True)
class Refined:
    """``members``: bool[nodes]; ``bits``: float32[nodes], evidence less the odds of chance (> 0 is more likely in)."""

    members: Bool
    bits: npt.NDArray[np.float32]
    affinity: Affinity


def refine(views: Sequence[View], seed: Bool, margin_bits: float) -> Refined:
    """Members of the cluster that ``seed`` (bool[nodes]) belongs to. O(rounds x links)."""
    members = seed
    for _ in range(ROUNDS):
        found = affinity(views, members)
        bits = posterior_bits(found, members)
        grown = _select(found, bits, members, margin_bits)
        if not grown.any() or (grown == members).all():
            break
        members = grown
    found = affinity(views, members)
    return Refined(members, posterior_bits(found, members), found)


def posterior_bits(found: Affinity, members: Bool) -> npt.NDArray[np.float32]:
    """Bits for membership less the bits that a random node would need to overcome."""
    prior = np.log2(len(members) / max(1, int(members.sum())))
    return (found.total() - prior).astype(np.float32)


def _select(found: Affinity, bits: npt.NDArray[np.float32], members: Bool, margin_bits: float) -> Bool:
    families = np.stack([np.nan_to_num(b) for b in found.by_family.values()])
    enough = ((families >= FAMILY_BITS).sum(axis=0) >= 2) | (families.max(axis=0) >= ALONE_BITS)
    chosen = (bits >= margin_bits) & enough
    limit = int(GROWTH * members.sum()) + 5
    if chosen.sum() > limit:
        cut = np.sort(bits[chosen])[-limit]
        chosen &= (bits >= cut) | members
    return chosen
