"""Signatures put together from numbers: family -> values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from stillwatch.campaigns.signature import Signature
from stillwatch.campaigns.traits import FAMILIES, NAMES, VIEWS


def signature_of(values: Mapping[str, Iterable[int]], bits: float = 8.0, name: str = "x") -> bytes:
    """Every value is worth the same, under the first view of its family."""
    views = {family: next(i for i, view in enumerate(NAMES) if VIEWS[view] == family) for family in FAMILIES}
    found = sorted(((views[f] + 1) * 1_000_000 + v, views[f]) for f, held in values.items() for v in held)
    return Signature(
        campaign_id=name,
        accounts=9,
        keys=np.array([key for key, _ in found], dtype="<u8").tobytes(),
        bits=np.full(len(found), bits, dtype="<f4").tobytes(),
        views=np.array([view for _, view in found], dtype=np.uint8).tobytes(),
        absent={},
    ).write()
