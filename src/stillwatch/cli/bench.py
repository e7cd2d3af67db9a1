"""``stillwatch bench``: measure detection on labelled worlds and write the scorecard."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stillwatch.errors import ConfigError, InputError

if TYPE_CHECKING:
    from stillwatch.bench.scorecard.plan import Plan

EXAMPLES = """examples:
  stillwatch bench --quick --out scorecard                         minutes: small worlds, one seed
  stillwatch bench --seeds 1-10 --corpus data --jobs 2 --out scorecard
  stillwatch bench --suite full,no_network --parts suites,calibration --seeds 1,2 --out scorecard
  stillwatch bench --parts held_out --held-out --fit-cache out/fit --out scorecard

writes DIR/scorecard.json, scorecard.html and scorecard.md; keeps every world's answer under DIR/worlds, so that a run
that was stopped goes on where it was. docs/bench.md explains every figure.
exit codes: 0 measured, 2 unusable arguments
"""


PARTS = ("suites", "calibration", "sweeps", "held_out", "permutation", "ablations", "detectors")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The command's arguments."""
    made = subparsers.add_parser(
        "bench",
        help="measure detection on labelled worlds: the scorecard",
        description="Measure detection on composed worlds that nothing was fitted on, and write the scorecard.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--suite", action="append", metavar="NAMES", help="suites to run, comma-separated (default: all)")
    made.add_argument("--seeds", default="1,2", metavar="LIST", help="below 1000: 1,2 or 1-10 (default: 1,2)")
    made.add_argument("--parts", metavar="NAMES", help=f"of {', '.join(PARTS)}")
    made.add_argument("--corpus", type=Path, metavar="DIR", help="prompt files; without it the composer's own grammar")
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the scorecard goes")
    made.add_argument("--jobs", type=int, default=1, metavar="N", help="worlds at a time (default: 1)")
    made.add_argument(
        "--base", default="small", metavar="NAME", help="suite of sweeps, ablations, ... (default: small)"
    )
    made.add_argument(
        "--base-seeds", type=int, default=3, metavar="N", help="how many of the seeds those use (default: 3)"
    )
    made.add_argument("--permutations", type=int, default=20, metavar="N", help="permuted worlds (default: 20)")
    made.add_argument("--held-out", action="store_true", help="fit again without each tactic family; needs --fit-cache")
    made.add_argument(
        "--fit-cache", type=Path, metavar="DIR", help="measured fitting worlds: the --cache of scripts/fit.py"
    )
    made.add_argument("--family", action="append", default=[], metavar="NAME", help="hold out only this family")
    made.add_argument("--quick", action="store_true", help="small worlds, one seed: minutes, and noise")
    return made


def numbers(text: str) -> tuple[int, ...]:
    """``1,2`` or ``1-10`` or both."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            found += range(int(first), int(last) + 1) if dash else [int(first)]
        except ValueError:
            raise ConfigError(f"not a list of numbers: {text!r}", where="--seeds", hint="as in 1,2 or 1-10") from None
    return tuple(dict.fromkeys(found))


def run(args: argparse.Namespace) -> int:
    """Measure and write; what was measured stays if it is stopped."""
    from stillwatch.bench.scorecard.run import bench
    from stillwatch.bench.scorecard.written import save

    out: Path = args.out
    if out.exists() and not out.is_dir():
        raise InputError("is a file, not a directory", source=str(out), hint="name a directory with --out")
    if args.corpus is not None and not args.corpus.is_dir():
        raise InputError("no such directory", source=str(args.corpus), hint="give the directory of the prompt files")
    plan = asked(args).checked()
    with watching() as watch:
        card = bench(plan, out / "worlds", watch)
    save(card, out)
    print(f"Scorecard: {out / 'scorecard.html'}")
    return 0


def asked(args: argparse.Namespace) -> Plan:
    """The plan that the arguments make, or a ConfigError."""
    from stillwatch.bench.scorecard.held_out import FAMILIES
    from stillwatch.bench.scorecard.plan import Plan, quick

    for name in ("jobs", "base_seeds", "permutations"):
        if getattr(args, name) < 1:
            raise ConfigError(f"too few: {getattr(args, name)}", where=f"--{name.replace('_', '-')}", hint="at least 1")
    if args.held_out != (args.fit_cache is not None):
        raise ConfigError("only one of the two is given", where="--held-out, --fit-cache", hint="they go together")
    if wrong := set(args.family) - set(FAMILIES):
        raise ConfigError(f"no family {min(wrong)!r}", where="--family", hint=f"one of {', '.join(FAMILIES)}")
    plan = Plan(
        seeds=numbers(args.seeds),
        parts=tuple(args.parts.split(",")) if args.parts else PARTS,
        base=args.base,
        base_seeds=args.base_seeds,
        permutations=args.permutations,
        fit_cache=args.fit_cache,
        families=tuple(args.family),
        corpus=args.corpus,
        jobs=args.jobs,
    )
    if args.quick:
        plan = quick(plan)
    if args.suite:
        plan = msgspec.structs.replace(plan, runs=tuple(dict.fromkeys(",".join(args.suite).split(","))))
    return plan


@contextmanager
def watching() -> Generator[Callable[[int, int, str], None]]:
    """(worlds done, worlds in all, which) for the length of a ``with`` block, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def watch(done: int, total: int, says: str) -> None:
            bar.update(task, completed=done, total=max(1, total), description=says)

        yield watch
