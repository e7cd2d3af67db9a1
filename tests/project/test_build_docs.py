"""The generated parts of the documents say what they are generated from, and are up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from build_docs import END, START, Figure, Figures, detectors_page, figures_section, with_figures
from stillwatch.detectors import BUILTIN

ROOT = Path(__file__).parents[2]
FIGURES = Figures(
    version="9.9",
    command="make measure",
    rows=(Figure(what="account recall", figure="0.97", asked=">= 0.95"), Figure(what="memory", figure="1.2 GB")),
)


def test_the_figures_name_their_command_and_every_row() -> None:
    section = figures_section(FIGURES)
    assert "`make measure`" in section
    assert "| account recall | 0.97 | >= 0.95 |" in section
    assert "| memory | 1.2 GB |  |" in section


def test_only_what_stands_between_the_markers_is_replaced_and_twice_is_once() -> None:
    readme = f"before\n{START}\nold\n{END}\nafter\n"
    once = with_figures(readme, "new")
    assert once == f"before\n{START}\nnew\n{END}\nafter\n"
    assert with_figures(once, "new") == once


@pytest.mark.parametrize("readme", ["no markers", f"only {START}", f"only {END}"])
def test_a_readme_without_markers_is_refused(readme: str) -> None:
    with pytest.raises(SystemExit, match="markers"):
        with_figures(readme, "new")


def test_every_detector_has_its_row_and_words_of_its_own() -> None:
    page = detectors_page(BUILTIN)
    for detector in BUILTIN:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{detector.name}` |")]
        assert len(row.rsplit("|", 2)[1].strip()) > 10, f"{detector.name} does not say what it measures"


@pytest.mark.slow
def test_the_generated_documents_are_up_to_date() -> None:
    command = [sys.executable, "scripts/build_docs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run `make docs`"
