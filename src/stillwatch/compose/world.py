"""Compose a world: the honest, the campaigns, the tables, the truth; and write it down."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.compose import truth
from stillwatch.compose.campaigns import schedule
from stillwatch.compose.dice import Dice
from stillwatch.compose.honest import registry as look_alikes
from stillwatch.compose.knobs import SUITES, Suite
from stillwatch.compose.ledger import Ledger
from stillwatch.compose.text.book import Book
from stillwatch.compose.text.corpus import CorpusBook
from stillwatch.compose.traces import Traces
from stillwatch.compose.wire import Wire
from stillwatch.errors import ConfigError, InputError
from stillwatch.tables import ACCOUNTS

VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Tables of a composed world and its truth, as Arrow (``campaigns`` and ``about`` as plain values for JSON)."""

    exchanges: pa.Table
    accounts: pa.Table | None
    truth_accounts: pa.Table
    truth_exchanges: pa.Table
    campaigns: list[dict[str, object]]
    about: dict[str, object]


def suite_named(name: str) -> Suite:
    """The suite of that name, or a ConfigError that lists them."""
    if name not in SUITES:
        raise ConfigError(f"no suite named {name!r}", where="--suite", hint=f"one of {', '.join(sorted(SUITES))}")
    return SUITES[name]


def book_of(suite: Suite, corpus: Path | None) -> Book:
    """Where a world's prompts come from: the grammar, or the corpus mixed with it; one for each world."""
    if corpus is None:
        return Book(suite.only_sources, suite.held_out_sources)
    if not corpus.is_dir():
        raise InputError("no such directory", source=str(corpus), hint="give the directory that holds the prompt files")
    return CorpusBook(corpus, suite.only_sources, suite.held_out_sources)


def compose(suite: str | Suite, seed: int, corpus: Path | None = None, exchanges: int | None = None) -> World:
    """A labelled world, the same for the same arguments. ``exchanges`` scales it (accounts in proportion).

    Raises ConfigError for an unknown suite, InputError for a corpus that cannot be read. About 100 µs an exchange.
    """
    chosen = suite_named(suite) if isinstance(suite, str) else suite
    total = exchanges or chosen.exchanges
    accounts = max(60, round(chosen.accounts * total / chosen.exchanges))
    dice = Dice(seed, "world")
    ledger = Ledger(chosen, dice, seed, book_of(chosen, corpus), Traces(corpus))
    taken = schedule.compose(ledger, dice.child("campaigns"), accounts, total)
    look_alikes.compose(ledger, dice.child("honest"), accounts - taken[0], total - taken[1])
    table, order = Wire(ledger).table()
    found = truth.of(ledger, table, order)
    about = truth.about(ledger, seed, total, corpus=corpus is not None, version=VERSION)
    return World(
        exchanges=_blank(ledger, table, dice.child("features")),
        accounts=_accounts(ledger) if chosen.with_accounts else None,
        truth_accounts=found.accounts,
        truth_exchanges=found.exchanges,
        campaigns=found.campaigns,
        about=about,
    )


def _blank(ledger: Ledger, table: pa.Table, dice: Dice) -> pa.Table:
    suite = ledger.suite
    for name in suite.null_columns:
        place = table.schema.get_field_index(name)
        table = table.set_column(
            place, table.schema.field(name), pa.nulls(table.num_rows, table.schema.field(name).type)
        )
    if suite.features_only <= 0:
        return table
    ids = sorted(set(table["account_id"].to_pylist()))
    chosen = pa.array(dice.sample(ids, round(len(ids) * suite.features_only)))
    mask = pc.is_in(table["account_id"], chosen)
    for name in ("prompt", "system_prompt", "response", "reasoning"):
        place = table.schema.get_field_index(name)
        table = table.set_column(
            place, table.schema.field(name), pc.if_else(mask, pa.scalar(None, pa.string()), table[name])
        )
    return table


def _accounts(ledger: Ledger) -> pa.Table:
    active = set(ledger.calls.account)
    rows = sorted(
        (account_row(ledger, index) for index in active),
        key=lambda row: (str(row["platform"]), str(row["account_id"])),
    )
    blank = set(ledger.suite.null_account_columns)
    arrays = [
        pa.array([None if item.name in blank else row[item.name] for row in rows], item.type) for item in ACCOUNTS
    ]
    return pa.Table.from_arrays(arrays, schema=ACCOUNTS)


def account_row(ledger: Ledger, index: int) -> dict[str, object]:
    """One account as the provider knows it, a value for every column of ``tables.ACCOUNTS``."""
    account, calendar = ledger.accounts[index], ledger.calendar
    who = account.signup
    closed = account.closed_s if account.closed_s is not None and account.closed_s < calendar.end_s else None
    return {
        "account_id": ledger.names.of("account", index),
        "platform": account.platform,
        "created_at": calendar.at(account.created_s),
        "closed_at": None if closed is None else calendar.at(closed),
        "email_domain": who.email_domain,
        "email_token": ledger.names.of("email", index, 8) if who.email_domain else None,
        "email_shape": who.email_shape,
        "payment_token": who.payment,
        "billing_country": who.billing_country,
        "phone_country": who.phone_country,
        "signup_address": who.signup_address or account.egress[0].address(index, account.created_s, 0),
        "declared_org": who.declared_org,
        "plan": who.plan,
        "verification": who.verification,
    }


def write_world(world: World, out: Path) -> None:
    """Write the world's files under ``out``, all or none: an existing ``out`` is replaced at the end."""
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _write(world, made)
        made.chmod(0o755)
        if out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent)) / "world"
            out.rename(old)
            made.rename(out)
            shutil.rmtree(old.parent)
        else:
            made.rename(out)
    finally:
        if made.exists():
            shutil.rmtree(made)


def _write(world: World, made: Path) -> None:
    (made / "truth").mkdir()
    pq.write_table(world.exchanges, made / "exchanges.parquet", compression="zstd")
    if world.accounts is not None:
        pq.write_table(world.accounts, made / "accounts.parquet", compression="zstd")
    pq.write_table(world.truth_accounts, made / "truth" / "truth_accounts.parquet", compression="zstd")
    pq.write_table(world.truth_exchanges, made / "truth" / "truth_exchanges.parquet", compression="zstd")
    (made / "truth" / "truth_campaigns.json").write_text(json.dumps(world.campaigns, indent=1, ensure_ascii=False))
    (made / "world.json").write_text(json.dumps(world.about, indent=1))
