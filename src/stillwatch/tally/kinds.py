"""Kinds of traffic: a partition of this input's own prompts by what they are like, learned from the input.

Spherical k-means over the gist vectors plus length and layout. Kinds need no dictionary and no training, so a question
list in an unknown language is a kind too. They do not know which kinds are illicit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.tally.facts import Facts

Int = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
KIND_COUNT = 192
SAMPLE = 24_000
ROUNDS = 12
LAYOUT_WEIGHT = 0.35  # layout beside wording, in units of the gist's own length


def layout(facts: Facts) -> F32:
    """float32[n, 5]: log length, lines, code, digits, lower-case start, each roughly in -1..1; 0 where unknown."""
    chars = np.log2(np.maximum(facts.number("prompt_chars"), 1)) / 8 - 1
    lines = np.log2(np.maximum(facts.number("prompt_lines"), 1)) / 4 - 0.5
    rest = [facts.number("has_code") - 0.5, 4 * facts.number("digit_share"), facts.number("starts_lower") - 0.5]
    return np.nan_to_num(np.stack([chars, lines, *rest], axis=1), nan=0.0).astype(np.float32)


def kinds(facts: Facts) -> Int:
    """Kind of each row, -1 where there is no prompt. Cost: n x 192 x 37 multiplications."""
    rows = np.flatnonzero(facts.has_prompt)
    result = np.full(len(facts), -1, dtype=np.int64)
    if len(rows) < KIND_COUNT:
        return result
    points = np.concatenate([facts.gist[rows], LAYOUT_WEIGHT * layout(facts)[rows]], axis=1)
    centres = _learn(points, facts.key("text_key")[rows])
    result[rows] = _nearest(points, centres)
    return result


def _learn(points: F32, text: npt.NDArray[np.uint64]) -> F32:
    # the sample is chosen by the text's own hash, so it does not depend on the order of the input
    _, distinct = np.unique(text, return_index=True)
    mixed = text[distinct] * np.uint64(0x9E3779B97F4A7C15)
    sample = points[distinct[np.argsort(mixed, kind="stable")[:SAMPLE]]]
    centres = sample[:: max(1, len(sample) // KIND_COUNT)][:KIND_COUNT].copy()
    for _ in range(ROUNDS):
        label = _nearest(sample, centres)
        total = np.zeros_like(centres)
        np.add.at(total, label, sample)
        count = np.bincount(label, minlength=len(centres))[:, None]
        centres = np.where(count > 0, total / np.maximum(count, 1), centres).astype(np.float32)
    return centres


def _nearest(points: F32, centres: F32) -> Int:
    half = 0.5 * (centres**2).sum(axis=1)
    found = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), 65_536):
        block = points[start : start + 65_536]
        found[start : start + len(block)] = (block @ centres.T - half).argmax(axis=1)
    return found
