"""MinHash components: accounts that send near-duplicates of the same prompts.

Prompts are sets of word shingles, near-duplicates are found by locality-sensitive hashing (datasketch), accounts that
share enough of them are components. Paraphrase and lists without overlap leave it nothing; a viral prompt, a class
and the customers of one product leave it much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from datasketch import MinHash, MinHashLSH

from stillwatch.bench.peers.groups import codes, incidence, levels, shared
from stillwatch.bench.peers.log import Float, Int, Labelled, Log
from stillwatch.bench.peers.words import plain

PERMUTATIONS = 128
SEED = 1
LONGEST_WORDS = 200  # of a prompt that are shingled; near-duplicates betray themselves early


class MinHashes(msgspec.Struct, frozen=True, kw_only=True):
    """How many near-duplicate prompts tie an account to its component; 0 for none. Cost: 0.4 ms a distinct prompt."""

    name: ClassVar[str] = "MinHash components"
    source: ClassVar[str] = "Broder 1997; datasketch 2.0 (PyPI)"
    published: ClassVar[float | None] = 1.0  # one shared near-duplicate
    replaces: ClassVar[str] = "nothing"

    similarity: float = 0.9  # estimated Jaccard of near-duplicates: datasketch's default
    words: int = 3  # in a shingle
    smallest: int = 2  # accounts in a component

    def candidates(self) -> Sequence[Self]:
        """Looser near-duplicates, shorter shingles, larger components."""
        return [
            msgspec.structs.replace(self, words=words, similarity=similarity, smallest=smallest)
            for words in (self.words, 2)
            for similarity in (self.similarity, 0.7, 0.5)
            for smallest in (self.smallest, 8)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - it has no history
        return self

    def score(self, log: Log) -> Float:
        key = ("near-duplicates", self.words, self.similarity)
        left, right, count = log.kept(key, lambda: self._pairs(log))
        return levels(left, right, count, len(log.names), self.smallest)

    def _pairs(self, log: Log) -> tuple[Int, Int, Float]:
        prompts = [plain(text) for text in log.texts("prompt")]
        exact = codes(prompts)
        distinct = list(dict.fromkeys(text for text in prompts if text))
        signatures = log.kept(("signatures", self.words), lambda: signed(distinct, self.words))
        group = near_duplicates(signatures, self.similarity)
        value = np.where(exact >= 0, group[exact], -1) if len(group) else exact
        return shared(incidence(log.owner, value, len(log.names)))


def shingles(text: str, words: int) -> list[bytes]:
    """Runs of ``words`` words; the whole text where it is shorter."""
    split = text.split(" ")[:LONGEST_WORDS]
    return [" ".join(split[i : i + words]).encode() for i in range(max(1, len(split) - words + 1))]


def signed(texts: Sequence[str], words: int) -> list[MinHash]:
    """A signature for each text."""
    sets = (shingles(text, words) for text in texts)
    return list(MinHash.generator(sets, num_perm=PERMUTATIONS, seed=SEED))


def near_duplicates(signatures: Sequence[MinHash], similarity: float) -> Int:
    """int64[texts]: the group of near-duplicates each text is in, chained from one to the next."""
    table: Any = MinHashLSH(threshold=similarity, num_perm=PERMUTATIONS)
    leader = list(range(len(signatures)))

    def root(node: int) -> int:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for i, signature in enumerate(signatures):
        for j in sorted(table.query(signature)):
            leader[max(root(i), root(j))] = min(root(i), root(j))
        table.insert(i, signature)
    return np.array([root(i) for i in range(len(signatures))], np.int64)
