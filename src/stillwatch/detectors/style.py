"""How alike the members' prompts are written.

Why harvesting looks like this: prompts come from a script, so they start in upper case, keep one layout and one length.
People vary: their prompts' length has a coefficient of variation of about 2, and a third start in lower case. Who is
innocent and looks the same: evaluations and batch jobs. How it is avoided: by replaying people's own prompts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.distinct import distinct, run_starts

MIN_ROWS = 12


class LengthSpread(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviation of log2 prompt length, negated."""

    name: str = "even_length"
    family: str = "style"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        chars = suspect.column("prompt_chars")
        if len(chars) < MIN_ROWS:
            return None
        spread = float(np.log2(np.maximum(chars, 1)).std())
        return Measurement(x=-spread, says=f"prompt lengths vary by a factor of {2**spread:.1f} (people: about 4)")


class LowerCase(msgspec.Struct, frozen=True, kw_only=True):
    """Share of prompts that start in lower case, negated: hardly any machine-written prompt does."""

    name: str = "no_careless_starts"
    family: str = "style"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        lower = suspect.column("starts_lower")
        if len(lower) < MIN_ROWS:
            return None
        share = float(lower.mean())
        return Measurement(x=-share, says=f"{share:.0%} of the prompts start in lower case (people: about 40%)")


class SharedLayout(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the harvest rows that carry content enriched in the cluster, against its rows at large."""

    name: str = "narrow_purpose"
    family: str = "purpose"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt|system_prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts = suspect.scene.facts
        if not len(suspect.rows) or not facts.has_prompt[suspect.rows].any():
            return None
        share = len(suspect.harvest_rows) / len(suspect.rows) if suspect.has_purpose else 0.0
        return Measurement(x=share, says=f"{share:.0%} of the members' exchanges carry what the group shares")


class Wrapped(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the prompts that repeat a sentence of ten or more different prompts of the cluster: a swept template."""

    name: str = "swept_template"
    family: str = "template"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts, rows = suspect.scene.facts, suspect.harvest_rows
        rows = rows[facts.has_prompt[rows]]
        if len(rows) < MIN_ROWS or "template" not in suspect.scene.content_index:
            return None
        at, template = suspect.scene.values_of("template", rows)
        text = facts.dense("text_key")
        width = len(text) + 1
        uses = distinct(template * width + text[rows][at])
        texts = np.bincount(uses // width, minlength=suspect.scene.value_count["template"])
        carries = at[texts[template] >= 10]
        swept = carries[run_starts(carries)]
        x = len(swept) / len(rows)
        return Measurement(
            x=x, says=f"{x:.0%} of the prompts fill the slot of a template", rows=suspect.examples(rows[swept])
        )
