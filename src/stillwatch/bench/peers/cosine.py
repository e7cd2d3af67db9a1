"""Coordination by TF-IDF cosine: accounts whose words are unusually alike, joined into components.

An account is the sum of its prompts. Of all pairs that are alike at all, the top ones are links. Customers of one
product and a class with one exercise are as alike as a campaign; prompts from a wide list make its accounts unlike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from stillwatch.bench.peers.groups import levels
from stillwatch.bench.peers.log import Float, Int, Labelled, Log
from stillwatch.bench.peers.words import counts

FLOOR = 0.9  # quantile of pairs below which none is looked at; no publication cuts lower
ROWS = 1_000  # accounts compared with all others at a time: 8 MB for every 1,000 accounts of the log


class Cosine(msgspec.Struct, frozen=True, kw_only=True):
    """The quantile of all pairs at which an account's component falls apart. Cost: accounts² times shared words."""

    name: ClassVar[str] = "TF-IDF cosine"
    source: ClassVar[str] = "Pacheco, Hui, Torres-Lugo, Truong, Flammini and Menczer 2021 (ICWSM)"
    published: ClassVar[float | None] = 0.995
    replaces: ClassVar[str] = "retweets by words of prompts"

    least: int = 10  # prompts below which an account is left out
    longest: int = 1  # word n-grams
    smallest: int = 2  # accounts in a component

    def candidates(self) -> Sequence[Self]:
        """Pairs of words, accounts with fewer prompts, larger components."""
        return [
            msgspec.structs.replace(self, longest=longest, least=least, smallest=smallest)
            for longest in (self.longest, 2)
            for least in (self.least, 5, 2)
            for smallest in (self.smallest, 8)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - it has no history
        return self

    def score(self, log: Log) -> Float:
        busy = np.flatnonzero([len(rows) >= self.least for rows in log.rows])
        key = ("cosine", self.longest, self.least)
        left, right, quantile = log.kept(key, lambda: alike(self._documents(log)[busy]))
        return levels(busy[left], busy[right], quantile, len(log.names), self.smallest)

    def _documents(self, log: Log) -> sparse.csr_matrix:
        """Word counts [accounts x words], each prompt counted once an account."""
        words = counts(log, self.longest)
        ones = np.ones(len(log.owner), np.float32)
        belongs = sparse.csr_matrix((ones, (log.owner, np.arange(len(log.owner)))), (len(log.names), len(log.owner)))
        return sparse.csr_matrix(belongs @ words)


def alike(documents: sparse.csr_matrix) -> tuple[Int, Int, Float]:
    """Pairs (int64, int64) above ``FLOOR`` with the quantile (0 to 1) of each among all pairs that share a word."""
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    if documents.shape[0] < 2:
        return nothing
    weighted: Any = TfidfTransformer(sublinear_tf=True).fit_transform(documents)
    upright = sparse.csr_matrix(weighted.T)
    parts: list[tuple[Int, Int, Float]] = []
    for start in range(0, documents.shape[0], ROWS):
        block = np.asarray((weighted[start : start + ROWS] @ upright).todense())
        row, column = np.nonzero(np.triu(block, k=start + 1))
        parts.append((row + start, column, np.round(block[row, column].astype(np.float64), 9)))
    left, right, cosine = (np.concatenate(column) for column in zip(*parts, strict=True))
    if not len(cosine):
        return nothing
    ranked = np.sort(cosine)
    quantile = np.searchsorted(ranked, cosine, side="right") / len(ranked)
    kept = quantile >= FLOOR
    return left[kept], right[kept], quantile[kept]
