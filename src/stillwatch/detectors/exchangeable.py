"""Are the members interchangeable? Shards of one list are alike; people are not.

Why harvesting looks like this: each account draws from the same list, so accounts differ no more than two halves of one
account do. Who is innocent and looks the same: evaluators of one benchmark. Why people are not: each has topics of
their own. How it is avoided: by giving each account a topic. Source: one-way analysis of variance, intra-class
correlation.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

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
        rows = rows[facts.has_prompt[rows] & facts.opening[rows]]
        account = facts.account[rows]
        rank = np.arange(len(rows)) - np.searchsorted(account, account)
        rows, account = rows[rank < PER_ACCOUNT], account[rank < PER_ACCOUNT]
        group, size = np.unique(account, return_inverse=True, return_counts=True)[1:]
        kept = size[group] >= 2
        if len(np.unique(group[kept])) < MIN_ACCOUNTS:
            return None
        icc = _intra_class(facts.gist[rows[kept]], np.unique(group[kept], return_inverse=True)[1])
        return Measurement(x=-icc, says=f"{icc:.0%} of the difference between prompts is a difference between members")


def _intra_class(points: np.ndarray, group: np.ndarray) -> float:
    n, k = len(points), int(group.max()) + 1
    size = np.bincount(group)
    mean = np.zeros((k, points.shape[1]))
    np.add.at(mean, group, points)
    mean /= size[:, None]
    within = ((points - mean[group]) ** 2).sum() / max(1, n - k)
    between = (size[:, None] * (mean - points.mean(axis=0)) ** 2).sum() / max(1, k - 1)
    typical = (n - (size**2).sum() / n) / max(1, k - 1)
    return float(np.clip((between - within) / (between + (typical - 1) * within + 1e-12), -0.2, 1.0))
