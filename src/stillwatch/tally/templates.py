"""Wrapper mining without words: sentences that many different prompts share are a template.

A prompt that carries a wrapper repeats the wrapper's sentences around a slot that varies. So a sentence is worth
keeping when many *distinct* texts hold it, and sentences that occur together are one template. It does not know what a
sentence says, in which language, or whether its author is honest: public templates come out as readily as private ones,
and rarity, counted later in organisations, tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.tally.distinct import distinct
from stillwatch.tally.facts import Facts

Int = npt.NDArray[np.int64]
MIN_TEXTS = 4  # fewer distinct texts than this around a sentence are not yet a pattern
JOIN_SHARE = 0.6  # sentences that occur together in this share of the commoner one's rows are one template


@dataclass(frozen=True)
class Templates:
    """Occurrences of templates: ``row[i]`` of the facts holds template ``template[i]``; each pair once."""

    row: Int
    template: Int
    count: int


def mine_templates(facts: Facts) -> Templates:
    """Templates among the sentences of all turns. O(sentences log sentences), after a counting pass drops the rare."""
    rows, keys = _sentences(facts)
    if not len(keys):
        return Templates(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
    common = _maybe_common(keys, max(10, len(keys).bit_length() + 3))
    rows, keys = rows[common], keys[common]
    text = facts.key("text_key")[rows]
    sentence = np.unique(keys, return_inverse=True)[1]
    texts_of = _distinct_texts(sentence, text)
    kept = texts_of[sentence] >= MIN_TEXTS
    rows, sentence = rows[kept], sentence[kept]
    dense = np.unique(sentence, return_inverse=True)[1].astype(np.int64)
    group = _merge_cooccurring(rows, dense)
    width = int(group.max(initial=0)) + 1
    pairs = distinct(rows * width + group[dense])
    return Templates(pairs // width, pairs % width, width)


def _sentences(facts: Facts) -> tuple[Int, npt.NDArray[np.uint64]]:
    column = facts.table.column("sentence_keys").combine_chunks()
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0)).astype(np.int64)
    flat = column.flatten()
    keys = np.asarray(flat) if flat.null_count == 0 else np.asarray(pc.fill_null(flat, pa.scalar(0, pa.uint64())))
    return np.repeat(np.arange(len(facts)), lengths), keys.astype(np.uint64)


@nb.njit(cache=True, nogil=True)
def _maybe_common(keys: npt.NDArray[np.uint64], digits: int) -> npt.NDArray[np.bool_]:
    """False for keys that surely occur fewer than ``MIN_TEXTS`` times: a count by their first binary digits says so."""
    times = np.zeros(1 << digits, dtype=np.uint8)
    for key in keys:
        bucket = key >> np.uint64(64 - digits)
        if times[bucket] < MIN_TEXTS:
            times[bucket] += np.uint8(1)
    found = np.empty(len(keys), dtype=np.bool_)
    for i in range(len(keys)):
        found[i] = times[keys[i] >> np.uint64(64 - digits)] >= MIN_TEXTS
    return found


def _distinct_texts(sentence: Int, text: npt.NDArray[np.uint64]) -> Int:
    """Distinct texts per sentence; pairs are compared by a 64-bit mix, good to about 10^9 pairs."""
    mixed = (text ^ (sentence.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9)
    _, first = np.unique(mixed, return_index=True)
    return np.bincount(sentence[first], minlength=int(sentence.max(initial=0)) + 1)


def _merge_cooccurring(rows: Int, sentence: Int) -> Int:
    """Group of each sentence: neighbours in a prompt that nearly always come together are joined."""
    count = np.bincount(sentence)
    parent = np.arange(len(count))
    near = np.flatnonzero(rows[1:] == rows[:-1])
    low, high = np.minimum(sentence[near], sentence[near + 1]), np.maximum(sentence[near], sentence[near + 1])
    packed, together = np.unique(low * len(count) + high, return_counts=True)
    low, high = packed // len(count), packed % len(count)
    joined = (low != high) & (together >= JOIN_SHARE * np.maximum(count[low], count[high]))
    for a, b in zip(low[joined].tolist(), high[joined].tolist(), strict=True):
        parent[_root(parent, a)] = _root(parent, b)
    roots = np.array([_root(parent, i) for i in range(len(count))], dtype=np.int64)
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def _root(parent: Int, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return i
