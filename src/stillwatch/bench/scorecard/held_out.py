"""Tactic families and prompt sources held out in turn: fitted without, measured on worlds made of nothing else.

Tactics: weights are fitted again from cached measurements of the fitting worlds, without the suspects in which a
campaign of the family is the commonest, and once with all of them for comparison. Prompt sources: nothing is fitted
again, because the cache does not say which source a campaign drew from; the shipped weights are measured on each
source alone, and the scorecard says which of them fitting never saw. What stays as it was either way: the classifiers
of single prompts and the capability model, which are trained on prompts and know no campaigns.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.bench.scorecard.assemble import honest_accused
from stillwatch.bench.scorecard.card import HeldOutFigures
from stillwatch.bench.scorecard.grading import WorldGrade
from stillwatch.bench.scorecard.statistics import spread
from stillwatch.bench.scorecard.tasks import PACKAGE, Task, write
from stillwatch.compose import SUITES, Suite
from stillwatch.compose.campaigns.registry import BUILTIN
from stillwatch.compose.text.corpus import LISTS
from stillwatch.errors import ConfigError

SCRIPTS = PACKAGE.parents[1] / "scripts"
FITTED = "fitted"
WITHOUT = "without"
# tactics that harvest alike: holding out one of them while fitting on its sibling would hold out nothing
FAMILIES: dict[str, tuple[str, ...]] = {
    "reasoning": ("reasoning_sweep", "precision_reasoning", "trace_coercion"),
    "grading_rewriting": ("rubric_reward", "policy_rewrite"),
    "coding": ("coding_sweep", "data_analyst"),
    "agentic": ("bulk_agentic", "agentic_trajectories", "tool_harvest"),
    "multimodal": ("broad_multimodal", "computer_control"),
    "instructions": ("instruction_mix", "signup_wave"),
    "slow_thin": ("slow_thin",),
    "hacked_accounts": ("hacked_accounts",),
    "single_loud": ("single_loud",),
}


class Cache:
    """The fitting cache and the script that made it. Raises ConfigError where they do not fit together."""

    def __init__(self, folder: Path, scripts: Path = SCRIPTS) -> None:
        if not (scripts / "fit.py").exists():
            raise ConfigError(
                "the fitting scripts are not here", where="--held-out", hint="run from a checkout of the repository"
            )
        if str(scripts) not in sys.path:
            sys.path.append(str(scripts))  # fit.py imports its neighbours by name
        self.fit: Any = import_module("fit")
        name = f"suspects-{self.fit.MEASURED}.msgpack"
        self.worlds = sorted(path.parent for path in folder.glob(f"*/{name}"))
        if not self.worlds:
            hint = "make fit measures its worlds first; give its --cache"
            raise ConfigError(f"no world measured by this code in {folder}", where="--fit-cache", hint=hint)
        code = b"".join((scripts / part).read_bytes() for part in ("fit.py", "grow.py"))
        listed = [(path.name, (path / name).stat().st_size) for path in self.worlds]
        self.digest = hashlib.sha256(code + repr((self.fit.MEASURED, listed)).encode()).hexdigest()[:12]
        self._name = name

    def rows(self) -> tuple[list[Any], list[Any], dict[tuple[str, str], str]]:
        """(suspects, members, (world, campaign) -> tactic) of all worlds."""
        rows: list[Any] = []
        members: list[Any] = []
        tactics: dict[tuple[str, str], str] = {}
        kind = tuple[list[self.fit.Row], list[self.fit.MemberRow]]
        for world in self.worlds:
            found, own = msgspec.msgpack.decode((world / self._name).read_bytes(), type=kind)
            rows += found
            members += own
            planned = json.loads((world / "truth" / "truth_campaigns.json").read_text(encoding="utf-8"))
            tactics |= {(world.name, plan["name"]): plan["tactic"] for plan in planned}
        return rows, members, tactics


def kept_rows(rows: Sequence[Any], members: Sequence[Any], drop: Callable[[Any], bool]) -> tuple[list[Any], list[Any]]:
    """Suspects that are not dropped, and members of those, which say where among its world's suspects theirs is."""
    moved: dict[tuple[str, int], int] = {}
    seen: dict[str, int] = {}
    left: dict[str, int] = {}
    kept = []
    for row in rows:
        place = seen.get(row.world, 0)
        seen[row.world] = place + 1
        if not drop(row):
            moved[row.world, place] = left.get(row.world, 0)
            left[row.world] = left.get(row.world, 0) + 1
            kept.append(row)
    own = [
        msgspec.structs.replace(member, suspect=moved[member.world, member.suspect])
        for member in members
        if (member.world, member.suspect) in moved
    ]
    return kept, own


