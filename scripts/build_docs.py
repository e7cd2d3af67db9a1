"""Rewrites the generated parts of the documents: the README's figures and ``docs/detectors.md``.

Figures come from ``docs/measurements/scorecard.json``, which ``make quality`` writes and nobody edits; where it is not
there, from the grades in ``quality.json``. The page of detectors is their own docstrings. With ``--check`` nothing is
written and the exit code says whether something would have been.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import msgspec

from stillwatch.bench.quality import Grade
from stillwatch.bench.scorecard.written import read
from stillwatch.detectors import BUILTIN
from stillwatch.detectors.protocol import Detector

ROOT = Path(__file__).parents[1]
START, END = "<!-- figures:start -->", "<!-- figures:end -->"
MEASUREMENTS = ROOT / "docs" / "measurements"
# run -> what the world is like, and the recall and precision it is held against
CONDITIONS = {
    "full": ("everything known", "≥ 0.95, ≥ 0.99"),
    "honest": ("no campaign in it", "nobody named"),
    "no_network": ("every network column empty", "≥ 0.85, ≥ 0.98"),
    "features_only": ("40% of accounts without text", "≥ 0.80, ≥ 0.98"),
    "blend80": ("80% organic traffic mixed in", "≥ 0.85, ≥ 0.98"),
    "no_signup": ("all sign-up times removed", "≥ 0.85, ≥ 0.98"),
    "no_lexical": ("lexical detectors switched off", "≥ 0.85, ≥ 0.98"),
    "no_accounts": ("no accounts table", ""),
    "unfamiliar": ("tactics that fitting has not seen", ""),
    "small": ("a small world", ""),
}


def measured(folder: Path) -> list[Grade]:
    """Every graded world: of the scorecard where there is one, else of the file that came before it."""
    if (folder / "scorecard.json").exists():
        return [grade for suite in read(folder / "scorecard.json").suites or () for grade in suite.grades]
    if (folder / "quality.json").exists():
        return msgspec.json.decode((folder / "quality.json").read_bytes(), type=list[Grade])
    return []


def figures_section(grades: Sequence[Grade]) -> str:
    """One row per kind of world, over its seeds: mean recall, lowest precision, honest accounts named in all."""
    by_run: dict[str, list[Grade]] = defaultdict(list)
    for grade in grades:
        by_run[grade.run].append(grade)
    rows = [figures_row(run, by_run[run]) for run in CONDITIONS if run in by_run]
    head = (
        "On composed worlds with seeds that nothing was fitted on, measured by `make quality`. "
        "*Named* counts honest accounts in an extraction campaign."
    )
    columns = "| world | seeds | account recall | lowest precision | honest accounts named | asked |"
    return "\n".join([head, "", columns, "| --- | --- | --- | --- | --- | --- |", *rows])


def figures_row(run: str, grades: Sequence[Grade]) -> str:
    """One run over its seeds; a figure that no world could give is shown as unknown, not as zero."""
    says, asked = CONDITIONS[run]
    recalls = [grade.recall for grade in grades if grade.recall is not None]
    precisions = [grade.precision for grade in grades if grade.precision is not None]
    recall = f"{fmean(recalls):.3f}" if recalls else "-"
    precision = f"{min(precisions):.3f}" if precisions else "-"
    named = sum(sum(grade.honest_named.values()) for grade in grades)
    honest = sum(grade.honest_accounts for grade in grades)
    return f"| {says} | {len(grades)} | {recall} | {precision} | {named:,} of {honest:,} | {asked} |"


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
        "fitted, calibrated trees turn all measurements of a cluster into bits, and divide them between the detectors.",
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
    grades = measured(MEASUREMENTS)
    if grades:
        readme = ROOT / "README.md"
        pages[readme] = with_figures(readme.read_text(encoding="utf-8"), figures_section(grades))
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
