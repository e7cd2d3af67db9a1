"""Progress on standard error: a bar while bytes are read, a line per stage after that; silent where nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def watching() -> Generator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """(progress in bytes, say a stage), for the length of a ``with`` block."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=max(total, 1))

        def say(stage: str) -> None:
            bar.update(task, description=stage, completed=0, total=None)

        yield progress, say
