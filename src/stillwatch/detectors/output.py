"""What comes back: long answers to short questions.

Why harvesting looks like this: output is what is wanted, and it is paid for. Who is innocent and looks the same:
writers and coders. Evaluations and labelling are the opposite: short answers. How it is avoided: by padding the
input.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.rows import known, spread

MIN_ROWS = 12


class OutputLength(msgspec.Struct, frozen=True, kw_only=True):
    """Median of log2 output tokens."""

    name: str = "long_outputs"
    family: str = "output"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("output_tokens",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        tokens = suspect.column("output_tokens")
        if len(tokens) < MIN_ROWS:
            return None
        middle = float(np.median(tokens))
        return Measurement(x=float(np.log2(middle + 1)), says=f"the median answer has {middle:.0f} tokens")


class OutputRatio(msgspec.Struct, frozen=True, kw_only=True):
    """Median of log2 (output tokens / input tokens)."""

    name: str = "output_over_input"
    family: str = "output"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("output_tokens", "input_tokens")

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts, rows = suspect.scene.facts, suspect.harvest_rows
        ratios = known(facts.log2_output_over_input, rows)
        if len(ratios) < MIN_ROWS:
            return None
        x = float(np.median(ratios))
        return Measurement(x=x, says=f"answers are {2**x:.1f} times as long as the requests")


class EvenInput(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviation of log2 input tokens, negated: the one layout of a script, without reading it."""

    name: str = "even_input"
    family: str = "style"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("input_tokens",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        sizes = known(suspect.scene.facts.log2("input_tokens"), suspect.harvest_rows)
        if len(sizes) < MIN_ROWS:
            return None
        factor = spread(sizes)
        return Measurement(x=-factor, says=f"request sizes vary by a factor of {2**factor:.1f}")


class EvenOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviation of log2 output tokens, negated."""

    name: str = "even_output"
    family: str = "output"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("output_tokens",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        sizes = known(suspect.scene.facts.log2("output_tokens"), suspect.harvest_rows)
        if len(sizes) < MIN_ROWS:
            return None
        factor = spread(sizes)
        return Measurement(x=-factor, says=f"answer sizes vary by a factor of {2**factor:.1f}")
