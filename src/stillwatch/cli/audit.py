"""``stillwatch audit``: read the log of who did what, and check that nobody changed it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.config import load_config
from stillwatch.errors import InputError

if TYPE_CHECKING:
    from stillwatch.access.audit import Head

_EXAMPLES = """examples:
  stillwatch audit show
  stillwatch audit verify --head 42:9f8e...
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "audit",
        help="show the audit log, or verify its chain",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("show", "verify"))
    parser.add_argument("--config", type=Path, help="TOML file of the service (default: none)")
    parser.add_argument("--head", help="NUMBER:DIGEST kept elsewhere: also notices a log that lost its end")


def run(args: argparse.Namespace) -> int:
    """Exit code 1 where the chain is broken."""
    from stillwatch.access.audit import verify_store
    from stillwatch.serve.running import open_configured_store

    store = open_configured_store(load_config(args.config))
    try:
        if args.what == "show":
            after = 0
            while page := store.audit(after=after):
                for entry in page:
                    detail = " ".join(f"{key}={value}" for key, value in entry.detail.items())
                    print(
                        f"{entry.number} {entry.at:%Y-%m-%dT%H:%M:%SZ} {entry.who} {entry.what} {entry.target} {detail}"
                    )
                after = page[-1].number
            return 0
        kept = _head(args.head) if args.head else None
        found = verify_store(store, kept)
    finally:
        store.close()
    if found.broken is None:
        print(f"{found.entries} entries hold; keep this elsewhere: {found.head.number}:{found.head.chain}")
        return 0
    print(f"broken at entry {found.broken}: it or the one before it was changed or removed")
    return 1


def _head(text: str) -> Head:
    from stillwatch.access.audit import Head

    number, _, chain = text.partition(":")
    if not number.isdigit() or not chain:
        raise InputError("--head is NUMBER:DIGEST, as verify printed it")
    return Head(number=int(number), chain=chain)
