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
from stillwatch.operators.views import View
from stillwatch.tally.distinct import diversity, run_lengths, run_starts
from stillwatch.tally.facts import Facts
from stillwatch.tally.roster import Roster

Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.float32]
CONTENT_VIEWS = ("template", "kind", "system_shape", "tools", "shape")
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
ENRICHED_SHARE = 0.03  # of the members' prompts, for shared content to stand for the cluster's purpose


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything known about the input, shared by all suspects. ``kind``: kind of traffic per row, -1 unknown."""

    facts: Facts
    roster: Roster
    views: tuple[View, ...]
    kind: Int
    row_start: Int  # first row of each account, and the end

    def rows_of(self, accounts: Int) -> Int:
        """Rows of these accounts (positions), in canonical order."""
        ordered = np.sort(accounts)
        return spans(self.row_start[ordered], self.row_start[ordered + 1])

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
    def content_index(self) -> dict[str, tuple[Int, Int]]:
        """Per content view: where each row's values start, and the values (columns of the view's matrix)."""
        found = {}
        for name in CONTENT_VIEWS:
            view = self.view(name)
            if view is not None and len(view.row):
                order = np.argsort(view.row, kind="stable")
                start = np.searchsorted(view.row[order], np.arange(len(self.facts) + 1))
                found[name] = (start, view.column[order])
        return found

    @cached_property
    def value_count(self) -> dict[str, int]:
        """Values of each view."""
        return {view.name: int(view.matrix.shape[1]) for view in self.views}

    @cached_property
    def conversation_count(self) -> int:
        return int(self.facts.dense("conversation_key").max(initial=0))

    def values_of(self, name: str, rows: Int) -> tuple[Int, Int]:
        """(position in ``rows``, value) of every value of a content view that these rows carry."""
        start, column = self.content_index[name]
        first, last = start[rows], start[rows + 1]
        return np.repeat(np.arange(len(rows)), last - first), column[spans(first, last)]

    def view(self, name: str) -> View | None:
        return next((view for view in self.views if view.name == name), None)


@nb.njit(cache=True, nogil=True)
def _mark_carriers(start: Int, column: Int, rows: Int, strong: Bool, marked: Bool) -> None:
    """Mark (in place) which of ``rows`` carry a strong value of a content view; see ``Scene.content_index``."""
    for i in range(len(rows)):
        for e in range(start[rows[i]], start[rows[i] + 1]):
            if strong[column[e]]:
                marked[i] = True
                break


def spans(first: Int, last: Int) -> Int:
    """The numbers of all ranges first..last, one after the other."""
    length = last - first
    offset = np.repeat(first - np.concatenate([[0], np.cumsum(length)[:-1]]), length)
    return offset + np.arange(int(length.sum()))


def build_scene(facts: Facts, roster: Roster, views: tuple[View, ...], kind: Int) -> Scene:
    """Put what is known of an input together."""
    start = np.searchsorted(facts.account, np.arange(len(roster) + 1))
    return Scene(facts=facts, roster=roster, views=views, kind=kind, row_start=start)


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
        marked = np.zeros(len(rows), dtype=bool)
        for name, (start, column) in self.scene.content_index.items():
            enriched = self.affinity.enriched.get(name, ())
            if len(enriched):
                strong = np.zeros(self.scene.value_count[name], dtype=bool)
                strong[enriched] = True
                _mark_carriers(start, column, rows, strong, marked)
        with_prompt = int(np.count_nonzero(self.scene.facts.has_prompt[rows]))
        if np.count_nonzero(marked) < max(3, ENRICHED_SHARE * with_prompt):
            return rows, False
        # conversations that open with shared content are followed to their end
        conversation = self.scene.facts.dense("conversation_key")[rows]
        opened = np.zeros(self.scene.conversation_count + 1, dtype=bool)
        opened[conversation[marked]] = True
        opened[0] = False  # unknown
        return rows[marked | opened[conversation]], True

    @cached_property
    def item_counts(self) -> tuple[Int, Int]:
        """(nodes asking, times asked) per distinct opening text among the harvest rows that were answered."""
        facts, rows = self.scene.facts, self.harvest_rows
        rows = rows[facts.item[rows]]
        node = self.scene.roster.node
        asked = np.sort(facts.dense("text_key")[rows] * len(node) + node[facts.account[rows]])
        first = run_starts(asked)
        return run_lengths(asked[first] // len(node)), run_lengths(asked // len(node))

    @cached_property
    def own_bits(self) -> dict[str, Bits]:
        """Per family the members' own bits, NaN unknown: float32[members], in the order of ``nodes``."""
        return {family: bits[self.nodes] for family, bits in self.affinity.by_family.items()}

    def column(self, name: str, rows: Int | None = None) -> npt.NDArray[np.float64]:
        """Known values of a numeric column over rows (default: harvest rows)."""
        values = self.scene.facts.number(name)[self.harvest_rows if rows is None else rows]
        return values[~np.isnan(values)]

    def examples(self, rows: Int, most: int = 8) -> tuple[int, ...]:
        """A few of these rows, spread evenly, for a person to look up."""
        step = max(1, len(rows) // most)
        return tuple(rows[::step][:most].tolist())

    def exchange_ids(self, rows: Sequence[int]) -> tuple[str, ...]:
        """The ids of rows."""
        ids = self.scene.facts.table.column("exchange_id").take(pa.array(list(rows), pa.int64()))
        return tuple(str(v) for v in ids.to_pylist())
