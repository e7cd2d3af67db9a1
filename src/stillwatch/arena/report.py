"""What is written down of arena runs: all of it as JSON, the figures as Markdown; the same runs give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from stillwatch import __version__
from stillwatch.arena.operator import Operator
from stillwatch.arena.policy import Policy
from stillwatch.arena.yields import Outcome, Recognition

SCHEMA = "stillwatch-arena/1"


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """Runs of several operators against one policy in one honest world, with all it takes to play them again.

    ``digest`` covers policy, operators and conditions; not the weights of the detectors, which ``version`` goes with.
    """

    schema: str
    version: str
    digest: str
    seed: int
    days: int
    scale: float
    corpus: bool
    honest_exchanges: int
    honest_accounts: int
    policy: Policy
    operators: tuple[Operator, ...]
    outcomes: tuple[Outcome, ...]


def played(
    policy: Policy,
    operators: Sequence[Operator],
    outcomes: Sequence[Outcome],
    *,
    seed: int,
    days: int,
    scale: float,
    corpus: bool,
    honest: tuple[int, int],
) -> Played:
    """``honest``: exchanges and accounts of the honest world."""
    conditions = (policy, tuple(operators), seed, days, scale, corpus)
    return Played(
        schema=SCHEMA,
        version=__version__,
        digest=hashlib.sha256(msgspec.json.encode(conditions, order="deterministic")).hexdigest()[:16],
        seed=seed,
        days=days,
        scale=scale,
        corpus=corpus,
        honest_exchanges=honest[0],
        honest_accounts=honest[1],
        policy=policy,
        operators=tuple(operators),
        outcomes=tuple(outcomes),
    )


def as_json(runs: Played) -> str:
    """``arena.json``."""
    return msgspec.json.format(msgspec.json.encode(runs, order="deterministic"), indent=1).decode() + "\n"


HEADINGS = (
    "operator",
    "yield",
    "price",
    "opened",
    "lost",
    "first named",
    "first after",
    "new named",
    "new after",
    "honest touched",
    "per 100 k",
)
# what fits a terminal of 80 columns
SHORT = (0, 1, 2, 4, 6, 8, 10)
LEGEND = (
    "*Yield*: share of the planned items obtained. *Price*: money spent per item obtained. *Named*: of the accounts "
    "that called at all (first: of the opening stock; new: replacements), those acted on; *after*: median of their "
    "exchanges, and of hours, before that. *Honest touched*: by anything stronger than `observe`."
)


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """One line per run under ``HEADINGS``; a figure that could not be had is shown as a dash, not as zero."""
    return [
        (
            found.operator,
            f"{found.harvested:.3f}",
            "-" if found.price is None else f"{found.price:.3f}",
            f"{found.accounts_opened:,}",
            f"{found.accounts_lost:,}",
            *_named(found.first),
            *_named(found.replacements),
            f"{found.honest_touched:,}",
            f"{found.honest_touched_per_100k:,.0f}",
        )
        for found in outcomes
    ]


def _named(found: Recognition) -> tuple[str, str]:
    if not found.accounts:
        return "-", "-"
    after = "-" if found.exchanges is None else f"{found.exchanges:g} ({found.hours:.0f} h)"
    return f"{found.named:,} of {found.accounts:,}", after


def as_markdown(runs: Played) -> str:
    """The figures for a person, with how to get them again."""
    made = (
        f"Stillwatch {runs.version}, configuration {runs.digest}, seed {runs.seed}, {runs.days} simulated days, "
        f"{runs.honest_exchanges:,} honest exchanges of {runs.honest_accounts:,} accounts."
    )
    lines = ["# Arena", "", made, "", *_table(HEADINGS, rows(runs.outcomes)), "", LEGEND]
    for found in runs.outcomes:
        daily = [period for period in found.periods if period.day == int(period.day)]
        days = [
            (
                f"{period.day:.0f}",
                f"{period.harvested:.3f}",
                f"{period.live:,}",
                f"{period.opened:,}",
                f"{period.spent:,.0f}",
                f"{period.honest_touched:,}",
            )
            for period in daily
        ]
        heads = ("day", "yield so far", "live", "opened", "spent", "honest touched")
        lines += ["", f"## {found.operator}", "", *_table(heads, days)]
    return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    ruled = "| " + " | ".join("---" if place == 0 else "---:" for place in range(len(heads))) + " |"
    return [f"| {' | '.join(heads)} |", ruled, *(f"| {' | '.join(row)} |" for row in body)]
