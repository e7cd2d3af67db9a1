"""``stillwatch explain``: the reasons behind a campaign or an account, in bits, read from a report directory."""

from __future__ import annotations

import argparse
from typing import Any

_EXAMPLES = """examples:
  stillwatch explain c-7f3a91 --report out
  stillwatch explain api/acct-0042 --report out
  stillwatch explain acct-0042 --report out --json | jq .member.evidence

exit codes: 0 explained, 2 no such id or unreadable report"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "explain",
        help="say why a campaign or an account was judged as it was",
        description="Shows the evidence for and against a campaign or an account, in bits, with exchange ids.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("id", metavar="CAMPAIGN|ACCOUNT", help="campaign_id, platform/account_id, or account_id")
    parser.add_argument("--report", metavar="DIR", required=True, help="the directory that scan wrote with --out")
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints the explanation; raises ``InputError`` (exit code 2) for an unknown id or an unreadable report."""
    import msgspec
    from rich.console import Console

    from stillwatch.report.explain import explain
    from stillwatch.report.reading import read_scan, read_scores
    from stillwatch.report.terminal import print_explanation

    found = explain(read_scan(args.report), read_scores(args.report), args.id)
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print_explanation(Console(highlight=False, markup=False, emoji=False), found)
    return 0
