"""How evidence adds up on one axis, step by step, in bits.

Shares of correlated detectors are already divided between them, so all of them count. What the verdict's total holds
beyond them (what was thought before anything was measured) is a step of its own, never hidden.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stillwatch.model import Axis, Campaign, Evidence

AXES: tuple[Axis, ...] = ("operator", "harvest", "resale")
_NEGLIGIBLE_BITS = 0.15


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One reason and where it carries the sum: from ``start`` to ``end`` bits. The prior has no ``item``."""

    item: Evidence | None
    bits: float
    start: float
    end: float


class Waterfall(msgspec.Struct, frozen=True, kw_only=True):
    """``silent``: measured, and saying next to nothing either way; together they are in the rest of ``total``."""

    axis: Axis
    steps: tuple[Step, ...]
    silent: tuple[Evidence, ...]
    total: float


def waterfall(evidence: Iterable[Evidence], axis: Axis, total: float | None = None) -> Waterfall:
    """The steps on one axis: what speaks for it, strongest first, then what speaks against, then the rest of ``total``.

    Without a ``total`` the sum of the counted steps is one.
    """
    on_axis = [item for item in evidence if item.axis == axis]
    silent = tuple(item for item in on_axis if abs(item.bits) < _NEGLIGIBLE_BITS)
    counted = [item for item in on_axis if abs(item.bits) >= _NEGLIGIBLE_BITS]
    steps: list[Step] = []
    at = 0.0
    for item in sorted(counted, key=lambda one: (-one.bits, one.family, one.name, one.says)):
        steps.append(Step(item=item, bits=item.bits, start=at, end=at + item.bits))
        at += item.bits
    if total is not None and abs(total - at) > _NEGLIGIBLE_BITS:
        steps.append(Step(item=None, bits=total - at, start=at, end=total))
    whole = at if total is None else total
    return Waterfall(axis=axis, steps=tuple(steps), silent=silent, total=whole)


def waterfalls(campaign: Campaign) -> tuple[Waterfall, ...]:
    """One per axis that has anything to say: operator and harvest are never added up."""
    totals: dict[Axis, float | None] = {
        "operator": campaign.operator_bits,
        "harvest": campaign.harvest_bits,
        "resale": None,
    }
    made = (waterfall(campaign.evidence, axis, totals[axis]) for axis in AXES)
    return tuple(one for one in made if one.steps)
