"""``stillwatch backtest``: what rules would have done on a history, beside the active ones."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from stillwatch.config import load_config
from stillwatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stillwatch.policy.backtest import Row, Truth
    from stillwatch.policy.standing import Account

_EXAMPLES = """examples:
  stillwatch backtest policy.toml --on logs/ --accounts accounts.parquet
  stillwatch backtest cautious --on world/exchanges.parquet --accounts world/accounts.parquet --truth world/truth
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "backtest",
        help="what a policy would have done on a history, beside the active one",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", help="TOML file, or the name of a shipped policy (observe, cautious, standard)")
    parser.add_argument("--on", type=Path, nargs="+", required=True, metavar="EXCHANGES", help="files or directories")
    parser.add_argument("--accounts", type=Path, help="the accounts table")
    parser.add_argument("--active", help="policy to compare with (default: the configured one)")
    parser.add_argument("--truth", type=Path, help="truth directory of a composed world: who was honest")
    parser.add_argument(
        "--mine-every-h", type=float, default=24.0, help="simulated hours between minings (default: 24)"
    )
    parser.add_argument("--slice-h", type=float, default=1.0, help="simulated hours in a micro-batch (default: 1)")
    parser.add_argument("--approve", action="store_true", help="take held decisions for approved at once")
    parser.add_argument("--config", type=Path, help="TOML file")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(args: argparse.Namespace) -> int:
    """Replays the history once per policy; 0 when done."""
    from datetime import timedelta

    import msgspec

    from stillwatch.api import read_fingerprints
    from stillwatch.live.replay import Pace, events, play
    from stillwatch.policy.backtest import Terms, backtest
    from stillwatch.policy.comparison import rows
    from stillwatch.policy.compile import compile_policy, load_policy, policy_text

    config = load_config(args.config)
    if args.mine_every_h <= 0 or args.slice_h <= 0:
        raise InputError("--mine-every-h and --slice-h must be above 0")
    text, _ = policy_text(args.policy), load_policy(args.policy)
    active, _ = load_policy(args.active or config.policy.file)
    prints, side = read_fingerprints(args.on, accounts=args.accounts, config=config)
    console = Console(stderr=True)
    pace = Pace(
        slice=timedelta(hours=args.slice_h),
        mine_every=timedelta(hours=args.mine_every_h),
        window=timedelta(days=config.live.window_days),
    )
    terms = Terms(approve=args.approve, key=b"backtest")
    truth = read_truth(args.truth) if args.truth else None
    with console.status("replaying") as status:
        history = list(events(prints, side, config, pace, status.update))
        played = play(history, side, text, terms)
    candidate, _ = compile_policy(text, args.policy)
    ours, theirs = backtest(played.steps, candidate, active, terms, truth)
    found = rows(ours, theirs)
    if args.json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        Console().print(table_of(found, args.policy, args.active or config.policy.file))
    return 0


def read_truth(folder: Path) -> Mapping[Account, Truth]:
    """Labels of a composed world, by account. Raises InputError where there are none."""
    import pyarrow.parquet as pq

    from stillwatch.policy.backtest import Truth

    path = folder / "truth_accounts.parquet"
    if not path.is_file():
        raise InputError("no truth_accounts.parquet there", source=str(folder), hint="name a world's truth directory")
    return {
        (row["platform"], row["account_id"]): Truth(
            label=row["campaign"] or row["kind"], honest=row["kind"] != "campaign"
        )
        for row in pq.read_table(path).to_pylist()
    }


def table_of(found: tuple[Row, ...], name: str, active: str) -> Table:
    """The comparison for a terminal."""
    table = Table(title=f"{name} beside {active}")
    for heading in ("measure", "unit", "candidate", "active"):
        table.add_column(heading, justify="left" if heading in {"measure", "unit"} else "right")
    for row in found:
        table.add_row(row.measure, row.unit, _shown(row.candidate), _shown(row.active))
    return table


def _shown(value: object) -> str:
    if value is None:
        return "not known"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
