"""``stillwatch arena``: an operator that reacts against a provider that scans and enforces, in simulated time."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.errors import ConfigError, InputError

if TYPE_CHECKING:
    from stillwatch.arena.operator import Operator
    from stillwatch.arena.report import Played
    from stillwatch.arena.yields import Outcome

EXAMPLES = """examples:
  stillwatch arena --list
  stillwatch arena --operator static --operator sleeper --out arena
  stillwatch arena --operator all --policy strict.toml --days 14 --seed 3 --out arena
  stillwatch arena --operator mine.toml --search 20 --out arena      needs the extra: pip install 'stillwatch[arena]'

writes DIR/arena.json and arena.md; with --search also search.json and worst.toml.
exit codes: 0 played, 2 unusable operator, policy or arguments
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The command's arguments."""
    made = subparsers.add_parser(
        "arena",
        help="play operators that react against a policy",
        description="How much of a planned harvest operators that react to enforcement get, in simulated time.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--operator",
        action="append",
        metavar="NAME|FILE",
        help="a shipped operator, all, or a TOML or Python file; may be repeated (default: everything)",
    )
    made.add_argument("--policy", default="standard", metavar="NAME|FILE", help="standard (default), off, or a file")
    made.add_argument("--days", type=int, default=12, metavar="N", help="simulated days, 2 to 60 (default 12)")
    made.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed gives the same bytes (default 1)")
    made.add_argument("--scale", type=float, default=1.0, metavar="X", help="size of the honest world (default 1)")
    made.add_argument("--search", type=int, metavar="N", help="try N operators with the list and budget of the first")
    made.add_argument("--corpus", type=Path, metavar="DIR", help="prompt files; without it text comes from a grammar")
    made.add_argument("--out", type=Path, metavar="DIR", help="where arena.json and arena.md go")
    made.add_argument("--json", action="store_true", help="print arena.json on standard output")
    made.add_argument("--list", action="store_true", help="name the shipped operators and stop")
    return made


def run(args: argparse.Namespace) -> int:
    """Play, write what came of it, print the figures."""
    from stillwatch.arena.operator import load_operator, shipped

    if args.list:
        for name in shipped():
            print(f"{name:24} {load_operator(name).operator.says}")
        return 0
    _check(args)
    files, runs = _play(args)
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _write(out / name, text)
    if args.json:
        print(files["arena.json"], end="")
    else:
        _print(runs, out)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.out is None:
        raise ConfigError("no directory to write to", where="--out", hint="name one, or use --list")
    if args.out.exists() and not args.out.is_dir():
        raise InputError("is a file, not a directory", source=str(args.out), hint="name a directory with --out")
    if not 2 <= args.days <= 60:
        raise ConfigError(f"days must lie between 2 and 60, not {args.days}", where="--days")
    if not 0.01 <= args.scale <= 100:
        raise ConfigError(f"scale must lie between 0.01 and 100, not {args.scale}", where="--scale")
    if args.search is not None and args.search < 1:
        raise ConfigError(f"cannot try {args.search} operators", where="--search", hint="give at least 1")


def _play(args: argparse.Namespace) -> tuple[dict[str, str], Played]:
    """Files by name, and the runs they tell of."""
    import msgspec

    from stillwatch.arena import report
    from stillwatch.arena.loop import match
    from stillwatch.arena.operator import Cast, as_toml, load_operator, shipped
    from stillwatch.arena.policy import load_policy
    from stillwatch.arena.provider import backdrop
    from stillwatch.arena.search import search
    from stillwatch.cli.progress import watching

    asked: list[str] = args.operator or ["everything"]
    names = [name for item in asked for name in (shipped() if item == "all" else (item,))]
    casts = [load_operator(name) for name in names]
    policy = load_policy(args.policy)
    files: dict[str, str] = {}
    with watching() as (progress, say):
        say("composing the honest world")
        honest = backdrop(args.seed, args.days, args.scale, args.corpus)

        if args.search is not None:
            say(f"searching from {casts[0].operator.name}")

            def got(operator: Operator) -> Outcome:
                return match(Cast(operator=operator), policy, honest)

            tried = search(casts[0].operator, args.search, args.seed, got, progress)
            files["worst.toml"] = as_toml(tried[0].operator)
            files["search.json"] = msgspec.json.format(msgspec.json.encode(tried), indent=1).decode() + "\n"
            casts.append(Cast(operator=tried[0].operator))
        outcomes: list[Outcome] = []
        for cast in casts:
            say(cast.operator.name)
            outcomes.append(match(cast, policy, honest, progress))
    runs = report.played(
        policy,
        [cast.operator for cast in casts],
        outcomes,
        seed=args.seed,
        days=args.days,
        scale=args.scale,
        corpus=args.corpus is not None,
        honest=(honest.prints.num_rows, honest.accounts.num_rows),
    )
    return {"arena.json": report.as_json(runs), "arena.md": report.as_markdown(runs), **files}, runs


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(path)


def _print(runs: Played, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from stillwatch.arena.report import HEADINGS, SHORT, rows

    table = Table(box=None, pad_edge=False)
    for place in SHORT:
        table.add_column(HEADINGS[place], justify="right" if place else "left", no_wrap=True)
    for row in rows(runs.outcomes):
        table.add_row(*(row[place] for place in SHORT))
    console = Console()
    console.print(
        f"{runs.honest_exchanges:,} honest exchanges of {runs.honest_accounts:,} accounts, {runs.days} days, "
        f"seed {runs.seed}, configuration {runs.digest}"
    )
    console.print(table)
    console.print(f"Report: {out / 'arena.md'}")


__all__ = ["add_parser", "run"]
