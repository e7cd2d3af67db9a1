"""When the members work: around the clock, in step, and in equal amounts.

Why harvesting looks like this: a scheduler spreads work evenly over hours and accounts. Who is innocent and looks the
same: agents and back-ends run all night too. How it is avoided: by imitating a working day and uneven accounts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.distinct import run_starts
from stillwatch.tally.rows import tallied

MIN_ROWS = 48
MIN_ACCOUNTS = 5


class FlatHours(msgspec.Struct, frozen=True, kw_only=True):
    """Entropy of the hour of day over the pooled exchanges, 1 = flat."""

    name: str = "flat_hours"
    family: str = "schedule"
    axis: Axis = "harvest"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        rows = suspect.harvest_rows
        if len(rows) < MIN_ROWS:
            return None
        hours = tallied(suspect.scene.facts.hour_of_day, rows, 24) + 0.5
        share = hours / hours.sum()
        flat = float(-(share * np.log2(share)).sum() / np.log2(24))
        return Measurement(x=flat, says=f"exchanges cover the 24 hours to {flat:.0%} of perfectly even")


class LevelQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Spread of log2 volume between members, negated: a load balancer levels accounts."""

    name: str = "level_quota"
    family: str = "quota"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        accounts = suspect.accounts
        if len(accounts) < MIN_ACCOUNTS:
            return None
        spread = float(np.log2(np.maximum(suspect.harvest_counts, 0.5)).std())
        return Measurement(
            x=-spread, says=f"members' volumes differ by a factor of {2**spread:.1f} (people: 3 or more)"
        )


class Synchrony(msgspec.Struct, frozen=True, kw_only=True):
    """Variance of the pooled hourly volume, against what independent members with the same hours of day would show."""

    name: str = "synchrony"
    family: str = "timing"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        rows, facts = suspect.harvest_rows, suspect.scene.facts
        if len(rows) < MIN_ROWS or len(suspect.accounts) < MIN_ACCOUNTS:
            return None
        hour = facts.hour[rows] - int(facts.hour[rows].min())
        width = int(hour.max()) + 1
        cell = facts.account[rows] * width + hour  # ascending, as rows are by account and time
        grid = hour[run_starts(cell)]
        active = np.bincount(grid, minlength=width).astype(np.float64)
        of_day = np.arange(width) % 24
        expected = (np.bincount(of_day, active) / np.maximum(np.bincount(of_day), 1))[of_day]
        x = float(np.log2(((active - expected) ** 2).sum() / max(expected.sum(), 1.0) + 0.05))
        return Measurement(x=x, says=f"members are active in the same hours {2**x:.1f} times as much as chance allows")
