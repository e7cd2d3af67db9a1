"""What the prompts ask for, by the shipped classifiers: the only detectors that read words.

Why harvesting looks like this: reasoning is elicited, answers are graded by rubric, sensitive requests are rewritten.
Who is innocent and looks the same: teachers, auditors, evaluators, careful people. How it is avoided: by other words.
They can be switched off, and figures with them off are reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.rows import above, clipped_mean

MIN_ROWS = 12


class Asks(msgspec.Struct, frozen=True, kw_only=True):
    """Mean classifier bits per prompt, clipped to +-6 each so that no single prompt decides."""

    name: str
    column: str
    what: str
    family: str = "lexical"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        bits = suspect.column(self.column)
        if len(bits) < MIN_ROWS:
            return None
        share = above(bits, 1.0) / len(bits)
        return Measurement(x=clipped_mean(bits, -6.0, 6.0), says=f"{share:.0%} of the prompts look like {self.what}")


class Concentration(msgspec.Struct, frozen=True, kw_only=True):
    """1 - normalised entropy of the capability labels: one narrow capability."""

    name: str = "narrow_capability"
    family: str = "lexical"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        label = suspect.column("capability").astype(np.int64)
        if len(label) < MIN_ROWS:
            return None
        share = np.bincount(label, minlength=12) / len(label)
        entropy = -(share[share > 0] * np.log2(share[share > 0])).sum() / np.log2(12)
        return Measurement(x=float(1 - entropy), says=f"{share.max():.0%} of the prompts are after one capability")


LEXICAL: tuple[Asks, ...] = (
    Asks(name="elicits_reasoning", column="elicitation_bits", what="reasoning elicitation"),
    Asks(name="grades_by_rubric", column="grading_bits", what="grading by rubric"),
    Asks(name="rewrites_policy", column="rewriting_bits", what="policy-safe rewriting"),
)
