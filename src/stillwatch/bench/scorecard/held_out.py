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
from collections.abc import Collection, Iterable, Iterator, Sequence
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
    """The fitting cache and the scripts that made it. Raises ConfigError where they do not fit together."""

    def __init__(self, folder: Path, scripts: Path = SCRIPTS) -> None:
        if not (scripts / "fit.py").exists():
            raise ConfigError(
                "the fitting scripts are not here", where="--held-out", hint="run from a checkout of the repository"
            )
        if str(scripts) not in sys.path:
            sys.path.append(str(scripts))  # they import each other by name
        self.fit: Any = import_module("fit")
        self.measured: Any = import_module("worlds")
        self.files = sorted(folder.glob(f"*/measured-{self.measured.MEASURED}.npz"))
        if not self.files:
            hint = "make fit measures its worlds first; give its --cache"
            raise ConfigError(f"no world measured by this code in {folder}", where="--fit-cache", hint=hint)
        code = b"".join((scripts / part).read_bytes() for part in ("fit.py", "grow.py", "worlds.py"))
        listed = [(file.parent.name, file.stat().st_size) for file in self.files]
        self.digest = hashlib.sha256(code + repr((self.measured.MEASURED, listed)).encode()).hexdigest()[:12]

    def worlds(self, held: Collection[str]) -> list[Any]:
        """Measured worlds, less every campaign of the tactics that are ``held`` out."""
        found = []
        for file in self.files:
            planned = json.loads((file.parent / "truth" / "truth_campaigns.json").read_text(encoding="utf-8"))
            dropped = {plan["name"] for plan in planned if plan["tactic"] in held}
            world = self.measured.read(file)
            found.append(self.measured.without(world, dropped.__contains__) if dropped else world)
        return found


def refitted(family: str, folder: Path, store: Path) -> tuple[str, str]:
    """(file, digest) of weights fitted without a family, or with everything for ``fitted``; long where not kept."""
    cache = Cache(folder)
    path = store / f"weights-{family}-{cache.digest}.json"
    if not path.exists():
        worlds = cache.worlds(FAMILIES.get(family, ()))
        write(path, msgspec.json.encode(cache.fit.fit(worlds, {"script": "scripts/fit.py", "without": family})))
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
