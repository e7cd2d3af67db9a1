"""The scorecard as Markdown: the same sections as the page, without its plots."""

from __future__ import annotations

from stillwatch.bench.scorecard.card import Scorecard
from stillwatch.bench.scorecard.page import sections
from stillwatch.bench.scorecard.shown import Section, Table

TITLE = "Scorecard"
QUICK = "A quick run: small worlds and one seed. It shows that the bench works, not how good detection is."


def markdown(card: Scorecard) -> str:
    """The whole document."""
    lines = [f"# {TITLE}", ""]
    if card.quick:
        lines += [
            "A quick run: small worlds and one seed. It shows that the bench works, not how good detection is.",
            "",
        ]
    for section in sections(card):
        lines += _section(section)
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section) -> list[str]:
    lines = [f"## {section.title}", ""]
    for words in section.words:
        lines += [words, ""]
    for table in section.tables:
        lines += [*_table(table), ""]
    return lines


def _table(table: Table) -> list[str]:
    lines = [table.says, ""] if table.says else []
    if not table.rows:
        return lines
    lines += [_line(table.head), _line(("---",) * len(table.head))]
    return lines + [_line(row) for row in table.rows]


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
