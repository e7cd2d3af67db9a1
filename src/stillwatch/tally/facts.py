"""Exchanges as columns, ordered by account and time: what every later stage reads.

Facts merge by concatenation: any split of the input gives the same facts, because they are put in one canonical order
(account, time, exchange id). Raw text is long gone; what stands here are keys, counts and a small vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.tables import GIST_DIMENSIONS
from stillwatch.tally.distinct import diversity
from stillwatch.tally.roster import Roster, codes

Array = npt.NDArray[np.generic]
T = TypeVar("T")
HOUR_US = 3_600_000_000
ALIKE = 0.8  # cosine of two gists from which two prompts are worded much alike


@dataclass(frozen=True)
class Facts:
    """``table``: FINGERPRINTS in canonical order; ``account``: int64 per row, a position in the roster."""

    table: pa.Table
    account: npt.NDArray[np.int64]
    account_count: int
    _columns: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.table.num_rows

    def key(self, name: str) -> npt.NDArray[np.uint64]:
        """A key column, 0 where null (no key is ever 0)."""
        return self._once(
            name, "key", lambda: np.asarray(pc.fill_null(self.table.column(name), pa.scalar(0, pa.uint64())))
        )

    def number(self, name: str) -> npt.NDArray[np.float64]:
        """A numeric or boolean column as float, NaN where null."""
        return self._once(
            name,
            "number",
            lambda: np.asarray(pc.fill_null(self.table.column(name).cast(pa.float64()), float("nan"))),
        )

    def has(self, name: str) -> bool:
        """Whether the source had any value of this column."""
        return self._once(name, "has", lambda: self.table.column(name).null_count < len(self))

    def word_codes(self, name: str) -> npt.NDArray[np.int64]:
        """Dense codes of a dictionary column, -1 where null."""
        return self._once(name, "codes", lambda: codes(self.table.column(name)))

    def words(self, name: str) -> list[str]:
        """The values that ``word_codes`` count through."""

        def make() -> list[str]:
            return [str(v) for v in self.table.column(name).combine_chunks().dictionary.to_pylist()]

        return self._once(name, "words", make)

    def dense(self, name: str) -> npt.NDArray[np.int64]:
        """A key column as codes from 1 on without gaps, in the order of the keys; 0 where null."""

        def make() -> npt.NDArray[np.int64]:
            key = self.key(name)
            found = np.zeros(len(key), dtype=np.int64)
            found[key > 0] = np.unique(key[key > 0], return_inverse=True)[1] + 1
            return found

        return self._once(name, "dense", make)

    def dense_count(self, name: str) -> int:
        """How many codes ``dense`` gives, unknown apart."""
        return self._once(name, "dense_count", lambda: int(self.dense(name).max(initial=0)))

    def diversity(self, name: str) -> npt.NDArray[np.int64]:
        """int64[2, accounts]: rows of each account with a known key, and different keys among them."""
        return self._once(name, "diversity", lambda: diversity(self.account, self.key(name), self.account_count))

    def _once(self, name: str, what: str, make: Callable[[], T]) -> T:
        """Columns are asked for by every suspect; they are converted once."""
        if (name, what) not in self._columns:
            self._columns[name, what] = make()
        return self._columns[name, what]

    @cached_property
    def at_us(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.table.column("at").cast(pa.int64()))

    @cached_property
    def hour(self) -> npt.NDArray[np.int64]:
        return self.at_us // HOUR_US

    @cached_property
    def hour_of_day(self) -> npt.NDArray[np.int64]:
        return self.hour % 24

    @cached_property
    def per_account(self) -> npt.NDArray[np.int64]:
        """Exchanges of each account."""
        return np.bincount(self.account, minlength=self.account_count)

    @cached_property
    def model_first_us(self) -> npt.NDArray[np.int64]:
        """First use of each model, by its code."""
        first = np.full(len(self.words("model")), np.iinfo(np.int64).max)
        np.minimum.at(first, self.word_codes("model"), self.at_us)
        return first

    @cached_property
    def daily_model_share(self) -> npt.NDArray[np.float64]:
        """float64[days, models]: everybody's share of each model on each day since the first."""
        day = (self.at_us - int(self.at_us.min())) // (24 * HOUR_US)
        model = self.word_codes("model")
        width = len(self.model_first_us)
        count = np.bincount(day * width + model, minlength=(int(day.max()) + 1) * width).reshape(-1, width)
        return count / np.maximum(count.sum(axis=1, keepdims=True), 1)

    @cached_property
    def script_key(self) -> npt.NDArray[np.uint64]:
        """Writing system of the prompt, 0 where unknown."""
        return (np.nan_to_num(self.number("script"), nan=-1) + 1).astype(np.uint64)

    @cached_property
    def script_diversity(self) -> npt.NDArray[np.int64]:
        """``diversity`` of the writing system."""
        return diversity(self.account, self.script_key, self.account_count)

    @cached_property
    def gist(self) -> npt.NDArray[np.float32]:
        """float32[n, 32], unit length where a prompt was there, zero where not."""
        column = self.table.column("gist").combine_chunks()
        known = np.flatnonzero(np.asarray(column.is_valid()))
        return _unit_length(np.asarray(column.flatten()).reshape(-1, GIST_DIMENSIONS), known, len(self))

    @cached_property
    def like_the_row_before(self) -> npt.NDArray[np.bool_]:
        """Whether a row's prompt is worded much like that of the row before, whoever sent it."""
        return _like_the_row_before(self.gist)

    @cached_property
    def log2_output_over_input(self) -> npt.NDArray[np.float64]:
        """log2 of output tokens per input token, one more of each; NaN where either is unknown."""
        return np.log2((self.number("output_tokens") + 1) / (self.number("input_tokens") + 1))

    def log2(self, name: str) -> npt.NDArray[np.float64]:
        """log2 of a numeric column, never below 0; NaN where null."""
        return self._once(name, "log2", lambda: np.log2(np.maximum(self.number(name), 1)))

    @cached_property
    def has_prompt(self) -> npt.NDArray[np.bool_]:
        return self.key("text_key") > 0

    @cached_property
    def text_refused(self) -> npt.NDArray[np.bool_]:
        """Whether somebody's request with this prompt failed."""
        text = self.dense("text_key")
        refused = np.zeros(int(text.max(initial=0)) + 1, dtype=bool)
        refused[text[self.failed]] = True
        refused[0] = False
        return refused[text]

    @cached_property
    def opening(self) -> npt.NDArray[np.bool_]:
        """First turn of a conversation: by message_count where known, else first row of its conversation key."""
        count = self.number("message_count")
        conversation = self.key("conversation_key")
        first = np.zeros(len(self), dtype=bool)
        first[np.unique(np.stack([self.account.astype(np.uint64), conversation]), axis=1, return_index=True)[1]] = True
        by_key = np.where(conversation > 0, first, True)
        return np.where(np.isnan(count), by_key, count <= 2)

    @cached_property
    def item(self) -> npt.NDArray[np.bool_]:
        """Whether the row opens a conversation with a prompt and was answered."""
        return self.opening_prompt & ~self.failed

    @cached_property
    def opening_prompt(self) -> npt.NDArray[np.bool_]:
        """Whether the row opens a conversation with a prompt."""
        return self.has_prompt & self.opening

    @cached_property
    def followed_up(self) -> npt.NDArray[np.bool_]:
        """Whether the row belongs to a conversation with more than one exchange, or is itself a later turn."""
        conversation = self.key("conversation_key")
        _, inverse, count = np.unique(conversation, return_inverse=True, return_counts=True)
        return ((conversation > 0) & (count[inverse] > 1)) | ~self.opening

    @cached_property
    def refused(self) -> npt.NDArray[np.bool_]:
        """Whether the row's prompt was refused."""
        return self.failed & self.has_prompt

    @cached_property
    def failed(self) -> npt.NDArray[np.bool_]:
        return np.nan_to_num(self.number("status_code"), nan=200.0) >= 400


