"""Attribute views: who shares which value of what, one bipartite graph (node x value) per view.

Views of one kind form a *family*, because they fail together (an address and its prefix; a template and its system
prompt). Support of a value is counted in nodes (contracted organisations), never in accounts. A view whose columns are
missing is absent, which is not the same as a view in which nobody shares anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from stillwatch.operators.links import Links, join
from stillwatch.tally.facts import Facts
from stillwatch.tally.roster import Roster, codes
from stillwatch.tally.templates import Templates

Int = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
NOWHERE = np.zeros(0, dtype=np.int32)
PLACED = ("template", "kind", "system_shape", "tools", "shape")  # what exchanges carry: shared content
MIN_ROWS_OF_KIND = 3  # a kind of traffic counts for an account from so many of its prompts on
SIGNUP_SLOT_S = 6 * 3600


@dataclass(frozen=True, kw_only=True)
class View:
    """``matrix``: CSR float32[nodes, values] of exchange counts (1 for account attributes).

    ``support``: nodes per value. ``informed``: bool[nodes], the node has any value here, shared or not.
    """

    name: str
    family: str
    matrix: sparse.csr_matrix
    support: Int
    informed: npt.NDArray[np.bool_]
    # where each value was seen, for views in ``PLACED``: row of the facts, ascending, and column of ``matrix``
    row: Int32
    column: Int32

    @property
    def node_count(self) -> int:
        return int(self.matrix.shape[0])


class Views(tuple[View, ...]):  # noqa: SLOT001 - it keeps what it joined
    """Views that are read together, thousands of times."""

    @cached_property
    def links(self) -> Links:
        """All of them as one."""
        names, families = [view.name for view in self], [view.family for view in self]
        return join(names, families, [view.matrix for view in self], [view.informed for view in self])


def joined(views: Sequence[View]) -> Links:
    """Views as one list of links. Free where they are ``Views`` that were joined before, else O(links)."""
    return (views if isinstance(views, Views) else Views(views)).links


def build_views(facts: Facts, roster: Roster, templates: Templates, kind: Int) -> Views:
    """Every view this input supports. O(rows log rows) each."""
    found = []
    for name, family, row, value, needed in _incidences(facts, templates, kind):
        view = _view(name, family, row, facts.account[row], value, roster, needed)
        if view is not None:
            found.append(view)
    nowhere = np.zeros(0, dtype=np.int64)
    for name, family, account, value in _account_incidences(roster):
        view = _view(name, family, nowhere, account, value, roster, 1)
        if view is not None:
            found.append(view)
    return Views(found)


Incidence = tuple[str, str, Int, npt.NDArray[np.uint64], int]


def _incidences(facts: Facts, templates: Templates, kind: Int) -> Iterator[Incidence]:
    """(view, family, row, value, rows needed) of every view of exchanges; a value of 0 is unknown."""
    rows = np.arange(len(facts))
    for name, family, column in (
        ("address", "network", "address_key"),
        ("prefix", "network", "prefix_key"),
        ("credential", "session", "credential_key"),
        ("end_user", "session", "end_user_key"),
        ("conversation", "session", "conversation_key"),
        ("system_prompt", "content", "system_key"),
        ("system_shape", "content", "system_shape_key"),
        ("tools", "content", "tools_key"),
        ("shape", "content", "shape_key"),
        ("params", "params", "params_key"),
    ):
        if facts.has(column):
            yield name, family, rows, facts.key(column), 1
    stack = _mix(facts.key("stack_key"), facts.key("agent_key"))
    if stack.any():
        yield "client", "client", rows, stack, 1
    budget = facts.number("max_tokens")
    if (~np.isnan(budget)).any():
        yield "max_tokens", "params", rows, np.nan_to_num(budget, nan=0).astype(np.uint64), 1
    if templates.count:
        yield "template", "content", templates.row, templates.template.astype(np.uint64) + np.uint64(1), 2
    if (kind >= 0).any():
        yield "kind", "content", rows, (kind + 1).astype(np.uint64), MIN_ROWS_OF_KIND


def _account_incidences(roster: Roster) -> Iterator[tuple[str, str, Int, npt.NDArray[np.uint64]]]:
    """(view, family, account, value) of every view of the side table."""
    everyone, side = np.arange(len(roster)), roster.side
    for name, family, column in (
        ("payment", "payment", "payment_token"),
        ("email", "signup", "email_token"),
        ("email_domain", "signup", "email_domain"),
        ("signup_address", "signup", "signup_address"),
    ):
        yield name, family, everyone, (codes(side.column(column)) + 1).astype(np.uint64)
    created = np.asarray(pc.fill_null(side.column("created_at").cast(pa.int64()), 0))
    slot = np.where(created > 0, created // (SIGNUP_SLOT_S * 1_000_000), 0).astype(np.uint64)
    if slot.any():
        shape = (codes(side.column("email_shape")) + 1).astype(np.uint64)
        yield "signup_slot", "signup", everyone, slot
        yield "slot_shape", "signup", everyone, np.where((slot > 0) & (shape > 0), _mix(slot, shape), 0)


def _mix(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One key of two; 0 only where both are unknown."""
    mixed = (a * np.uint64(0x9E3779B97F4A7C15)) ^ (b * np.uint64(0xC2B2AE3D27D4EB4F) + np.uint64(0x165667B19E3779F9))
    return np.where((a == 0) & (b == 0), np.uint64(0), mixed | np.uint64(1))


def _view(
    name: str, family: str, row: Int, account: Int, value: npt.NDArray[np.uint64], roster: Roster, needed: int
) -> View | None:
    known = value > 0
    if not known.any():
        return None
    node = roster.node[account[known]]
    code = np.unique(value[known], return_inverse=True)[1].astype(np.int64)
    width = int(code.max()) + 1
    pair, count = np.unique(node * width + code, return_counts=True)
    pair, count = pair[count >= needed], count[count >= needed]
    support = np.bincount(pair % width, minlength=width)
    informed = np.zeros(len(roster.node_size), dtype=bool)
    informed[node] = True
    shared = support[pair % width] >= 2
    pair, count = pair[shared], count[shared]
    values, dense = np.unique(pair % width, return_inverse=True)
    matrix = sparse.csr_matrix(
        (count.astype(np.float32), (pair // width, dense)), shape=(len(roster.node_size), len(values))
    )
    if not len(values):
        return None
    column = np.full(width, -1, dtype=np.int64)
    column[values] = np.arange(len(values))
    placed = column[code] >= 0 if name in PLACED else np.zeros(len(code), dtype=bool)
    return View(
        name=name,
        family=family,
        matrix=matrix,
        support=support[values],
        informed=informed,
        row=row[known][placed].astype(np.int32) if len(row) else NOWHERE,
        column=column[code[placed]].astype(np.int32) if len(row) else NOWHERE,
    )