def refitted(family: str, folder: Path, store: Path) -> tuple[str, str]:
    """(file, digest) of weights fitted without a family, or with everything for ``fitted``; minutes where not kept."""
    cache = Cache(folder)
    path = store / f"weights-{family}-{cache.digest}.json"
    if not path.exists():
        rows, members, tactics = cache.rows()
        held = frozenset(FAMILIES.get(family, ()))
        rows, members = kept_rows(rows, members, lambda row: tactics.get((row.world, row.campaign)) in held)
        fitted = cache.fit.fit(rows, members, {"script": "scripts/fit.py", "without": family})
        write(path, msgspec.json.encode(fitted))
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def family_tasks(
    families: Iterable[str], weights: dict[str, tuple[str, str]], seeds: Sequence[int], exchanges: int | None
) -> Iterator[Task]:
    """Worlds of one family's tactics alone, under weights without it and under weights with everything."""
    for family in families:
        suite = msgspec.structs.replace(SUITES["small"], tactics=FAMILIES[family], campaigns=(3, 5))
        for seed in seeds:
            for which, file in ((WITHOUT, weights[family]), (FITTED, weights[FITTED])):
                yield Task(
                    kind="tactic",
                    name=family,
                    suite=suite,
                    seed=seed,
                    exchanges=exchanges,
                    hidden=(which,),
                    weights=file,
                )


def sources(corpus: Path) -> list[str]:
    """Prompt sources that the corpus has, of those that campaigns draw lists from."""
    return sorted({name for rows in LISTS.values() for name, _ in rows if (corpus / f"{name}.parquet").exists()})


def source_suite(source: str) -> Suite:
    """A small world whose campaigns draw their lists from one source, after what that source holds.

    What such a campaign is after beside that comes from the composer's grammar.
    """
    fits = {capability for capability, rows in LISTS.items() if any(name == source for name, _ in rows)}
    led = {t.name: [max(mix, key=lambda c: mix[c]) in fits for mix in t.mixes] for t in BUILTIN if not t.single}
    tactics = tuple(name for name, first in led.items() if all(first))
    if not tactics:  # no tactic is after nothing else
        tactics = tuple(name for name, first in led.items() if any(first))
    return msgspec.structs.replace(
        SUITES["small"], only_sources=(source,), held_out_sources=(), tactics=tactics, campaigns=(3, 5)
    )


def source_tasks(corpus: Path, seeds: Sequence[int], exchanges: int | None) -> list[Task]:
    """Worlds of one prompt source alone."""
    return [
        Task(kind="source", name=source, suite=source_suite(source), seed=seed, exchanges=exchanges)
        for source in sources(corpus)
        for seed in seeds
    ]


def held_out_figures(
    tactic: Sequence[tuple[Task, WorldGrade]], source: Sequence[tuple[Task, WorldGrade]]
) -> tuple[HeldOutFigures, ...]:
    """Families first, then sources."""
    unseen: Collection[str] = SUITES["full"].held_out_sources
    made = []
    for family in (name for name in FAMILIES if any(task.name == name for task, _ in tactic)):
        own = [(task, world) for task, world in tactic if task.name == family]
        without = [world for task, world in own if WITHOUT in task.hidden]
        fitted = [world for task, world in own if FITTED in task.hidden]
        made.append(_figures(family, "tactic family", FAMILIES[family], without, fitted))
    for name in sorted({task.name for task, _ in source}):
        own_worlds = [world for task, world in source if task.name == name]
        new = name in unseen
        made.append(_figures(name, "prompt source", (name,), own_worlds if new else [], [] if new else own_worlds))
    return tuple(made)


def _figures(
    name: str, what: str, members: tuple[str, ...], without: Sequence[WorldGrade], fitted: Sequence[WorldGrade]
) -> HeldOutFigures:
    return HeldOutFigures(
        name=name,
        what=what,
        members=members,
        unseen=bool(without),
        without_recall=spread(world.grade.recall for world in without),
        without_precision=spread(world.grade.precision for world in without),
        fitted_recall=spread(world.grade.recall for world in fitted),
        fitted_precision=spread(world.grade.precision for world in fitted),
        honest_accused=honest_accused(without or fitted),
    )
