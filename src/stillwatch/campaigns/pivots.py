"""When a campaign's traffic moved to a newly released model.

``tally.pivots`` looks at the day after a group's very first use of a model, which one stray honest account or a single
early test call can spoil. Here every use within two days of the release is tried, over the harvest and over all of the
campaign's traffic, and the earliest that is followed by a day with a fifth of the traffic on that model is the move.
Release dates are not known: first use by anybody in the input stands for them, and a model seen on the input's first
day has none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.tally.facts import Facts
from stillwatch.tally.pivots import DAY_US, MIN_ROWS, MIN_SHARE

Int = npt.NDArray[np.int64]
RELEASE_DAYS = 2  # who comes later follows a habit, not a release
LEAST_USES = 5


def campaign_pivots(facts: Facts, harvest: Int, rows: Int) -> list[tuple[int, int, float]]:
    """(model code, time of the move in us, share of the following day's traffic), by time. O(rows x new models)."""
    found: dict[int, tuple[int, float]] = {}
    start = int(facts.model_first_us.min())
    for part in (harvest, rows):
        model, order = facts.word_codes("model")[part], np.argsort(facts.at_us[part], kind="stable")
        at = facts.at_us[part][order]
        for code in np.unique(model).tolist() if len(part) >= MIN_ROWS else ():
            released = int(facts.model_first_us[code])
            moved = _move(at, model[order] == code, released) if released >= start + DAY_US else None
            if moved is not None and (code not in found or moved[0] < found[code][0]):
                found[code] = moved
    return sorted(((code, *moved) for code, moved in found.items()), key=lambda pivot: (pivot[1], pivot[0]))


def _move(at: Int, uses: npt.NDArray[np.bool_], released: int) -> tuple[int, float] | None:
    """First use after which a day's traffic shows the move. ``at`` ascending."""
    first = np.flatnonzero(uses & (at <= released + RELEASE_DAYS * DAY_US))
    stop = np.searchsorted(at, at[first] + DAY_US)
    used = np.concatenate([[0], np.cumsum(uses)])
    count, moved = stop - first, used[stop] - used[first]
    enough = (count >= MIN_ROWS // 2) & (moved >= np.maximum(LEAST_USES, MIN_SHARE * count))
    if not enough.any():
        return None
    i = int(enough.argmax())
    return int(at[first[i]]), float(moved[i] / count[i])
