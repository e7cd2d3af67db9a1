"""The permutation control: a world in which no two kinds of attribute agree on who belongs together.

Columns are taken apart into families (``BLOCKS`` of exchanges, ``SIDES`` of accounts). Each family is dealt out anew,
independently of the others:

- exchanges: the accounts are put into a random order and their rows' values of the family written one after the other;
  then the accounts are put into a second random order and the values dealt to their rows. So every account keeps its
  number of exchanges, the times of them, and the model asked for; every value keeps its number of rows; rows of one
  account stay together up to a cut where borders differ. Both orders are the family's own, or else the large blocks of
  two families would fall on the same neighbours and agree;
- accounts: rows of the side table are permuted, the family's columns together.

Within one family all structure survives: those who shared addresses still do, though they are other accounts now. What
is destroyed is that two families agree, which is what one operator is recognised by. Nothing here is a campaign, so
every campaign named on it is a false one. What it does not control for: evidence within one family alone, content in
particular, which a cluster of one family still carries whole; that it must not suffice is part of what is tested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.bench.scorecard.card import PermutationFigures
from stillwatch.bench.scorecard.statistics import upper_bound
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.worlds import Prepared, prepared
from stillwatch.compose import Suite
from stillwatch.model import ScanResult
from stillwatch.tally.roster import codes

PER_TASK = 5  # permutations of one world that share its fingerprints
BLOCKS: dict[str, tuple[str, ...]] = {
    "network": ("address_key", "prefix_key", "asn", "country", "network"),
    "client": ("stack_key", "agent_key"),
    "session": ("credential_key", "end_user_key", "conversation_key", "message_count"),
    "params": ("max_tokens", "temperature", "top_p", "stream", "effort", "params_key"),
    "content": (
        "system_key",
        "system_shape_key",
        "tools_key",
        "tool_count",
        "image_count",
        "prompt_chars",
        "prompt_words",
        "prompt_lines",
        "text_key",
        "shape_key",
        "sentence_keys",
        "near_keys",
        "gist",
        "starts_lower",
        "ends_question",
        "has_code",
        "digit_share",
        "script",
        "capability",
        "capability_share",
        "elicitation_bits",
        "grading_bits",
        "rewriting_bits",
        "response_chars",
        "response_lines",
        "response_key",
        "response_has_code",
        "reasoning_chars",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "latency_ms",
        "status_code",
        "finish",
    ),
}
# who somebody is to the provider: stays, since it says who shares an organisation openly
FRAME = ("exchange_id", "account_key", "at", "platform", "account_id", "model", "org_key", "operation")
SIDES: dict[str, tuple[str, ...]] = {
    "payment": ("payment_token", "billing_country"),
    "signup": ("created_at", "email_domain", "email_token", "email_shape", "phone_country", "signup_address"),
    "closing": ("closed_at",),
}
SIDE_FRAME = ("account_id", "platform", "declared_org", "plan", "verification")


class Permuted(msgspec.Struct, frozen=True, kw_only=True):
    """What was named on one permutation; ``number`` -1 is the world as it was."""

    number: int
    verdicts: tuple[str, ...]
    alone: int
    accused: int


def permute(prints: pa.Table, side: pa.Table | None, rng: np.random.Generator) -> tuple[pa.Table, pa.Table | None]:
    """A permuted world; see the module's docstring. O(rows) per family."""
    ordered = prints.unify_dictionaries().combine_chunks()
    platform, account = (codes(ordered.column(name)) for name in ("platform", "account_id"))
    order = np.lexsort((np.asarray(ordered.column("at").cast(pa.int64())), account, platform))
    ordered, platform, account = ordered.take(pa.array(order)), platform[order], account[order]
    changed = (np.diff(platform) != 0) | (np.diff(account) != 0)
    start = np.concatenate([[0], np.flatnonzero(changed) + 1, [len(order)]])
    for family in BLOCKS.values():
        source = np.empty(len(order), dtype=np.int64)
        source[_blocks(start, rng)] = _blocks(start, rng)
        ordered = _dealt(ordered, family, source)
    if side is None:
        return ordered, None
    sides: pa.Table = side
    for family in SIDES.values():
        sides = _dealt(sides, family, rng.permutation(sides.num_rows))
    return ordered, sides


def _blocks(start: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Rows account by account, in a random order of accounts."""
    order = rng.permutation(len(start) - 1)
    return np.concatenate([np.arange(int(start[i]), int(start[i + 1])) for i in order.tolist()])


def _dealt(table: pa.Table, columns: Sequence[str], source: npt.NDArray[np.int64]) -> pa.Table:
    """Row i gets these columns of row ``source[i]``."""
    taken = table.select(list(columns)).take(pa.array(source))
    for name in columns:
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), taken.column(name))
    return table


def permutation_tasks(suite: Suite, seed: int, count: int, exchanges: int | None) -> list[Task]:
    """``count`` permutations of one world, and the world as it was."""
    return [
        Task(
            kind="permutation",
            name=suite.name,
            suite=suite,
            seed=seed,
            exchanges=exchanges,
            first=first,
            count=min(PER_TASK, count - first),
        )
        for first in range(0, count, PER_TASK)
    ]


def permuted(task: Task, corpus: Path | None, store: Path) -> tuple[Permuted, ...]:
    """Scan the task's permutations; the first task scans the world itself as well."""
    world = prepared(task, corpus, store)
    found = [_named(-1, world.scan()[0])] if task.first == 0 else []
    for number in range(task.first, task.first + task.count):
        prints, side = permute(world.prints, world.side, np.random.default_rng([task.seed, number]))
        found.append(_named(number, Prepared(folder=world.folder, prints=prints, side=side).scan()[0]))
    return tuple(found)


def _named(number: int, result: ScanResult) -> Permuted:
    return Permuted(
        number=number,
        verdicts=tuple(c.verdict for c in result.campaigns),
        alone=sum(len(c.roster) == 1 for c in result.campaigns),
        accused=sum(m.accused for c in result.campaigns if c.verdict == "extraction" for m in c.roster),
    )


def permutation_figures(answers: Sequence[tuple[Permuted, ...]]) -> PermutationFigures | None:
    """Over all permutations of all worlds."""
    every = [one for answer in answers for one in answer]
    shuffled = [one for one in every if one.number >= 0]
    if not shuffled:
        return None
    hit = sum(bool(one.verdicts) for one in shuffled)
    at_most = upper_bound(hit, len(shuffled))
    return PermutationFigures(
        permutations=len(shuffled),
        with_campaign=hit,
        campaigns=sum(len(one.verdicts) for one in shuffled),
        by_verdict=dict(sorted(Counter(v for one in shuffled for v in one.verdicts).items())),
        alone=sum(one.alone for one in shuffled),
        accused=sum(one.accused for one in shuffled),
        unpermuted=sum(len(one.verdicts) for one in every if one.number < 0),
        with_campaign_at_most=None if at_most is None else round(at_most, 4),
    )
