"""What each account does by itself: how alike its exchanges are, how many, and how they are spread over the day.

Every column is one pass over all rows, so that an account with three exchanges is as cheap as one with ten thousand.
It reads no words: what prompts ask for is left to the classifiers. It knows nothing of who shares what with whom.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.tally.distinct import distinct
from stillwatch.tally.facts import Facts

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
LEAST_MEAN, LEAST_SPREAD, LEAST_HOURS = 3, 5, 12  # exchanges below which a figure is unknown
# larger is more like a harvest; the others only say how to read these
CONDUCT: dict[str, bool] = {
    "lone_items": True,
    "distinct_items": True,
    "output_length": True,
    "even_output": True,
    "even_input": True,
    "even_prompt": True,
    "output_over_input": True,
    "no_careless_starts": True,
    "one_kind": True,
    "flat_hours": True,
    "per_active_day": True,
    "single_turn": False,  # agents' trajectories are harvested over many turns
    "exchanges": False,
    "active_days": False,
    "asked_elsewhere": False,
    "with_system_prompt": False,
}


def conduct(facts: Facts, kind: Int, node: Int) -> Float:
    """float64[accounts, len(CONDUCT)], NaN unknown.

    ``kind``: kind of traffic per row, -1 unknown; ``node``: party of each account. O(n log n) in the rows.
    """
    asks = facts.item
    counted = _Counted(facts.account, facts.account_count)
    everywhere = np.ones(len(facts), dtype=bool)
    output, given = _log(facts.number("output_tokens")), _log(facts.number("input_tokens"))
    asked = counted.of(asks)
    text = facts.dense("text_key")
    days, per_day = _days(facts)
    found = {
        "lone_items": np.log2(1 + counted.of(asks & ~facts.followed_up)),
        "distinct_items": np.where(asked >= LEAST_SPREAD, _different(facts, text, asks) / np.maximum(asked, 1), np.nan),
        "output_length": counted.mean(output, everywhere),
        "even_output": -counted.spread(output, everywhere),
        "even_input": -counted.spread(given, everywhere),
        "even_prompt": -counted.spread(_log(facts.number("prompt_chars")), everywhere),
        "output_over_input": counted.mean(output - given, everywhere),
        "no_careless_starts": -counted.mean(facts.number("starts_lower"), everywhere),
        "one_kind": _top_share(facts, kind),
        "flat_hours": _flatness(facts),
        "per_active_day": per_day,
        "single_turn": _single(facts, counted, everywhere),
        "exchanges": np.log2(1 + facts.per_account.astype(np.float64)),
        "active_days": days,
        "asked_elsewhere": counted.mean((_askers(facts, text, node) > 1).astype(np.float64), asks),
        "with_system_prompt": counted.mean((facts.key("system_key") > 0).astype(np.float64), everywhere),
    }
    return np.stack([found[name] for name in CONDUCT], axis=1)


class _Counted:
    """Sums over each account's rows."""

    def __init__(self, account: Int, count: int) -> None:
        self._account, self._count = account, count

    def of(self, rows: Bool) -> Float:
        return np.bincount(self._account[rows], minlength=self._count).astype(np.float64)

    def mean(self, values: Float, rows: Bool) -> Float:
        known = rows & ~np.isnan(values)
        total = np.bincount(self._account[known], weights=values[known], minlength=self._count)
        number = self.of(known)
        return np.where(number >= LEAST_MEAN, total / np.maximum(number, 1), np.nan)

    def spread(self, values: Float, rows: Bool) -> Float:
        known = rows & ~np.isnan(values)
        number = np.maximum(self.of(known), 1)
        total = np.bincount(self._account[known], weights=values[known], minlength=self._count)
        off = values[known] - (total / number)[self._account[known]]
        squares = np.bincount(self._account[known], weights=off * off, minlength=self._count)
        enough = self.of(known) >= LEAST_SPREAD
        return np.where(enough, np.sqrt(squares / np.maximum(number - 1, 1)), np.nan)


def _log(values: Float) -> Float:
    return np.log2(np.maximum(values, 1.0))


def _different(facts: Facts, value: Int, rows: Bool) -> Float:
    width = int(value.max(initial=0)) + 1
    pairs = distinct(facts.account[rows] * width + value[rows])
    return np.bincount(pairs // width, minlength=facts.account_count).astype(np.float64)


def _askers(facts: Facts, text: Int, node: Int) -> Int:
    """Parties that open with each row's text."""
    parties, rows = int(node.max(initial=0)) + 1, facts.item
    pairs = distinct(text[rows] * parties + node[facts.account[rows]])
    return np.bincount(pairs // parties, minlength=int(text.max(initial=0)) + 1)[text]


def _single(facts: Facts, counted: _Counted, rows: Bool) -> Float:
    if not (facts.has("message_count") or facts.has("conversation_key")):
        return np.full(facts.account_count, np.nan)
    return 1.0 - counted.mean(facts.followed_up.astype(np.float64), rows)


def _days(facts: Facts) -> tuple[Float, Float]:
    """(days with an exchange, log2 of exchanges per such day), each per account."""
    day = facts.hour // 24
    day = day - int(day.min(initial=0))
    width = int(day.max(initial=0)) + 1
    days = np.bincount(distinct(facts.account * width + day) // width, minlength=facts.account_count)
    return days.astype(np.float64), np.log2(1 + facts.per_account / np.maximum(days, 1))


def _grid(facts: Facts, value: Int, width: int) -> Float:
    known = value >= 0
    cells = np.bincount(facts.account[known] * width + value[known], minlength=facts.account_count * width)
    return cells.reshape(facts.account_count, width).astype(np.float64)


def _top_share(facts: Facts, kind: Int) -> Float:
    """Share of each account's commonest kind of traffic, without a table of accounts by kinds."""
    known = kind >= 0
    width = int(kind.max(initial=0)) + 1
    pair = np.sort(facts.account[known] * width + kind[known])
    value, count = np.unique(pair, return_counts=True)
    top = np.zeros(facts.account_count)
    np.maximum.at(top, value // width, count)
    number = np.bincount(facts.account[known], minlength=facts.account_count)
    return np.where(number >= LEAST_SPREAD, top / np.maximum(number, 1), np.nan)


def _flatness(facts: Facts) -> Float:
    """Entropy of the hour of day, 1 = as flat as so many exchanges can be."""
    grid = _grid(facts, facts.hour % 24, 24)
    number = grid.sum(axis=1)
    share = grid / np.maximum(number, 1)[:, None]
    entropy = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)
    most = np.minimum(np.log2(np.maximum(number, 2)), np.log2(24))
    return np.where(number >= LEAST_HOURS, entropy / most, np.nan)
