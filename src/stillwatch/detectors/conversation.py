"""What the members leave out: follow-ups, retries, rephrasings.

Why harvesting looks like this: the answer is the product, nobody reads it and asks on. Who is innocent and looks the
same: batch jobs, evaluations, one-shot tools. How it is avoided: by sending staged follow-ups, which cost exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numba as nb
import numpy as np
import numpy.typing as npt

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.facts import ALIKE, wording_product
from stillwatch.tally.rows import among, count

Int = npt.NDArray[np.int64]
MIN_ROWS = 12
RETRY_S = 900


class SingleTurn(msgspec.Struct, frozen=True, kw_only=True):
    """Share of exchanges that nobody followed up."""

    name: str = "no_follow_ups"
    family: str = "conversation"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("message_count|conversation_id",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts, rows = suspect.scene.facts, suspect.harvest_rows
        if len(rows) < MIN_ROWS or not (facts.has("message_count") or facts.has("conversation_key")):
            return None
        share = float(1 - count(rows, facts.followed_up) / len(rows))
        return Measurement(x=share, says=f"{share:.0%} of the exchanges stand alone, never followed up")


class Rephrasing(msgspec.Struct, frozen=True, kw_only=True):
    """Share of exchanges that resemble one the same account sent within 15 minutes before, negated."""

    name: str = "no_rephrasing"
    family: str = "conversation"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts = suspect.scene.facts
        rows = among(suspect.harvest_rows, facts.has_prompt)
        if len(rows) < MIN_ROWS:
            return None
        text = facts.dense("text_key")
        close, alike = _rephrased(rows, facts.account, facts.at_us, text, facts.gist, facts.like_the_row_before)
        share = alike / max(1, close)
        return Measurement(x=-share, says=f"{share:.0%} of the prompts rephrase the one just before")


@nb.njit(cache=True, nogil=True)
def _rephrased(
    rows: Int, account: Int, at: Int, text: Int, gist: npt.NDArray[np.float32], like_before: npt.NDArray[np.bool_]
) -> tuple[int, int]:
    """(rows soon after another of the same account, those of them that say much the same in other words)."""
    close = alike = 0
    for i in range(1, len(rows)):
        before, after = rows[i - 1], rows[i]
        if account[after] != account[before] or at[after] - at[before] >= RETRY_S * 1_000_000:
            continue
        close += 1
        if text[after] == text[before]:
            continue
        # neighbours in the cluster are nearly always neighbours in the log, of which it is known already
        if after == before + 1:
            alike += int(like_before[after])
        else:
            alike += int(wording_product(gist, before, after) > ALIKE)
    return close, alike
