"""``stillwatch inspect``: what a source can and cannot support, before anything is concluded from it."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from stillwatch.ingest.coverage import Coverage, NeedsColumns

EXAMPLES = """examples:
  stillwatch inspect logs/*.jsonl.gz
  stillwatch inspect bedrock/ --join cloudtrail.csv
  stillwatch inspect export.log --format mapped:ours.toml --json

exit codes: 0 there are usable rows, 2 there are none or the input cannot be read
"""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """The command's arguments."""
    made = subparsers.add_parser(
        "inspect",
        help="say what request logs can and cannot support",
        description="Read request logs: which columns they fill, which detectors will not apply, what was rejected, "
        "what to add.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("files", nargs="+", metavar="FILE", help="files, globs or directories; plain, gz or zst")
    made.add_argument("--accounts", type=Path, metavar="FILE", help="side table about the accounts")
    made.add_argument("--join", type=Path, metavar="FILE", help="account identity and client facts by request id")
    made.add_argument("--format", metavar="NAME", help="read as this format instead of detecting it")
    made.add_argument("--json", action="store_true", help="print the findings as JSON")
    return made


def run(args: argparse.Namespace) -> int:
    """Prints the coverage; 2 where no row is usable."""
    import msgspec

    from stillwatch.cli.progress import watching

    with watching() as (progress, say):
        say("reading")
        found = look(args, progress)
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        from rich.console import Console

        show(found, Console())
    return 0 if found.accepted else 2


def look(args: argparse.Namespace, progress: object) -> Coverage:
    """Reads everything and counts. Raises InputError for what cannot be read at all."""
    from stillwatch.clock import now
    from stillwatch.ingest import Options, Quarantine, open_exchanges, read_accounts
    from stillwatch.ingest.coverage import Tallied, coverage

    quarantine = Quarantine(max_bad_share=1.0)
    options = Options(format=args.format, join=args.join, now=now(), max_bad_share=1.0, progress=progress)  # type: ignore[arg-type]
    stream = open_exchanges(args.files, options, quarantine)
    counted = Tallied()
    try:
        counted.watch(stream.batches())
    except InputError:
        if not stream.finished:
            raise
    accounts = read_accounts(args.accounts, Quarantine(max_bad_share=1.0)) if args.accounts is not None else None
    return coverage(stream, counted, accounts, _detectors())


def _detectors() -> list[NeedsColumns]:  # every detector there is, as far as this installation has them
    with contextlib.suppress(ImportError):
        from stillwatch.detectors import BUILTIN

        return list(BUILTIN)
    return []


def show(found: Coverage, console: Console) -> None:
    """The same for a person."""
    _show_files(found, console)
    _show_columns(found, console)
    if found.not_applicable:
        console.print(f"\n[bold]{len(found.not_applicable)} detectors will not apply[/]")
        for name, because in found.not_applicable.items():
            console.print(f"  {name}: {because}", markup=False, highlight=False)
    if found.rejected:
        console.print("\n[bold]Rejected rows[/]")
        for reason, count in found.reasons.items():
            console.print(f"  {count:,} rows: {reason}", markup=False, highlight=False)
        for item in found.rejected[:5]:
            place = f"{item.source}:{item.line}" if item.line is not None else item.source
            console.print(f"  {place}: {item.reason}: {(item.row or '')[:120]!r}", markup=False, highlight=False)
    if found.advice:
        console.print("\n[bold]What to add[/]")
        for advice in found.advice:
            console.print(f"  {advice}", markup=False, highlight=False)


def _show_files(found: Coverage, console: Console) -> None:
    from rich.table import Table

    table = Table("file", "format", "why", box=None, header_style="bold")
    for file in found.files[:20]:
        table.add_row(file.path, file.format, file.why)
    if len(found.files) > 20:
        table.add_row(f"and {len(found.files) - 20} more", "", "")
    console.print(table)
    times = f", {found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M} UTC" if found.first and found.last else ""
    console.print(
        f"\n{found.rows_read:,} rows: {found.accepted:,} usable, {found.duplicates:,} repeated, "
        f"{found.quarantined:,} rejected{times}",
        highlight=False,
    )
    if found.skipped:
        console.print(f"{found.skipped:,} records are no model calls", highlight=False)
    if found.bad_addresses:
        console.print(f"{found.bad_addresses:,} client addresses did not parse and count as unknown", highlight=False)
    if found.join_matched is not None:
        console.print(f"join: {found.join_matched:,} rows matched, {found.join_unmatched:,} did not", highlight=False)
    if found.extra_columns:
        console.print(f"not used: {', '.join(found.extra_columns)}", markup=False, highlight=False)


def _show_columns(found: Coverage, console: Console) -> None:
    from rich.table import Table

    table = Table("group", "columns and the share of rows that have them", box=None, header_style="bold")
    groups = dict(found.groups)
    if found.accounts is not None:
        groups["accounts"] = {
            name: share for name, share in found.accounts.items() if name not in ("account_id", "platform")
        }
    for group, shares in groups.items():
        table.add_row(group, "  ".join(_shown(name, share) for name, share in shares.items()))
    console.print()
    console.print(table)
    if found.listed_accounts_share is not None:
        console.print(
            f"{found.listed_accounts_share:.0%} of the accounts seen are in the accounts table", highlight=False
        )


def _shown(name: str, share: float) -> str:
    style = "dim" if share == 0 else "green" if share > 0.95 else "yellow"
    percent = "none" if share == 0 else f"{share:.0%}" if share >= 0.01 else "<1%"
    return f"[{style}]{name} {percent}[/]"
