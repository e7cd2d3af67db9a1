"""How alike the members' prompts are written.

Why harvesting looks like this: prompts come from a script, so they start in upper case, keep one layout and one length.
People vary: their prompts' length has a coefficient of variation of about 2, and a third start in lower case. Who is
innocent and looks the same: evaluations and batch jobs. How it is avoided: by replaying people's own prompts.
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
from stillwatch.tally.rows import among, count, known, spread

Int = npt.NDArray[np.int64]
MIN_ROWS = 12
MIN_TEXTS = 10  # different prompts around a sentence, for it to be a template that is swept


class LengthSpread(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviation of log2 prompt length, negated."""

    name: str = "even_length"
    family: str = "style"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        lengths = known(suspect.scene.facts.log2("prompt_chars"), suspect.harvest_rows)
        if len(lengths) < MIN_ROWS:
            return None
        factor = spread(lengths)
        return Measurement(x=-factor, says=f"prompt lengths vary by a factor of {2**factor:.1f} (people: about 4)")


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
        if not count(suspect.rows, facts.has_prompt):
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
        scene = suspect.scene
        rows = among(suspect.harvest_rows, scene.facts.has_prompt)
        if len(rows) < MIN_ROWS or "template" not in scene.content_index:
            return None
        start, template = scene.content_index["template"]
        swept = _swept(rows, start, template, scene.facts.dense("text_key"), scene.value_count["template"])
        x = len(swept) / len(rows)
        return Measurement(
            x=x, says=f"{x:.0%} of the prompts fill the slot of a template", rows=suspect.examples(swept)
        )


@nb.njit(cache=True, nogil=True)
def _swept(rows: Int, start: Int, template: npt.NDArray[np.int32], text: Int, template_count: int) -> Int:
    """Rows that carry a template of ``MIN_TEXTS`` different texts among them. See ``Scene.content_index``."""
    texts = _texts_around(rows, start, template, text, template_count)
    found, n = np.empty(len(rows), dtype=np.int64), 0
    for row in rows:
        swept = False
        for e in range(start[row], start[row + 1]):
            swept |= texts[template[e]] >= MIN_TEXTS
        found[n] = row
        n += swept
    return found[:n]


@nb.njit(cache=True, nogil=True)
def _texts_around(rows: Int, start: Int, template: npt.NDArray[np.int32], text: Int, template_count: int) -> Int:
    """Different texts by template, of those that are used ``MIN_TEXTS`` times or more; uses of the others."""
    texts = np.zeros(template_count, dtype=np.int64)
    for row in rows:
        for e in range(start[row], start[row + 1]):
            texts[template[e]] += 1
    often = texts >= MIN_TEXTS
    first = np.zeros(template_count + 1, dtype=np.int64)
    first[1:] = np.cumsum(np.where(often, texts, 0))
    held, place = np.empty(first[-1], dtype=np.int64), first.copy()
    for row in rows:
        for e in range(start[row], start[row + 1]):
            if often[template[e]]:
                held[place[template[e]]] = text[row]
                place[template[e]] += 1
    for one in np.flatnonzero(often):
        ordered = np.sort(held[first[one] : first[one + 1]])
        texts[one] = 1 + np.count_nonzero(ordered[1:] != ordered[:-1])
    return texts
