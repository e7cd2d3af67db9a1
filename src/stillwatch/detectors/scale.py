"""How many accounts one party runs, and how alike it sets them.

Why harvesting looks like this: limits per account are met by more accounts, all driven by one configuration. Who is
innocent and looks the same: a class, a product's customers; neither is run by one party, which the other axis asks.
How it is avoided: by fewer accounts, or settings drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.distinct import run_lengths
from stillwatch.tally.facts import Facts
from stillwatch.tally.rows import tallied

Int = npt.NDArray[np.int64]
MIN_ROWS = 12


class AccountsRun(msgspec.Struct, frozen=True, kw_only=True):
    """log2 of the members, organisations counted once."""

    name: str = "accounts_run"
    family: str = "scale"
    axis: Axis = "harvest"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        count = len(suspect.nodes)
        if count < 2:
            return None
        return Measurement(x=float(np.log2(count)), says=f"{count} separate accounts do the same work")


class OneSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Entropy in bits of the parameter sets of the harvest rows, negated."""

    name: str = "one_setting"
    family: str = "settings"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("max_tokens|temperature",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        uses = _uses(suspect.scene.facts, suspect.harvest_rows)
        if uses.sum() < MIN_ROWS:
            return None
        share = uses / uses.sum()
        entropy = float(-(share * np.log2(share)).sum())
        return Measurement(x=-entropy, says=f"as good as {2**entropy:.0f} different parameter settings in all")


def _uses(facts: Facts, rows: Int) -> Int:
    """How often each set of parameters occurs among rows."""
    key, width = facts.dense("params_key"), facts.dense_count("params_key") + 1
    if width > len(rows):
        found = key[rows]
        return run_lengths(np.sort(found[found > 0]))
    uses = tallied(key, rows, width)[1:]
    return uses[uses > 0]
