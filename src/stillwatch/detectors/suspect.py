"""What a detector is shown: one cluster of accounts, its exchanges, and the scene around it.

``harvest_rows`` are the exchanges that carry what the members share and others do not (a template, a kind of prompt, a
tool set); where nothing of the sort is known they are all rows. In a blended pool this is what keeps organic traffic
from washing the evidence out. They are a working set, not an accusation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.operators.affinity import Affinity
from stillwatch.operators.views import PLACED, View
from stillwatch.tally import rows as over_rows
from stillwatch.tally.distinct import diversity, run_lengths, run_starts
from stillwatch.tally.facts import Facts
from stillwatch.tally.roster import Roster
from stillwatch.tally.rows import spans

Int = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.float32]
# column of the contract -> what a fingerprint keeps of it
SOURCES = {
    "client_address": "address_key",
    "client_network": "network",
    "ja4": "stack_key",
    "header_signature": "stack_key",
    "user_agent": "agent_key",
    "key_id": "credential_key",
    "end_user_id": "end_user_key",
    "conversation_id": "conversation_key",
    "message_count": "message_count",
    "system_prompt": "system_key",
    "prompt": "text_key",
    "tool_names": "tools_key",
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "status_code": "status_code",
}
# of a suspect, in the order of its rows or of all nodes: what ``Suspect.forget`` drops
WORKED_OUT = ("rows", "_harvest", "item_counts", "own_bits", "total_bits", "harvest_counts")
ENRICHED_SHARE = 0.03  # of the members' prompts, for shared content to stand for the cluster's purpose


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything known about the input, shared by all suspects. ``kind``: kind of traffic per row, -1 unknown."""

    facts: Facts
    roster: Roster
    views: tuple[View, ...]
    kind: Int
    row_start: Int  # first row of each account, and the end
    alone: npt.NDArray[np.float64] | None = None  # log2 odds of each account to harvest, by what it does by itself

    def rows_of(self, accounts: Int) -> Int:
        """Rows of these accounts (positions), in canonical order."""
        ordered = np.sort(accounts)
        return spans(self.row_start[ordered], self.row_start[ordered + 1])

    @cached_property
    def alone_at_large(self) -> float:
        """Median of ``alone``; ValueError where it is not known."""
        if self.alone is None:
            raise ValueError("what accounts do alone was not weighed")
        return float(np.median(self.alone))

    @cached_property
    def kind_key(self) -> npt.NDArray[np.uint64]:
        """Kind of traffic, 0 where unknown."""
        return (self.kind + 1).astype(np.uint64)

    @cached_property
    def kind_diversity(self) -> Int:
        """``Facts.diversity`` of the kinds of traffic."""
        return diversity(self.facts.account, self.kind_key, self.facts.account_count)

    @cached_property
    def closed_us(self) -> Int:
        """When each account was closed, 0 where it was not or nobody knows."""
        return np.asarray(pc.fill_null(self.roster.side.column("closed_at").cast(pa.int64()), 0))

    @cached_property
    def missing_columns(self) -> frozenset[str]:
        """Columns of the contract that no row has, by what is left of them."""
        left = {column for column, name in SOURCES.items() if not self.facts.has(name)}
        side = self.roster.side
        return frozenset(left | {f for f in side.column_names if side.column(f).null_count == len(self.roster)})

    @cached_property
    def content_index(self) -> dict[str, tuple[Int, Int32]]:
        """Per content view: where each row's values start, and the values (columns of the view's matrix)."""
        found = {}
        for name in PLACED:
            view = self.view(name)
            if view is not None and len(view.row):
                held = np.bincount(view.row, minlength=len(self.facts))
                found[name] = (np.concatenate([[0], np.cumsum(held)]), view.column)
        return found

    @cached_property
    def value_count(self) -> dict[str, int]:
        """Values of each view."""
        return {view.name: int(view.matrix.shape[1]) for view in self.views}

    @cached_property
    def opened(self) -> Bool:
        """A mark for each conversation, all blank: lent to whoever gives it back blank."""
        return np.zeros(self.facts.dense_count("conversation_key") + 1, dtype=bool)

    def values_of(self, name: str, rows: Int) -> tuple[Int, Int]:
        """(position in ``rows``, value) of every value of a content view that these rows carry."""
        start, column = self.content_index[name]
        first, last = start[rows], start[rows + 1]
        return np.repeat(np.arange(len(rows)), last - first), column[spans(first, last)].astype(np.int64)

    def view(self, name: str) -> View | None:
        return next((view for view in self.views if view.name == name), None)


@nb.njit(cache=True, nogil=True)
def _mark_carriers(start: Int, column: Int32, rows: Int, strong: Bool, marked: Bool) -> None:
    """Mark (in place) which of ``rows`` carry a strong value of a content view; see ``Scene.content_index``."""
    for i in range(len(rows)):
        for e in range(start[rows[i]], start[rows[i] + 1]):
            if strong[column[e]]:
                marked[i] = True
                break


