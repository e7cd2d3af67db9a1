"""A fleet is one cluster with an edge; a blob is several clusters and passers-by that happen to overlap.

Why harvesting looks like this: accounts that one party provisioned have the same things in common, member for member,
and nobody else has them. Who is innocent and looks the same: a family, a lab, a company. How it is avoided: by sharing
little, or other things with each other account. Source: none public; measured on composed worlds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

SHARES_BITS = 3.0  # 8:1 odds, for a member to count as tied to the group by a family
TAKES_PART_ROWS = 3
EDGE_QUANTILE = 0.25  # of the members' bits: an outsider above it looks more like a member than these members do


class HoldsTogether(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the members that the two strongest families tie to the group, added: 0 to 2."""

    name: str = "holds_together"
    family: str = "cohesion"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        shares: list[float] = []
        for own in suspect.own_bits.values():
            known = own[~np.isnan(own)]
            if len(own) and len(known) * 2 >= len(own):
                shares.append(float((known >= SHARES_BITS).mean()))
        if len(shares) < 2:
            return None
        first, second = sorted(shares)[-2:]
        says = f"the two families that tie most members to the group tie {second:.0%} and {first:.0%} of them"
        return Measurement(x=first + second, says=says)


class ClearEdge(msgspec.Struct, frozen=True, kw_only=True):
    """log2 of members per outsider that looks as much like a member as the weakest quarter of the members do."""

    name: str = "clear_edge"
    family: str = "cohesion"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        inside = int(suspect.members.sum())
        if not suspect.affinity.by_family or not 0 < inside < len(suspect.members):
            return None
        bits = suspect.total_bits
        own = bits[suspect.nodes]
        level = float(np.quantile(own, EDGE_QUANTILE))
        near = int((bits >= level).sum()) - int((own >= level).sum())
        says = f"{near} accounts outside are as much like the {inside} members as the weakest quarter of those are"
        return Measurement(x=math.log2((1 + inside) / (1 + near)), says=says)


class WeakestTies(msgspec.Struct, frozen=True, kw_only=True):
    """Bits that tie the weakest quarter of the members to the group, over all families."""

    name: str = "weakest_ties"
    family: str = "cohesion"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        if not suspect.affinity.by_family or not suspect.members.any():
            return None
        x = float(np.quantile(suspect.total_bits[suspect.nodes], EDGE_QUANTILE))
        return Measurement(x=x, says=f"three quarters of the members are tied to the group by {x:.0f} bits or more")


class AllTakePart(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the accounts that do some of what the group has in common."""

    name: str = "all_take_part"
    family: str = "part"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        if not suspect.has_purpose:
            return None
        x = float((suspect.harvest_counts >= TAKES_PART_ROWS).mean())
        return Measurement(x=x, says=f"{x:.0%} of the accounts take part in what the group has in common")


class OnePurpose(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the members' exchanges that are what the group has in common."""

    name: str = "one_purpose"
    family: str = "purpose"
    axis: Axis = "harvest"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        if not suspect.has_purpose:
            return None
        x = len(suspect.harvest_rows) / len(suspect.rows)
        return Measurement(x=x, says=f"{x:.0%} of what these accounts ask is what the group has in common")


COHESION = (HoldsTogether(), ClearEdge(), WeakestTies(), AllTakePart(), OnePurpose())
