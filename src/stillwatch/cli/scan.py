"""``stillwatch scan``: request logs in, campaigns out."""

from __future__ import annotations

import argparse
from pathlib import Path

from stillwatch.errors import InputError
from stillwatch.model import Campaign, ScanResult

EXAMPLES = """examples:
  stillwatch scan exchanges.parquet --accounts accounts.parquet --out findings
  stillwatch scan 'logs/2026-02-*.jsonl.zst' --out february
  stillwatch scan bedrock/ --format bedrock --join identity.csv --out findings --json

writes DIR/campaigns.json, accounts.parquet, evidence.jsonl, report.html and quarantine.jsonl.
exit codes: 0 scanned (whether or not campaigns were found), 2 unusable input or arguments
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The command's arguments."""
    made = subparsers.add_parser(
        "scan",
        help="find campaigns in request logs",
        description="Find campaigns in request logs, explain them, and write a report.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("exchanges", nargs="+", metavar="EXCHANGES", help="files, globs or directories; plain, gz or zst")
    made.add_argument("--accounts", type=Path, metavar="FILE", help="side table about the accounts")
    made.add_argument("--join", type=Path, metavar="FILE", help="account identity and client facts by request id")
    made.add_argument("--format", metavar="NAME", help="read as this format instead of detecting it")
    made.add_argument("--config", type=Path, metavar="FILE", help="TOML file; see docs/operate.md")
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the findings go")
    made.add_argument("--json", action="store_true", help="print campaigns.json on standard output")
    return made


def run(args: argparse.Namespace) -> int:
    """Scan and write the findings; nothing is left behind where that fails."""
    from stillwatch.api import scan
    from stillwatch.cli.allocation import keep_freed_memory
    from stillwatch.cli.progress import watching
    from stillwatch.config import load_config
    from stillwatch.ingest import Quarantine

    keep_freed_memory()
    out: Path = args.out
    if out.exists() and not out.is_dir():
        raise InputError("is a file, not a directory", source=str(out), hint="name a directory with --out")
    config = load_config(args.config)
    existed = out.exists()
    quarantine = Quarantine(out, max_bad_share=config.ingest.max_bad_share, content=config.ingest.content)
    try:
        with watching() as (progress, say):
            report = scan(
                args.exchanges,
                accounts=args.accounts,
                join=args.join,
                format=args.format,
                config=config,
                quarantine=quarantine,
                progress=progress,
                say=say,
            )
            say("writing the report")
            report.save(out)
        quarantine.close()
    except BaseException:
        quarantine.discard()
        if not existed and out.is_dir() and not any(out.iterdir()):
            out.rmdir()
        raise
    if args.json:
        print((out / "campaigns.json").read_text(encoding="utf-8"), end="")
    else:
        print_campaigns(report.result, out)
    return 0


WIDE = 100  # characters that all columns take
WIDE_ONLY = frozenset({"possible", "harvest"})
LEFT = frozenset({"campaign", "verdict", "after"})


def print_campaigns(result: ScanResult, out: Path) -> None:
    """The findings as a table for a person."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    read = result.input
    console.print(
        f"{read.exchanges:,} exchanges of {read.accounts:,} accounts, {read.first:%Y-%m-%d} to {read.last:%Y-%m-%d}"
        + (f"; {read.quarantined:,} rows in quarantine" if read.quarantined else "")
        + (f"; {read.duplicate_exchanges:,} repeated" if read.duplicate_exchanges else "")
    )
    if not result.campaigns:
        console.print("No campaign found.")
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        rows = [_columns(found) for found in result.campaigns]
        # a narrow terminal gets fewer columns rather than squeezed ones; the report has them all
        shown = [heading for heading in rows[0] if console.width >= WIDE or heading not in WIDE_ONLY]
        for heading in shown:
            table.add_column(heading, justify="left" if heading in LEFT else "right", no_wrap=True)
        for row in rows:
            table.add_row(*(row[heading] for heading in shown))
        console.print(table)
    if result.not_applicable:
        console.print(f"{len(result.not_applicable)} detectors did not apply; the report says why.")
    console.print(f"Report: {out / 'report.html'}")


def _columns(found: Campaign) -> dict[str, str]:
    accused = sum(member.accused for member in found.roster)
    return {
        "campaign": found.campaign_id,
        "verdict": found.verdict,
        "confidence": f"{found.confidence:.0%}",
        "accounts": f"{accused:,}",
        "possible": f"{len(found.roster) - accused:,}",
        "exchanges": f"{found.exchanges:,}",
        "harvest": f"{found.extraction_exchanges:,}",
        "after": next(iter(found.capabilities), ""),
    }


__all__ = ["add_parser", "print_campaigns", "run"]
