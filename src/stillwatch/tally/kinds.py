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
BLOCK = 65_536  # rows at a time
LAYOUT_WEIGHT = 0.35  # layout beside wording, in units of the gist's own length


def layout(facts: Facts, rows: Int) -> F32:
    """float32[rows, 5]: log length, lines, code, digits, lower-case start, about -1..1 each; 0 where unknown."""
    chars = facts.log2("prompt_chars")[rows] / 8 - 1
    lines = np.log2(np.maximum(facts.number("prompt_lines")[rows], 1)) / 4 - 0.5
    rest = [facts.number(name)[rows] for name in ("has_code", "digit_share", "starts_lower")]
    rest = [rest[0] - 0.5, 4 * rest[1], rest[2] - 0.5]
    return np.nan_to_num(np.stack([chars, lines, *rest], axis=1), nan=0.0).astype(np.float32)


def kinds(facts: Facts) -> Int:
    """Kind of each row, -1 where there is no prompt. Cost: n x 192 x 37 multiplications."""
    rows = np.flatnonzero(facts.has_prompt)
    result = np.full(len(facts), -1, dtype=np.int64)
    if len(rows) < KIND_COUNT:
        return result
    centres = _learn(_points(facts, rows[_sample(facts.key("text_key")[rows])]))
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        result[block] = _nearest(_points(facts, block), centres)
    return result


def _points(facts: Facts, rows: Int) -> F32:
    return np.concatenate([facts.gist[rows], LAYOUT_WEIGHT * layout(facts, rows)], axis=1)


def _sample(text: npt.NDArray[np.uint64]) -> Int:
    """Where some texts stand first: chosen by the text's own hash, so that the order of the input does not matter."""
    distinct = np.unique(text, return_index=True)[1]
    mixed = text[distinct] * np.uint64(0x9E3779B97F4A7C15)
    return distinct[np.argsort(mixed, kind="stable")[:SAMPLE]]


def _learn(sample: F32) -> F32:
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
    return (points @ centres.T - half).argmax(axis=1)
