"""The generated parts of the documents say what they are generated from, and are up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from build_docs import CONDITIONS, END, START, detectors_page, figures_section, with_figures
from stillwatch.bench.quality import RUNS, Grade
from stillwatch.detectors import BUILTIN

ROOT = Path(__file__).parents[2]


def graded(
    run: str, seed: int, recall: float | None, precision: float | None, named: dict[str, int] | None = None
) -> Grade:
    return Grade(
        run=run,
        seed=seed,
        recall=recall,
        precision=precision,
        honest_accounts=1_000,
        honest_named=named or {},
        honest_in_other_verdicts={},
        extraction_campaigns=1,
        resale_recall=None,
        resale_pools_recognised=None,
        capability_right=None,
        pivots_found=None,
        harvest_estimate_ratio=None,
        campaign_recall={},
        seconds=1.0,
    )


def test_figures_give_mean_recall_lowest_precision_and_everyone_wrongly_named() -> None:
    grades = [graded("full", 1, 0.9, 1.0, {"class": 2}), graded("full", 2, 1.0, 0.98, {"campus": 1})]
    (row,) = [line for line in figures_section(grades).splitlines() if line.startswith("| everything known")]
    assert row == "| everything known | 2 | 0.950 | 0.980 | 3 of 2,000 | ≥ 0.95, ≥ 0.99 |"


def test_a_figure_that_no_world_could_give_is_unknown_and_not_zero() -> None:
    section = figures_section([graded("honest", 1, None, None)])
    assert "| no campaign in it | 1 | - | - | 0 of 1,000 | nobody named |" in section


def test_every_run_of_the_bench_has_its_words() -> None:
    assert set(CONDITIONS) == set(RUNS)


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
