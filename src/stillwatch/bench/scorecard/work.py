"""Tasks carried out: by kind, one or several at a time, each answer kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.bench.scorecard.ablations import ablated
from stillwatch.bench.scorecard.grading import WorldGrade
from stillwatch.bench.scorecard.permuted import Permuted, permuted
from stillwatch.bench.scorecard.tasks import Kind, Task, ground, kept
from stillwatch.bench.scorecard.worlds import graded
from stillwatch.bench.scorecard.worth import Worth, worths

Told = Callable[[str], None]
# kind -> what its answer is, and what makes it of the task, the corpus and the store
KINDS: dict[Kind, tuple[Any, Callable[[Task, Path | None, Path], Any]]] = {
    "suite": (WorldGrade, graded),
    "sweep": (WorldGrade, graded),
    "source": (WorldGrade, graded),
    "tactic": (WorldGrade, graded),
    "permutation": (tuple[Permuted, ...], permuted),
    "ablation": (WorldGrade, ablated),
    "detectors": (tuple[Worth, ...], worths),
}


def answer(task: Task, corpus: Path | None, store: Path) -> Any:
    """The task's answer, from the store or carried out."""
    kind, make = KINDS[task.kind]
    path = store / f"{task.key(ground(corpus))}.json"
    return msgspec.json.decode(kept(path, lambda: msgspec.json.encode(make(task, corpus, store))), type=kind)


class Workers:
    """Carries out calls one after the other (``jobs`` 1) or in so many processes."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self._pool = pool

    def each(self, call: Callable[..., Any], many: Sequence[tuple[Any, ...]], told: Told) -> Iterator[tuple[int, Any]]:
        """(position, what the call gave) as they are done; ``told`` hears of each that starts or is done."""
        if self._pool is None:
            for i, arguments in enumerate(many):
                told(says(arguments[0]))
                yield i, call(*arguments)
            return
        waiting = {self._pool.submit(call, *arguments): i for i, arguments in enumerate(many)}
        for done in as_completed(waiting):
            told(says(many[waiting[done]][0]))
            yield waiting[done], done.result()


@contextmanager
def workers(jobs: int) -> Generator[Workers]:
    """For the length of a ``with`` block; what still waits when it is left early is not begun."""
    if jobs <= 1:
        yield Workers(None)
        return
    # spawned, not forked: compiled kernels and graph libraries keep threads of their own
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        yield Workers(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def says(what: Task | str) -> str:
    """A few words for whoever watches."""
    if isinstance(what, str):
        return f"fitting {what}"
    value = "" if what.value is None else f" {what.value:g}"
    return f"{what.kind} {what.name}{value}, seed {what.seed}"
