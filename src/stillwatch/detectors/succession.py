"""Work that moves from one account to another: after a refusal within seconds, after a closure within days.

Why harvesting looks like this: a balancer retries a refused request on a sibling, and a closed account is replaced.
Who is innocent and looks the same: almost nobody retries on somebody else's account. How it is avoided: by dropping
the request.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.rows import among, count

FAILOVER_S = 120
REPLACED_DAYS = 5
MIN_CLOSED = 2
MIN_REFUSED = 3


def failovers(suspect: Suspect) -> npt.NDArray[np.int64]:
    """Rows of refused requests that another member repeated within two minutes."""
    facts = suspect.scene.facts
    rows = among(suspect.rows, facts.text_refused)  # no other text can have been repeated after a refusal
    text = facts.dense("text_key")[rows]
    order = np.lexsort((facts.at_us[rows], text))
    rows, text = rows[order], text[order]
    same = text[1:] == text[:-1]
    other = facts.account[rows[1:]] != facts.account[rows[:-1]]
    soon = facts.at_us[rows[1:]] - facts.at_us[rows[:-1]] < FAILOVER_S * 1_000_000
    return rows[:-1][same & other & soon & facts.failed[rows[:-1]]]


class Failover(msgspec.Struct, frozen=True, kw_only=True):
    """Refused requests repeated on a sibling, in log2 of their number per hundred refusals plus one."""

    name: str = "failover"
    family: str = "succession"
    axis: Axis = "operator"
    needs: Sequence[str] = ("status_code", "prompt")

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts = suspect.scene.facts
        refused = count(suspect.rows, facts.refused) if len(suspect.accounts) >= 2 else 0
        if refused < MIN_REFUSED:
            return None
        moved = failovers(suspect)
        says = f"{len(moved)} of {refused} refused requests were repeated by another member within {FAILOVER_S} s"
        return Measurement(x=float(np.log2(1 + 100 * len(moved) / refused)), says=says, rows=suspect.examples(moved))


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """Closed members followed by a member's first exchange within five days, against the share expected by chance."""

    name: str = "ban_succession"
    family: str = "succession"
    axis: Axis = "operator"
    needs: Sequence[str] = ("closed_at",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        scene = suspect.scene
        closed = scene.closed_us
        own = closed[suspect.accounts]
        if not scene.roster.has_side or (closed > 0).sum() < MIN_CLOSED or len(own) < 5:
            return None
        first = scene.facts.at_us[scene.row_start[suspect.accounts]]
        share = float((own > 0).mean() / max((closed > 0).mean(), 1e-9))
        after = [bool(((first > c) & (first < c + REPLACED_DAYS * 86_400_000_000)).any()) for c in own[own > 0]]
        closures = int((own > 0).sum())
        said = f"{closures} members were closed ({share:.1f} times the usual share); {sum(after)} were replaced"
        return Measurement(x=float(np.log2(share + 0.25) + np.log2(1 + sum(after))), says=said)
