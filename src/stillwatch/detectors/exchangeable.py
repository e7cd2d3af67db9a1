"""Are the members interchangeable? Shards of one list are alike; people are not.

Why harvesting looks like this: each account draws from the same list, so accounts differ no more than two halves of one
account do. Who is innocent and looks the same: evaluators of one benchmark. Why people are not: each has topics of
their own. How it is avoided: by giving each account a topic. Source: one-way analysis of variance, intra-class
correlation.
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
from stillwatch.tally.distinct import run_starts
from stillwatch.tally.rows import among, spans

MIN_ACCOUNTS = 4
PER_ACCOUNT = 24


class Exchangeable(msgspec.Struct, frozen=True, kw_only=True):
    """Intra-class correlation of gist vectors over accounts, negated: 0 = shards of one list."""

    name: str = "interchangeable_accounts"
    family: str = "exchangeable"
    axis: Axis = "operator"
    needs: Sequence[str] = ("prompt",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts, rows = suspect.scene.facts, suspect.harvest_rows
        rows = among(rows, facts.opening_prompt)
        # rows stand account by account: the first few of each, where there are two or more
        start = run_starts(facts.account[rows])
        size = np.minimum(np.diff(np.append(start, len(rows))), PER_ACCOUNT)
        start, size = start[size >= 2], size[size >= 2]
        if len(size) < MIN_ACCOUNTS:
            return None
        icc = _intra_class(facts.gist[rows[spans(start, start + size)]], size)
        return Measurement(x=-icc, says=f"{icc:.0%} of the difference between prompts is a difference between members")


@nb.njit(cache=True, nogil=True)
def _intra_class(points: npt.NDArray[np.float32], size: npt.NDArray[np.int64]) -> float:
    """``points``: float32[n, d], group after group; ``size``: int64[k], points of each group."""
    n, d = points.shape
    k = len(size)
    grand, mean = np.zeros(d, dtype=np.float32), np.zeros(d)
    for i in range(n):
        for j in range(d):
            grand[j] += points[i, j]
    within = between = squares = 0.0
    end = 0
    for group in range(k):
        start, end = end, end + size[group]
        for j in range(d):
            mean[j] = 0
        for i in range(start, end):
            for j in range(d):
                mean[j] += points[i, j]
        for j in range(d):
            mean[j] /= size[group]
            between += size[group] * (mean[j] - np.float32(grand[j] / n)) ** 2
        for i in range(start, end):
            for j in range(d):
                within += (points[i, j] - mean[j]) ** 2
        squares += size[group] ** 2
    within, between = within / max(1, n - k), between / max(1, k - 1)
    typical = (n - squares / n) / max(1, k - 1)
    icc = (between - within) / (between + (typical - 1) * within + 1e-12)
    return min(max(icc, -0.2), 1.0)
