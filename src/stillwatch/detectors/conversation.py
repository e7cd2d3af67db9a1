"""What the members leave out: follow-ups, retries, rephrasings.

Why harvesting looks like this: the answer is the product, nobody reads it and asks on. Who is innocent and looks the
same: batch jobs, evaluations, one-shot tools. How it is avoided: by sending staged follow-ups, which cost exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

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
        share = float(1 - facts.followed_up[rows].mean())
        return Measurement(x=share, says=f"{share:.0%} of the exchanges stand alone, never followed up")


class Rephrasing(msgspec.Struct, frozen=True, kw_only=True):
    """Share of exchanges that resemble one the same account sent within 15 minutes before, negated."""

    name: str = "no_rephrasing"
    family: str = "conversation"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts, rows = suspect.scene.facts, suspect.harvest_rows
        rows = rows[facts.has_prompt[rows]]
        if len(rows) < MIN_ROWS:
            return None
        same = facts.account[rows[1:]] == facts.account[rows[:-1]]
        at = facts.at_us[rows]
        close = same & (at[1:] - at[:-1] < RETRY_S * 1_000_000)
        before, after = rows[:-1][close], rows[1:][close]
        alike = (facts.gist[after] * facts.gist[before]).sum(axis=1) > 0.8
        text = facts.dense("text_key")
        share = float((alike & (text[after] != text[before])).sum() / max(1, len(after)))
        return Measurement(x=-share, says=f"{share:.0%} of the prompts rephrase the one just before")
