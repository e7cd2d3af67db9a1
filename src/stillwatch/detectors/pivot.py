"""The members move to a new model at once.

Why harvesting looks like this: a better teacher is a better data set, and one configuration moves every account; half
of one campaign's traffic moved within 24 hours. Who is innocent and looks the same: products that follow a default.
How it is avoided: by moving slowly.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.pivots import DAY_US, find_pivots

MIN_ROWS = 48


class Pivot(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the traffic on a new model within a day of its first use, less everybody's share of it then."""

    name: str = "model_pivot"
    family: str = "pivot"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts = suspect.scene.facts
        if len(suspect.harvest_rows) < MIN_ROWS:
            return None
        pivots = find_pivots(facts, suspect.harvest_rows)
        start = int(facts.model_first_us.min())
        gained = [share - float(facts.daily_model_share[(at - start) // DAY_US, code]) for code, at, share in pivots]
        x = max(gained, default=0.0)
        return Measurement(x=x, says=f"within a day the members moved {x:.0%} more of their traffic to a new model")
