"""The comparison as a page: the table, where a peer wins, what was tuned, how the two MMD nulls are calibrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from stillwatch.bench.peers.measure import Chosen, Effort, Row
from stillwatch.bench.peers.tuning import AIM

SHOWN_CLASSES = 3


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one run of the bench found. ``rows``: Stillwatch first.

    ``calibration``: null -> kind of honest window -> share rejected at a nominal 5%.
    """

    suite: str
    seeds: tuple[int, ...]
    fit_seeds: tuple[int, ...]
    corpus: bool
    accounts: int
    harvesting: int
    rows: tuple[Row, ...]
    efforts: tuple[Effort, ...]
    calibration: dict[str, dict[str, float | None]]
    packages: dict[str, str]


def markdown(found: Comparison) -> str:
    """The page."""
    own, others = found.rows[0], found.rows[1:]
    return (
        "\n\n".join(
            [
                "# Peers on the same worlds",
                _setting(found),
                table(found.rows),
                "## Where a peer wins",
                wins(own, others),
                "## What was tuned",
                _tuning(found),
                "## The two MMD nulls on honest windows",
                _calibration(found.calibration),
                "",
            ]
        ).rstrip()
        + "\n"
    )


def _setting(found: Comparison) -> str:
    words = "real prompts" if found.corpus else "the composer's own words"
    packages = ", ".join(f"{name} {version}" for name, version in sorted(found.packages.items()))
    return (
        f"Suite `{found.suite}` over {words}, seeds {_listed(found.seeds)}: {found.accounts:,} accounts, of which "
        f"{found.harvesting:,} harvest. Tuned on seeds {_listed(found.fit_seeds)}. Accounts are counted, all worlds "
        f"together; precision counts every accused account that does not harvest as wrong. CPU seconds are for reading "
        f"and scoring one world; memory is the whole process's. With {packages}."
    )


def table(rows: Sequence[Row]) -> str:
    """One line a variant."""
    head = (
        "method",
        "settings",
        "recall",
        "precision",
        "F1",
        "honest accused per 100 k",
        "look-alikes hit most",
        "CPU s",
        "peak MB",
    )
    lines = [
        (
            row.peer,
            row.variant,
            f"{row.recall:.3f}",
            _number(row.precision),
            f"{row.f1:.3f}",
            f"{row.honest_per_100k:,.0f}",
            _classes(row),
            f"{row.cpu_s:.1f}",
            f"{row.peak_mb:,.0f}",
        )
        for row in rows
    ]
    return _table(head, lines)


def _classes(row: Row) -> str:
    hit = [(kind, count) for kind, count in row.honest_classes.items() if count[0]]
    return ", ".join(f"{kind} {part}/{whole}" for kind, (part, whole) in hit[:SHOWN_CLASSES]) or "none"


MEASURES: tuple[tuple[str, Callable[[Row], float | None], bool, str], ...] = (
    ("recall", lambda row: row.recall, True, "{:.3f}"),
    ("precision", lambda row: row.precision, True, "{:.3f}"),
    ("F1", lambda row: row.f1, True, "{:.3f}"),
    ("honest accused per 100 k", lambda row: row.honest_per_100k, False, "{:,.0f}"),
    ("CPU s", lambda row: row.cpu_s, False, "{:.1f}"),
    ("peak MB", lambda row: row.peak_mb, False, "{:,.0f}"),
)


def wins(own: Row, others: Sequence[Row]) -> str:
    """Every measure, and every tactic's recall, in which some peer does better than Stillwatch, and every such peer.

    A peer that accuses nobody wins nothing by it. Its precision stands beside each win, and the most precise comes
    first: recall without precision is had by accusing everybody.
    """
    awake = sorted((row for row in others if row.accused), key=lambda row: -(row.precision or 0.0))
    lines: list[tuple[str, str, str]] = []
    for name, value, more, form in MEASURES:
        mine = value(own)
        better = [
            (row, form.format(theirs))
            for row in awake
            if (theirs := value(row)) is not None and _better(theirs, mine, more=more)
        ]
        lines.append((name, "-" if mine is None else form.format(mine), _listing(better)))
    for tactic, (part, whole) in own.tactics.items():
        better = [(row, f"{row.tactics[tactic][0]}/{whole}") for row in awake if row.tactics[tactic][0] > part]
        lines.append((f"recall of {tactic}", f"{part}/{whole}", _listing(better)))
    kept = [line for line in lines if line[2]]
    if not kept:
        return "Nowhere in this run."
    return _table(("in", "Stillwatch", "peers that do better, and their precision"), kept)


def _listing(better: Sequence[tuple[Row, str]]) -> str:
    return "; ".join(f"{row.peer}, {row.variant}: {shown} ({_number(row.precision)})" for row, shown in better)


def _better(theirs: float, mine: float | None, *, more: bool) -> bool:
    if mine is None:
        return True
    return theirs > mine if more else theirs < mine


def _tuning(found: Comparison) -> str:
    says = (
        f"Every peer had the same {max((len(e.trials) for e in found.efforts), default=0)} trials, its published "
        f"settings among them, and every threshold. Chosen: the best F1 with a precision of at least {AIM} on the "
        f"fitting worlds, or the best F1 where no threshold is that precise; on the second line, the best F1 at any "
        f"precision. A trial's precision, recall and F1 are "
        f"those of the fitting worlds; *precise* counts the trials that reached that precision."
    )
    head = ("method", "source", "put in place", "chosen", "threshold", "precision", "recall", "F1", "precise", "CPU s")
    lines: list[tuple[str, ...]] = []
    for effort in found.efforts:
        precise = f"{sum(trial.cut.precision >= AIM for trial in effort.trials)}/{len(effort.trials)}"
        lines.append(
            (effort.peer, effort.source, effort.replaces, *_chosen(effort.chosen), precise, f"{effort.cpu_s:.0f}")
        )
        if effort.chosen != effort.chosen_any_precision:
            lines.append(("", "", "", *_chosen(effort.chosen_any_precision), "", ""))
    return f"{says}\n\n{_table(head, lines)}"


def _chosen(chosen: Chosen) -> tuple[str, ...]:
    cut = chosen.cut
    reached = (f"{value:.3f}" for value in (cut.precision, cut.recall, cut.f1))
    return _settings(chosen.settings), f"{cut.threshold:.4g}", *reached


def _calibration(rates: dict[str, dict[str, float | None]]) -> str:
    if not rates:
        return "Not measured in this run."
    says = (
        "Share of honest windows that a nominal 5% test rejects. *Drawn*: prompts drawn from the traffic that the "
        "history is drawn from. *Account*: the newest prompts of one honest account each."
    )
    lines = [(name, *(_number(values[kind]) for kind in ("drawn", "account"))) for name, values in rates.items()]
    return f"{says}\n\n{_table(('null', 'drawn', 'account'), lines)}"


def _settings(values: dict[str, Any]) -> str:
    shown = (f"{k} {'+'.join(v) if isinstance(v, tuple | list) else v}" for k, v in values.items())
    return ", ".join(shown)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))
