"""What a detector is shown: one cluster of accounts, its exchanges, and the scene around it.

``harvest_rows`` are the exchanges that carry what the members share and others do not (a template, a kind of prompt, a
tool set); where nothing of the sort is known they are all rows. In a blended pool this is what keeps organic traffic from
washing the evidence out. They are a working set, not an accusation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from stillwatch.operators.affinity import Affinity
from stillwatch.operators.views import View
from stillwatch.tally.facts import Facts
from stillwatch.tally.roster import Roster

Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
CONTENT_VIEWS = ("template", "kind", "system_shape", "tools", "shape")
# column of the contract -> what a fingerprint keeps of it
SOURCES = {
    "client_address": "address_key",
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
        spans = [np.arange(self.row_start[a], self.row_start[a + 1]) for a in np.sort(accounts).tolist()]
        return np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)

    @cached_property
    def missing_columns(self) -> frozenset[str]:
        """Columns of the contract that no row has, by what is left of them."""
        left = {column for column, name in SOURCES.items() if not self.facts.has(name)}
        side = self.roster.side
        return frozenset(left | {f for f in side.column_names if side.column(f).null_count == len(self.roster)})

    def view(self, name: str) -> View | None:
        return next((view for view in self.views if view.name == name), None)


def build_scene(facts: Facts, roster: Roster, views: tuple[View, ...], kind: Int) -> Scene:
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
    def nodes(self) -> Int:
        return np.flatnonzero(self.members)

    @cached_property
    def rows(self) -> Int:
        return self.scene.rows_of(self.accounts)

    @cached_property
    def harvest_rows(self) -> Int:
        """See the module's docstring."""
        facts = self.scene.facts
        marked = np.zeros(len(facts), dtype=bool)
        for name in CONTENT_VIEWS:
            view = self.scene.view(name)
            if view is not None and len(view.row):
                strong = np.zeros(view.matrix.shape[1], dtype=bool)
                strong[self.affinity.enriched.get(name, [])] = True
                marked[view.row[strong[view.column]]] = True
        found = self.rows[marked[self.rows]]
        with_prompt = int(facts.has_prompt[self.rows].sum())
        if len(found) < max(3, ENRICHED_SHARE * with_prompt):
            return self.rows
        # conversations that open with shared content are followed to their end
        return self._whole_conversations(found)

    def _whole_conversations(self, found: Int) -> Int:
        key = self.scene.facts.key("conversation_key")
        opened = np.unique(key[found])
        opened = opened[opened > 0]
        followed = np.isin(key[self.rows], opened) & (key[self.rows] > 0)
        return np.union1d(found, self.rows[followed])

    @property
    def has_purpose(self) -> bool:
        """Whether shared content was found at all, so that ``harvest_rows`` is more than everything."""
        return len(self.harvest_rows) < len(self.rows)

    def column(self, name: str, rows: Int | None = None) -> npt.NDArray[np.float64]:
        """Known values of a numeric column over rows (default: harvest rows)."""
        values = self.scene.facts.number(name)[self.harvest_rows if rows is None else rows]
        return values[~np.isnan(values)]

    def examples(self, rows: Iterable[int], most: int = 8) -> tuple[str, ...]:
        """Exchange ids a person can look up."""
        picked = list(rows)
        step = max(1, len(picked) // most)
        ids = self.scene.facts.table.column("exchange_id")
        return tuple(str(ids[int(i)].as_py()) for i in picked[::step][:most])
