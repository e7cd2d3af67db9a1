"""``stillwatch``: dispatches to the commands, and turns errors into one line and an exit code.

Exit codes: 0 done, 1 an internal error, 2 unusable input, configuration or arguments, 3 a detector failed, 130
interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from stillwatch import __version__
from stillwatch.errors import StillwatchError

COMMANDS = ("scan", "inspect", "explain", "compose", "demo", "serve", "backtest", "disarm", "audit", "arena", "bench")
EXAMPLES = """examples:
  stillwatch demo                                     compose a world, scan it, leave a report
  stillwatch inspect logs/*.jsonl.gz                  what can these logs support?
  stillwatch scan logs/ --accounts accounts.csv --out findings
  stillwatch explain campaign-1a2b3c --report findings

exit codes: 0 done, 1 internal error, 2 unusable input, configuration or arguments, 3 a detector failed
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="stillwatch",
        description="Find, explain and report illicit distillation in a model provider's request logs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"stillwatch {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        import_module(f"stillwatch.cli.{name}").add_parser(subparsers)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors made on purpose become one line on standard error."""
    chosen = parser().parse_args(arguments)
    try:
        return int(import_module(f"stillwatch.cli.{chosen.command}").run(chosen))
    except StillwatchError as error:
        print(f"stillwatch: {error}".replace("\n", " "), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("stillwatch: interrupted; nothing was left half-written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