@nb.njit(cache=True, nogil=True)
def _followed(rows: Int, marked: Bool, conversation: Int, opened: Bool) -> Int:
    """The rows that are marked or of a conversation with a marked row. ``opened`` is blank, and left so."""
    for i in range(len(rows)):
        opened[conversation[rows[i]]] |= marked[i]
    opened[0] = False  # unknown
    found = np.empty(len(rows), dtype=np.int64)
    n = 0
    for i in range(len(rows)):
        found[n] = rows[i]
        n += marked[i] or opened[conversation[rows[i]]]
    for row in rows:
        opened[conversation[row]] = False
    return found[:n]


def build_scene(
    facts: Facts, roster: Roster, views: tuple[View, ...], kind: Int, alone: npt.NDArray[np.float64] | None = None
) -> Scene:
    """Put what is known of an input together."""
    start = np.searchsorted(facts.account, np.arange(len(roster) + 1))
    return Scene(facts=facts, roster=roster, views=views, kind=kind, row_start=start, alone=alone)


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A cluster under examination. ``members``: bool[nodes]; ``held_out_p``: family -> p of the permutation null."""

    scene: Scene
    members: Bool
    affinity: Affinity
    found_in: str
    held_out_p: dict[str, float]

    @cached_property
    def accounts(self) -> Int:
        """Roster positions of the members' accounts."""
        return np.flatnonzero(self.members[self.scene.roster.node])

    @cached_property
    def vouched_share(self) -> float:
        """Share of the accounts that belong to a checked organisation or programme."""
        return float(self.scene.roster.vouched[self.accounts].mean())

    @cached_property
    def nodes(self) -> Int:
        return np.flatnonzero(self.members)

    @cached_property
    def rows(self) -> Int:
        return self.scene.rows_of(self.accounts)

    @property
    def harvest_rows(self) -> Int:
        """See the module's docstring."""
        return self._harvest[0]

    @property
    def has_purpose(self) -> bool:
        """Whether shared content was found at all, so that ``harvest_rows`` means something."""
        return self._harvest[1]

    @cached_property
    def _harvest(self) -> tuple[Int, bool]:
        rows = self.rows
        enriched = {name: self.affinity.enriched.get(name, ()) for name in self.scene.content_index}
        if not any(len(values) for values in enriched.values()):
            return rows, False
        marked = np.zeros(len(rows), dtype=bool)
        for name, (start, column) in self.scene.content_index.items():
            if len(enriched[name]):
                strong = np.zeros(self.scene.value_count[name], dtype=bool)
                strong[enriched[name]] = True
                _mark_carriers(start, column, rows, strong, marked)
        with_prompt = over_rows.count(rows, self.scene.facts.has_prompt)
        if np.count_nonzero(marked) < max(3, ENRICHED_SHARE * with_prompt):
            return rows, False
        # conversations that open with shared content are followed to their end
        return _followed(rows, marked, self.scene.facts.dense("conversation_key"), self.scene.opened), True

    @cached_property
    def item_counts(self) -> tuple[Int, Int]:
        """(nodes asking, times asked) per distinct opening text among the harvest rows that were answered."""
        facts, node = self.scene.facts, self.scene.roster.node
        rows = over_rows.among(self.harvest_rows, facts.item)
        asked = np.sort(facts.dense("text_key")[rows] * len(node) + node[facts.account[rows]])
        first = run_starts(asked)
        return run_lengths(asked[first] // len(node)), run_lengths(asked // len(node))

    @cached_property
    def own_bits(self) -> dict[str, Bits]:
        """Per family the members' own bits, NaN unknown: float32[members], in the order of ``nodes``."""
        return {family: bits[self.nodes] for family, bits in self.affinity.by_family.items()}

    @cached_property
    def total_bits(self) -> Bits:
        """``Affinity.total``: float32[nodes], of everybody."""
        return self.affinity.total()

    @cached_property
    def harvest_counts(self) -> Int:
        """Harvest rows of each of ``accounts``."""
        start, accounts = self.scene.row_start, self.accounts
        return np.diff(np.searchsorted(self.harvest_rows, np.stack([start[accounts], start[accounts + 1]])), axis=0)[0]

    def column(self, name: str, rows: Int | None = None) -> npt.NDArray[np.float64]:
        """Known values of a numeric column over rows (default: harvest rows)."""
        return over_rows.known(self.scene.facts.number(name), self.harvest_rows if rows is None else rows)

    def forget(self) -> None:
        """Let go of what was worked out and can be again: of thousands of suspects only a few are looked at twice."""
        for name in WORKED_OUT:
            self.__dict__.pop(name, None)

    def examples(self, rows: Int, most: int = 8) -> tuple[int, ...]:
        """A few of these rows, spread evenly, for a person to look up."""
        step = max(1, len(rows) // most)
        return tuple(rows[::step][:most].tolist())

    def exchange_ids(self, rows: Sequence[int]) -> tuple[str, ...]:
        """The ids of rows."""
        ids = self.scene.facts.table.column("exchange_id").take(pa.array(list(rows), pa.int64()))
        return tuple(str(v) for v in ids.to_pylist())
