"""Prompts as numbers for the peers that compare texts: hashed words, and a small dense space learned from a history.

Published text detectors embed with a pretrained sentence encoder. None is shipped here; hashed words take its place,
which favours no peer: all that compare texts by vector use these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.preprocessing import normalize

from stillwatch.bench.peers.log import Float, Log

COLUMNS = 2**18  # few words of 40,000 prompts collide
SPACE = re.compile(r"\s+")


def plain(text: str) -> str:
    """Lower case, white space collapsed."""
    return SPACE.sub(" ", text).strip().lower()


def counts(log: Log, longest: int, columns: int = COLUMNS) -> sparse.csr_matrix:
    """Word counts [exchanges x columns] of the prompts, word n-grams up to ``longest``, one hash column each."""

    def build() -> sparse.csr_matrix:
        hashing = HashingVectorizer(
            n_features=columns, ngram_range=(1, longest), alternate_sign=False, norm=None, dtype=np.float32
        )
        texts = log.texts("prompt")  # the vectoriser refuses an empty list
        return sparse.csr_matrix(hashing.transform(texts)) if texts else sparse.csr_matrix((0, columns))

    return log.kept(("counts", longest, columns), build)


def folded(log: Log, dimensions: int) -> Float:
    """float64[exchanges, dimensions] of unit length: word counts folded by a signed hash, zero for an empty prompt."""

    def build() -> Float:
        words = HashingVectorizer(n_features=dimensions, alternate_sign=True, norm="l2")
        texts = log.texts("prompt")  # the vectoriser refuses an empty list
        return np.asarray(words.transform(texts).todense(), np.float64) if texts else np.zeros((0, dimensions))

    return log.kept(("folded", dimensions), build)


class Space:
    """A dense space of ``dimensions`` (latent semantic analysis) learned from a history of prompts."""

    def __init__(self, history: sparse.csr_matrix, dimensions: int) -> None:
        self.weights: Any = TfidfTransformer(sublinear_tf=True).fit(history)
        self.axes: Any = TruncatedSVD(dimensions, random_state=0).fit(self.weights.transform(history))

    def place(self, rows: sparse.csr_matrix) -> Float:
        """float64[rows, dimensions] of unit length (as sentence encoders give them)."""
        if not rows.shape[0]:
            return np.zeros((0, self.axes.n_components))
        return np.asarray(normalize(self.axes.transform(self.weights.transform(rows))), np.float64)


def stack(parts: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
    """Rows of all parts under each other."""
    return sparse.csr_matrix(sparse.vstack(parts))
