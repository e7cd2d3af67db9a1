"""``stillwatch demo``: compose a small world, scan it, print the campaigns, leave a report. No services."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The command's arguments."""
    made = subparsers.add_parser(
        "demo",
        help="compose a world, scan it, leave a report",
        description="Compose a labelled world with campaigns hidden in it, scan it, and leave an HTML report.",
        epilog="examples:\n  stillwatch demo\n  stillwatch demo --seed 11 --out elsewhere\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--seed", type=int, default=8, help="another seed makes another world (default 8)")
    made.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="where it goes (default ./demo)")
    return made


def run(args: argparse.Namespace) -> int:
    """Compose, scan, print, leave the report."""
    from stillwatch.api import scan
    from stillwatch.cli.progress import watching
    from stillwatch.cli.scan import print_campaigns
    from stillwatch.compose import compose, write_world

    out: Path = args.out
    with watching() as (progress, say):
        say("composing a world")
        write_world(compose("demo", args.seed), out / "world")
        report = scan(
            out / "world" / "exchanges.parquet",
            accounts=out / "world" / "accounts.parquet",
            progress=progress,
            say=say,
        )
        say("writing the report")
        report.save(out)
    print_campaigns(report.result, out)
    return 0
