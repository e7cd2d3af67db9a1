"""``stillwatch disarm``: the red button, also where the service is down."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path

from stillwatch.config import load_config

_EXAMPLES = """examples:
  stillwatch disarm --because "a wrong rule"
  stillwatch disarm --config stillwatch.toml
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "disarm",
        help="undo every decision and go back to shadow, at once",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="TOML file of the service (default: none)")
    parser.add_argument("--because", default="disarmed from the command line", help="what the audit log says")


def run(args: argparse.Namespace) -> int:
    """Works on the store itself; a running service shows it to gateways within seconds."""
    from stillwatch.clock import now
    from stillwatch.serve.decisions import disarm_store
    from stillwatch.serve.running import open_configured_store

    store = open_configured_store(load_config(args.config))
    try:
        who = f"command line ({getpass.getuser()})"
        count = disarm_store(store, who, args.because)
        detail = {"because": args.because, "count": str(count)}
        store.append_audit(now(), who, "policy.disarm", "everything", detail)
    finally:
        store.close()
    print(f"{count} decisions undone; the rules are in shadow")
    return 0