@nb.njit(cache=True, nogil=True)
def _unit_length(vectors: npt.NDArray[np.int8], rows: npt.NDArray[np.int64], row_count: int) -> npt.NDArray[np.float32]:
    """Vectors of ``rows`` at unit length among ``row_count`` rows; zero stays zero."""
    found = np.zeros((row_count, vectors.shape[1]), dtype=np.float32)
    for i in range(len(rows)):
        squares = 0  # of whole numbers, so that no order of adding matters
        for value in vectors[i]:
            squares += np.int64(value) * np.int64(value)
        if squares:
            norm = np.sqrt(np.float32(squares))
            for j in range(vectors.shape[1]):
                found[rows[i], j] = np.float32(vectors[i, j]) / norm
    return found


@nb.njit(cache=True, nogil=True)
def wording_product(gist: npt.NDArray[np.float32], one: int, other: int) -> np.float32:
    """Cosine of two rows of ``Facts.gist``, added in eight lanes as numpy adds."""
    lane = np.zeros(8, dtype=np.float32)
    for j in range(0, gist.shape[1], 8):
        for k in range(8):
            lane[k] += gist[one, j + k] * gist[other, j + k]
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]))


@nb.njit(cache=True, nogil=True)
def _like_the_row_before(gist: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(gist), dtype=np.bool_)
    for row in range(1, len(gist)):
        found[row] = wording_product(gist, row - 1, row) > ALIKE
    return found


