"""What detection loses when evidence is not there: groups of columns hidden, each alone and in pairs.

Columns are hidden in the fingerprints, which is the same as a log that never had them (a test holds it against that);
``lexical`` hides no column but switches its detectors off. Weights stay as they were fitted: what is measured is how
the shipped system does without the evidence, not how well one could do without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import msgspec
import pyarrow as pa

from stillwatch.bench.scorecard.assemble import honest_accused
from stillwatch.bench.scorecard.card import AblationFigures
from stillwatch.bench.scorecard.grading import WorldGrade, grade_world
from stillwatch.bench.scorecard.permuted import BLOCKS
from stillwatch.bench.scorecard.statistics import lost, spread
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.worlds import Prepared, prepared
from stillwatch.compose import Suite
from stillwatch.config import Detection
from stillwatch.report import Report

_OUTCOME = ("input_tokens", "output_tokens", "reasoning_tokens", "latency_ms", "status_code", "finish")


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """``columns`` of the fingerprints, ``side`` columns of the accounts, ``families`` of detectors."""

    columns: tuple[str, ...] = ()
    side: tuple[str, ...] = ()
    families: tuple[str, ...] = ()


GROUPS: dict[str, Group] = {
    "lexical": Group(families=("lexical",)),
    "sign-up time": Group(side=("created_at",)),
    "sign-up": Group(side=("created_at", "email_domain", "email_token", "email_shape", "signup_address")),
    "network": Group(columns=(*BLOCKS["network"], *BLOCKS["client"])),
    "payment": Group(side=("payment_token", "billing_country")),
    "content": Group(columns=tuple(name for name in BLOCKS["content"] if name not in _OUTCOME)),
    "session": Group(columns=("credential_key", "end_user_key", "conversation_key")),
    "params": Group(columns=BLOCKS["params"]),
}


def hidden_sets(*, pairs: bool) -> Iterator[tuple[str, ...]]:
    """Nothing, each group alone, and each pair in which neither holds the other."""
    yield ()
    yield from ((name,) for name in GROUPS)
    if pairs:
        yield from (pair for pair in combinations(GROUPS, 2) if pair != ("sign-up time", "sign-up"))


def ablation_tasks(suite: Suite, seed: int, exchanges: int | None, *, pairs: bool = True) -> list[Task]:
    """One rescan of the world per set of groups."""
    return [
        Task(
            kind="ablation",
            name="+".join(hidden).replace(" ", "-") or "everything",
            suite=suite,
            seed=seed,
            exchanges=exchanges,
            hidden=hidden,
        )
        for hidden in hidden_sets(pairs=pairs)
    ]


def without(table: pa.Table, columns: Collection[str]) -> pa.Table:
    """The table with these columns empty."""
    for name in columns:
        place = table.schema.get_field_index(name)
        kind = table.schema.field(name).type
        table = table.set_column(place, table.schema.field(name), pa.nulls(table.num_rows, kind))
    return table


def ablated(task: Task, corpus: Path | None, store: Path) -> WorldGrade:
    """Scan the task's world without its hidden groups."""
    world, groups = prepared(task, corpus, store), [GROUPS[name] for name in task.hidden]
    columns = {name for group in groups for name in group.columns}
    side = {name for group in groups for name in group.side}
    off = tuple(name for group in groups for name in group.families)
    seen = Prepared(
        folder=world.folder,
        prints=without(world.prints, columns),
        side=None if world.side is None else without(world.side, side),
    )
    return grade_world(
        task.name, task.seed, Report(*seen.scan(settings=Detection(disabled_families=off))), world.folder
    )


def ablation_figures(found: Sequence[tuple[Task, WorldGrade]]) -> tuple[AblationFigures, ...]:
    """Every set of groups, against the same worlds with everything."""
    by_hidden: dict[tuple[str, ...], dict[int, WorldGrade]] = defaultdict(dict)
    for task, world in found:
        by_hidden[task.hidden][task.seed] = world
    whole = by_hidden.get((), {})
    order = {hidden: i for i, hidden in enumerate(hidden_sets(pairs=True))}
    return tuple(
        _figures(hidden, by_hidden[hidden], whole) for hidden in sorted(by_hidden, key=lambda hidden: order[hidden])
    )


def _figures(hidden: tuple[str, ...], worlds: dict[int, WorldGrade], whole: dict[int, WorldGrade]) -> AblationFigures:
    grades = list(worlds.values())
    return AblationFigures(
        without=hidden,
        recall=spread(w.grade.recall for w in grades),
        precision=spread(w.grade.precision for w in grades),
        honest_accused=honest_accused(grades),
        recall_lost=spread(
            lost(whole[seed].grade.recall, world.grade.recall) for seed, world in worlds.items() if seed in whole
        ),
    )
