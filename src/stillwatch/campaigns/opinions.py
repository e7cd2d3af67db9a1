"""What overlapping clusters say of each other: a campaign shows in many of them, an accident in one.

The same accounts are found in several views, tightly and widely. Each such cluster is judged on its own measurements,
so their odds are opinions on much the same accounts. A small cluster that alone among its neighbours looks like a
campaign is one of thousands that were looked at; an account that only one of them holds is a passer-by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.weights import Weights

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
NEAR = 0.2  # Jaccard overlap from which two clusters are about the same accounts
SAME = 0.9  # and from which they are one and the same, so that it is no second opinion
PART = 0.5  # share of a cluster that lies in a campaign for it to be about that campaign
MOST_ODDS = 8.0


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """``holds``: CSR float32[clusters, accounts] of 0 and 1; ``size``: float64[clusters]."""

    holds: sparse.csr_matrix
    size: Float


def clusters(accounts: Sequence[Int], account_count: int) -> Clusters:
    """From the accounts of each cluster."""
    size = np.array([len(own) for own in accounts], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(size)])
    column = np.concatenate(accounts) if accounts else np.zeros(0, dtype=np.int64)
    ones = np.ones(len(column), dtype=np.float32)
    holds = sparse.csr_matrix((ones, column, start), shape=(len(accounts), account_count))
    return Clusters(holds=holds, size=size.astype(np.float64))


def overlap(found: Clusters, accounts: Int) -> tuple[Float, Float]:
    """(accounts in common, Jaccard overlap) of a set of accounts with every cluster: float64[clusters] each."""
    mask = np.zeros(found.holds.shape[1], dtype=np.float32)
    mask[accounts] = 1
    common = np.asarray(found.holds @ mask, dtype=np.float64)
    return common, common / np.maximum(found.size + len(accounts) - common, 1)


def opinion_of_others(found: Clusters, odds: Float, accounts: Int) -> float:
    """Mean log2 odds of the clusters near a set of accounts, weighted by overlap; NaN where there is none."""
    _, jaccard = overlap(found, accounts)
    weight = np.where((jaccard >= NEAR) & (jaccard < SAME), jaccard, 0.0)
    total = weight.sum()
    return float((weight * np.clip(odds, -MOST_ODDS, MOST_ODDS)).sum() / total) if total else float("nan")


def best_of_others(found: Clusters, confidence: Float, accounts: Int) -> Float:
    """float64[accounts]: most confidence of another cluster about the same campaign that holds the account."""
    common, jaccard = overlap(found, accounts)
    about = np.flatnonzero((common >= PART * found.size) & (jaccard < SAME) & (confidence > 0) & (common > 0))
    best = np.zeros(found.holds.shape[1])
    for i in about.tolist():
        held = found.holds.indices[found.holds.indptr[i] : found.holds.indptr[i + 1]]
        best[held] = np.maximum(best[held], confidence[i])
    return best[accounts]


class Opinions:
    """All judged groups of a scan, to ask what they say of any cluster of theirs, or left of one."""

    def __init__(self, judged: Sequence[Judged], weights: Weights) -> None:
        self._weights = weights
        groups = [item for item in judged if not item.solo]
        count = len(groups[0].suspect.scene.roster) if groups else 0
        self._clusters = clusters([item.suspect.accounts for item in groups], count)
        self._claims = {kind: np.array([item.claims[kind] for item in groups]) for kind in ("extraction", "resale")}
        # by object: what was said of these is asked for again when they are heard
        self._said = {id(item): (item, *self._ask(item)) for item in groups}
        self._confidence = {
            kind: np.array([self._said[id(item)][2][kind] * (item.leans == kind) for item in groups])
            for kind in self._claims
        }

    def heard(self, item: Judged) -> Judged:
        """The same with what others say of its accounts, and the confidence that follows."""
        if item.solo:
            return item
        known = self._said.get(id(item))
        others, confidence = known[1:] if known else self._ask(item)
        return replace(item, others=others, confidence=confidence)

    def support(self, item: Judged, kind: str) -> Float:
        """float64[accounts]: most confidence of another cluster about the same that holds each account."""
        if item.solo or kind not in self._confidence:
            return np.full(len(item.suspect.accounts), np.nan)
        return best_of_others(self._clusters, self._confidence[kind], item.suspect.accounts)

    def _ask(self, item: Judged) -> tuple[dict[str, float], dict[str, float]]:
        accounts = item.suspect.accounts
        others = {kind: opinion_of_others(self._clusters, odds, accounts) for kind, odds in self._claims.items()}
        confidence = {
            kind: self._weights.confidence[kind](item.claims[kind], others[kind], len(accounts)) for kind in others
        }
        return others, confidence
