"""When a group's traffic moves to a model that is new.

A model is new from its first use by anybody in the input (models seen in the input's first day have no known
release). A pivot is the first day on which a new model takes at least a fifth of the group's traffic within the day
after the group first uses it. It does not know release dates: first use is the earliest the logs can show.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.tally.facts import Facts
from stillwatch.tally.rows import tallied

DAY_US = 86_400_000_000
MIN_SHARE = 0.2
MIN_ROWS = 20


def find_pivots(facts: Facts, rows: npt.NDArray[np.int64]) -> list[tuple[int, int, float]]:
    """(model code, time in us of the group's move, share of the group's traffic in the following day), by time."""
    if len(rows) < MIN_ROWS:
        return []
    new = facts.model_first_us >= int(facts.model_first_us.min()) + DAY_US
    if not new.any():
        return []
    model, at = facts.word_codes("model"), facts.at_us
    used = tallied(model, rows, len(new)) > 0
    found = []
    for code in np.flatnonzero(new & used).tolist():
        moved = _first_move(at[rows], model[rows] == code)
        if moved is not None:
            found.append((int(code), *moved))
    return sorted(found, key=lambda pivot: pivot[1])


def _first_move(at: npt.NDArray[np.int64], uses: npt.NDArray[np.bool_]) -> tuple[int, float] | None:
    first = int(at[uses].min())
    day = (at >= first) & (at < first + DAY_US)
    share = float(uses[day].mean())
    if day.sum() < MIN_ROWS // 2 or share < MIN_SHARE:
        return None
    return first, share
