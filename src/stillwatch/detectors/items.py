"""How the members divide the items among them: a list worked off together, or the same list by each.

Why harvesting looks like this: a list is partitioned over the accounts, so that hardly an item is asked twice, or
each item is asked a fixed number of times. Who is innocent and looks the same: evaluators and classes share templates
too, but each of them asks the same items; customers of one product each bring their own. How it is avoided: by asking
in vain.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

MIN_ROWS = 12


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the items that only one member asks; x = logit-like scale, 0 at one half."""

    name: str = "partitioned_list"
    family: str = "allocation"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        nodes, _ = suspect.item_counts
        if len(nodes) < MIN_ROWS or len(suspect.nodes) < 2:
            return None
        shared = int((nodes > 1).sum())
        x = float(np.log2((len(nodes) - shared + 1) / (shared + 1)))
        says = f"of {len(nodes)} different prompts {shared} were asked by more than one member"
        return Measurement(x=x, says=says, rows=suspect.examples(suspect.harvest_rows))


class Resampling(msgspec.Struct, frozen=True, kw_only=True):
    """How constant the number of times an item is asked is, where items are asked more than once."""

    name: str = "resampling"
    family: str = "resampling"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        _, times = suspect.item_counts
        if len(times) < MIN_ROWS:
            return None
        repeated = times[times > 1]
        share = float(repeated.sum() / times.sum())
        says = f"{share:.0%} of the prompts are repeats of {len(repeated)} items"
        return Measurement(x=share, says=says)


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct openings gathered by the cluster, in log2: a training set is large."""

    name: str = "distinct_items"
    family: str = "volume"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        nodes, _ = suspect.item_counts
        if not len(nodes):
            return None
        return Measurement(x=float(np.log2(len(nodes))), says=f"{len(nodes)} different prompts were gathered")
