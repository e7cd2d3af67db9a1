"""Groups that were considered and let go, and what spoke for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stillwatch.campaigns.judge import Judged
from stillwatch.model import LookAlike

MOST_SHOWN = 12
MOST_ACCOUNTS = 50


def let_go(judged: Sequence[Judged], named: Sequence[Judged]) -> tuple[LookAlike, ...]:
    """The most suspicious groups that no verdict was reached on, without those that overlap a named campaign."""
    if not judged:
        return ()
    taken = np.zeros(len(judged[0].suspect.members), dtype=bool)
    for item in named:
        taken |= item.suspect.members
    found: list[LookAlike] = []
    ranked = sorted(judged, key=lambda j: (-(max(j.operator, -20) + max(j.harvest, -20)), j.suspect.nodes.tolist()))
    for item in ranked:
        members = item.suspect.members
        if len(found) >= MOST_SHOWN:
            break
        if (members & taken).sum() * 4 <= members.sum():
            taken |= members
            found.append(_look_alike(item))
    return tuple(found)


def _look_alike(item: Judged) -> LookAlike:
    suspect = item.suspect
    names = suspect.scene.roster.names.take(pa.array(suspect.accounts[:MOST_ACCOUNTS])).to_pylist()
    return LookAlike(
        says=_says(item),
        account_count=len(suspect.accounts),
        operator_bits=round(item.operator, 3),
        harvest_bits=round(item.harvest, 3),
        accounts=tuple((n["platform"], n["account_id"]) for n in names),
        evidence=item.evidence(),
    )


def _says(item: Judged) -> str:
    if item.solo:
        return "one account or organisation with much traffic; it does not look like a harvest"
    if item.operator > 0 >= item.harvest:
        return "linked accounts, but they do not gather training data"
    if item.harvest > 0 >= item.operator:
        return "alike in what they ask, but nothing says that one party runs them"
    return "alike in some respects; neither one operator nor a harvest is likely"
