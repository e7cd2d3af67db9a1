"""Different values, counted by sorting: arrays of some thousand numbers, thousands of times.

It does not look values up: keys are turned into dense codes once per input, by ``Facts.dense``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]


def distinct(values: Int) -> Int:
    """The different values, ascending."""
    ordered = np.sort(values)
    return ordered[run_starts(ordered)]


def run_starts(ordered: Int) -> Int:
    """Where each run of equal neighbours starts."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([[0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1])


def run_lengths(ordered: Int) -> Int:
    """How long each run of equal neighbours is."""
    return np.diff(np.append(run_starts(ordered), len(ordered)))


def diversity(account: Int, value: npt.NDArray[np.uint64], account_count: int) -> Int:
    """int64[2, accounts]: rows of each account whose value is known (not 0), and different values among them."""
    known = value > 0
    account, code = account[known], np.unique(value[known], return_inverse=True)[1]
    width = int(code.max(initial=0)) + 1
    pairs = distinct(account * width + code)
    return np.stack(
        [np.bincount(account, minlength=account_count), np.bincount(pairs // width, minlength=account_count)]
    )
