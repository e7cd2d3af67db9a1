"""Tasks carried out: by kind, one or several at a time, each answer kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.bench.scorecard.grading import WorldGrade
from stillwatch.bench.scorecard.tasks import Kind, Task, ground, kept
from stillwatch.bench.scorecard.worlds import graded

ANSWERS: dict[Kind, Any] = {"suite": WorldGrade, "sweep": WorldGrade, "source": WorldGrade, "tactic": WorldGrade}
Told = Callable[[Task], None]


def answer(task: Task, corpus: Path | None, store: Path) -> Any:
    """The task's answer, from the store or carried out."""
    path = store / f"{task.key(ground(corpus))}.json"
    raw = kept(path, lambda: msgspec.json.encode(_carry_out(task, corpus, store)))
    return msgspec.json.decode(raw, type=ANSWERS[task.kind])


def _carry_out(task: Task, corpus: Path | None, store: Path) -> Any:
    return graded(task, corpus)


def answers(
    tasks: Sequence[Task], corpus: Path | None, store: Path, jobs: int, told: Told
) -> Iterator[tuple[Task, Any]]:
    """Every task with its answer, in the order they are done."""
    if jobs <= 1:
        for task in tasks:
            told(task)
            yield task, answer(task, corpus, store)
        return
    # spawned, not forked: compiled kernels and graph libraries keep threads of their own
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(answer, task, corpus, store): task for task in tasks}
        try:
            for done in as_completed(waiting):
                told(waiting[done])
                yield waiting[done], done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
