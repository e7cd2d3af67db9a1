"""PRADA: do the distances between an account's queries stop looking like a normal distribution?

Each query's distance to the nearest query kept so far is noted; queries farther than a growing threshold are kept.
People's distances are near normal, synthetic queries' are not, says the paper, and Shapiro-Wilk's W falls below δ.
It needs over a hundred queries of one account, so accounts that share the work stay under it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import ClassVar, Self

import msgspec
import numpy as np
from scipy import stats

from stillwatch.bench.peers.log import Float, Labelled, Log
from stillwatch.bench.peers.words import folded

LONGEST = 1_000  # newest queries of an account that are looked at; bounds the distances held at once to 8 MB
DIMENSIONS = 256


class Prada(msgspec.Struct, frozen=True, kw_only=True):
    """1 - the lowest W an account's stream ever had; 0 for accounts too small to test. Cost: queries² of an account."""

    name: ClassVar[str] = "PRADA"
    source: ClassVar[str] = "Juuti, Szyller, Marchal and Asokan 2019 (EuroS&P)"
    published: ClassVar[float | None] = 0.10  # δ = 0.90, as its authors' code ships it
    replaces: ClassVar[str] = "image distances by distances of hashed word vectors; one class, texts have no label"

    smallest: int = 100  # distances before the first test
    every: int = 10  # queries between tests
    outliers_sd: float = 3.0  # distances farther from the mean are dropped before a test
    last_only: bool = False  # the W at the end instead of the lowest on the way

    def candidates(self) -> Sequence[Self]:
        """Tests on shorter streams, sterner trimming, the whole stream at once."""
        return [
            msgspec.structs.replace(self, last_only=last, outliers_sd=outliers, smallest=smallest)
            for last in (False, True)
            for outliers in (self.outliers_sd, 6.0)
            for smallest in (self.smallest, 40, 15)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - it has no history
        return self

    def score(self, log: Log) -> Float:
        distances = log.kept("prada distances", lambda: stream_distances(log))
        return np.array([1.0 - self.lowest_w(seen) for seen in distances])

    def lowest_w(self, seen: Float) -> float:
        """W of one stream of distances, 1 where it was never tested."""
        ends = range(self.smallest + 1, len(seen) + 1, self.every)
        tested = [len(seen)] if self.last_only and len(seen) > self.smallest else ends
        found = [1.0]
        for end in tested:
            part = seen[:end]
            part = part[np.abs(part - part.mean()) <= self.outliers_sd * part.std()]
            if len(part) >= 3 and np.ptp(part) > 0:  # W is not defined for equal distances
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # scipy: W is less exact past 5,000 values
                    found.append(float(stats.shapiro(part).statistic))
        return min(found)


def stream_distances(log: Log) -> list[Float]:
    """Per account float64[queries - 1]: each query's distance to the nearest one kept before it."""
    vectors = folded(log, DIMENSIONS)
    return [nearest_kept(vectors[rows[-LONGEST:]]) for rows in log.rows]


def nearest_kept(stream: Float) -> Float:
    """float64[n - 1] of a stream of vectors [n, d].

    A query is kept if it is farther than the threshold; the threshold is the mean less the deviation of the distances
    of kept queries (0 for the first) and never falls.
    """
    squared = np.maximum(2.0 - 2.0 * (stream @ stream.T), 0.0) if len(stream) else np.zeros((0, 0))
    kept, kept_distances, threshold = [0], [0.0], 0.0
    found = np.zeros(max(0, len(stream) - 1))
    for i in range(1, len(stream)):
        nearest = float(np.sqrt(squared[i, kept].min()))
        found[i - 1] = nearest
        if nearest > threshold:
            kept.append(i)
            kept_distances.append(nearest)
            threshold = max(threshold, float(np.mean(kept_distances) - np.std(kept_distances)))
    return found
