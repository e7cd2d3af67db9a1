"""The cluster was found in one family of attributes and holds together in another.

Why harvesting looks like this: one operator leaves traces in several places at once. Who is innocent and looks the
same: evaluators on shared cloud runners; significance is not malice. How it is avoided: by sharing nothing in a
second family. Source: permutation null of ``operators.null`` (stratified, Benjamini-Yekutieli).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "held_out_view"
    family: str = "held_out"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        known = {family: p for family, p in suspect.held_out_p.items() if not math.isnan(p)}
        if not known:
            return None
        family, p = min(known.items(), key=lambda item: (item[1], item[0]))
        x = min(40.0, -math.log10(max(p * len(known), 1e-40)))
        says = f"found by {suspect.found_in}, confirmed by {family}: chance under the permutation null 10^-{x:.0f}"
        return Measurement(x=max(x, 0.0), says=says)
