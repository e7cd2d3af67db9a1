"""``stillwatch compose``: write a labelled world."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from stillwatch.compose import SUITES, compose, write_world
from stillwatch.compose.world import suite_named
from stillwatch.errors import ConfigError

if TYPE_CHECKING:
    from stillwatch.compose.knobs import Suite

_EXAMPLES = """examples:
  stillwatch compose --suite demo --seed 1 --out world
  stillwatch compose --suite full --seed 7 --corpus data --hold-out-source toolbench --out world
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "compose",
        help="write a labelled world: exchanges, accounts and truth",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", default="demo", help=f"one of {', '.join(SUITES)} (default: demo)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same world (default: 1)")
    parser.add_argument(
        "--corpus", type=Path, help="directory of prompt files; without it the text comes from a grammar"
    )
    parser.add_argument("--exchanges", type=int, help="about how many exchanges, accounts in proportion")
    parser.add_argument("--out", type=Path, required=True, help="directory to write; an existing one is replaced")
    parser.add_argument("--blend", type=float, help="share of organic exchanges on campaign accounts, 0 to 0.95")
    parser.add_argument("--hold-out-tactic", action="append", default=[], metavar="NAME", help="leave a tactic out")
    parser.add_argument("--only-tactic", action="append", default=[], metavar="NAME", help="use only this tactic")
    parser.add_argument(
        "--hold-out-source", action="append", default=[], metavar="NAME", help="leave a prompt source out"
    )
    parser.add_argument(
        "--only-source", action="append", default=[], metavar="NAME", help="harvest lists from this source only"
    )
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")


def _suite(args: argparse.Namespace) -> Suite:
    suite = suite_named(args.suite)
    if args.blend is not None and not 0.0 <= args.blend <= 0.95:
        raise ConfigError(f"blend must lie between 0 and 0.95, not {args.blend}", where="--blend", hint="a share")
    if args.exchanges is not None and args.exchanges < 100:
        raise ConfigError(f"too few exchanges: {args.exchanges}", where="--exchanges", hint="give at least 100")
    return msgspec.structs.replace(
        suite,
        blend=suite.blend if args.blend is None else args.blend,
        tactics=tuple(args.only_tactic) or suite.tactics,
        held_out_tactics=suite.held_out_tactics + tuple(args.hold_out_tactic),
        held_out_sources=suite.held_out_sources + tuple(args.hold_out_source),
        only_sources=tuple(args.only_source) or suite.only_sources,
    )


def run(args: argparse.Namespace) -> int:
    """Compose and write; 0 on success. Errors of use are raised for the dispatcher to print."""
    console = Console(stderr=True)
    with console.status(f"composing {args.suite}, seed {args.seed}"):
        world = compose(_suite(args), args.seed, args.corpus, args.exchanges)
    with console.status(f"writing {args.out}"):
        write_world(world, args.out)
    kinds = world.truth_accounts["kind"].to_pylist()
    summary = {
        "out": str(args.out),
        "exchanges": world.exchanges.num_rows,
        "accounts": len(kinds),
        "campaign_accounts": kinds.count("campaign"),
        "campaigns": [campaign["name"] for campaign in world.campaigns],
    }
    if args.json:
        print(json.dumps(summary))
    else:
        console.print(
            f"{summary['exchanges']:,} exchanges of {summary['accounts']:,} accounts, "
            f"{len(world.campaigns)} campaigns with {summary['campaign_accounts']:,} accounts: {args.out}"
        )
    return 0