def build_facts(fingerprints: pa.Table, roster: Roster) -> Facts:
    """Put fingerprints into canonical order beside the roster. O(n log n)."""
    unified = fingerprints.unify_dictionaries()
    position = roster.names.append_column("account", pa.array(np.arange(len(roster))))
    pair = pa.table(
        {
            "platform": unified.column("platform").cast(pa.string()),
            "account_id": unified.column("account_id").cast(pa.string()),
        }
    )
    account = _positions(pair, position)
    order = np.lexsort((np.asarray(unified.column("at").cast(pa.int64())), account))
    table = unified.take(pa.array(order))
    account = account[order]
    return Facts(_settle_ties(table, account), account, len(roster))


def _positions(pair: pa.Table, position: pa.Table) -> npt.NDArray[np.int64]:
    """Positions in the roster, through one code per distinct (platform, account_id)."""
    platform, name = codes(pair.column("platform")), codes(pair.column("account_id"))
    packed = platform * (int(name.max(initial=0)) + 1) + name
    distinct, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    del distinct
    few = pair.take(pa.array(first)).append_column("slot", pa.array(np.arange(len(first))))
    joined = few.join(position, keys=["platform", "account_id"], join_type="left outer").sort_by("slot")
    return np.asarray(joined.column("account"))[inverse]


def _settle_ties(table: pa.Table, account: npt.NDArray[np.int64]) -> pa.Table:
    """Rows of one account at one microsecond are ordered by exchange id, so that input order never matters."""
    at = np.asarray(table.column("at").cast(pa.int64()))
    tied = (account[1:] == account[:-1]) & (at[1:] == at[:-1])
    if not tied.any():
        return table
    member = np.zeros(len(account), dtype=bool)
    member[1:] |= tied
    member[:-1] |= tied
    rows = np.flatnonzero(member)
    ids = table.column("exchange_id").take(pa.array(rows)).to_pylist()
    ranked = sorted(range(len(rows)), key=lambda i: (account[rows[i]], at[rows[i]], ids[i]))
    order = np.arange(len(account))
    order[rows] = rows[ranked]
    return table.take(pa.array(order))
