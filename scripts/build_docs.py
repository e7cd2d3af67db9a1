"""Rewrites the generated parts of the documents: the README's figures and ``docs/detectors.md``.

Figures come from ``docs/figures.json``, which a measurement writes and nobody edits: ``{"version", "command", "rows":
[{"what", "figure", "asked"}]}``. The page of detectors is their own docstrings. With ``--check`` nothing is written and
the exit code says whether something would have been.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stillwatch.detectors import BUILTIN
from stillwatch.detectors.protocol import Detector

ROOT = Path(__file__).parents[1]
START, END = "<!-- figures:start -->", "<!-- figures:end -->"


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measured figure; ``asked`` is the goal it is held against, empty where there is none."""

    what: str
    figure: str
    asked: str = ""


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``command`` is what a reader runs to measure the rows again."""

    version: str
    command: str
    rows: tuple[Figure, ...]


def figures_section(figures: Figures) -> str:
    """The rows as a table, under a line that says what was measured and how."""
    rows = [f"| {row.what} | {row.figure} | {row.asked} |" for row in figures.rows]
    head = f"Version {figures.version}, on composed worlds that fitting has not seen; measured by `{figures.command}`."
    return "\n".join([head, "", "| what | measured | asked |", "| --- | --- | --- |", *rows])


def with_figures(readme: str, section: str) -> str:
    """The README with everything between the two markers replaced."""
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        sys.exit(f"README.md: the markers {START} and {END} are missing: put them where the figures belong")
    return f"{before}{START}\n{section}\n{END}{after}"


def cell(detector: Detector) -> str:
    """One row of a page's table: the detector, what it speaks to, what it needs, what it measures."""
    needs = ", ".join(f"`{column}`" for column in detector.needs).replace("|", "` or `") or "only required columns"
    # the struct's own words, not msgspec's, which getdoc would hand out where there are none
    own = type(detector).__dict__.get("__doc__") or sys.modules[type(detector).__module__].__doc__ or ""
    measures = " ".join(inspect.cleandoc(own).partition("\n\n")[0].split()).replace("|", "\\|")
    return f"| `{detector.name}` | {detector.axis} | {detector.family} | {needs} | {measures} |"


def detectors_page(detectors: Sequence[Detector]) -> str:
    """One section per module: its docstring (why, who is innocent, how it is avoided), then its detectors."""
    grouped: dict[str, list[Detector]] = defaultdict(list)
    for detector in detectors:
        grouped[type(detector).__module__].append(detector)
    lines = [
        "# Detectors",
        "",
        "Written by `make docs` from the detectors themselves. A detector measures one thing about one cluster;",
        "a fitted, calibrated curve turns the measurement into bits. Within a family only the strongest counts.",
    ]
    for module, members in sorted(grouped.items()):
        title, _, body = (inspect.getdoc(sys.modules[module]) or "").replace("``", "`").partition("\n")
        lines += ["", f"## {title.rstrip('.')}", "", *([body.strip(), ""] if body.strip() else [])]
        lines += ["| detector | axis | family | needs | measures |", "| --- | --- | --- | --- | --- |"]
        lines += [cell(detector) for detector in sorted(members, key=lambda item: item.name)]
    return "\n".join(lines) + "\n"


def generated() -> dict[Path, str]:
    """Every generated document as it should be."""
    pages = {ROOT / "docs" / "detectors.md": detectors_page(BUILTIN)}
    measured = ROOT / "docs" / "figures.json"
    if measured.exists():
        figures = msgspec.json.decode(measured.read_bytes(), type=Figures)
        readme = ROOT / "README.md"
        pages[readme] = with_figures(readme.read_text(encoding="utf-8"), figures_section(figures))
    return pages


def main() -> int:
    """Writes what is out of date, or only says so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a document is out of date")
    check: bool = parser.parse_args().check
    pages = generated()
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(pages[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
