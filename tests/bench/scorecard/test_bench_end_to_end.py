"""The whole bench on small worlds, from the command line; a second run computes nothing again."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillwatch.bench.scorecard.written import read
from stillwatch.cli.app import main


@pytest.mark.slow
def test_a_quick_run_fills_every_part_and_is_resumed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["bench", "--quick", "--seeds", "520", "--jobs", "2", "--out", str(out)]
    assert main(command) == 0
    card = read(out / "scorecard.json")
    assert card.quick
    assert card.suites is not None
    assert [suite.run for suite in card.suites] == ["small", "honest"]
    assert card.suites[0].recall is not None
    assert card.suites[1].recall is None
    assert card.calibration is not None
    assert card.calibration.worlds == 2
    assert card.sweeps is not None
    assert all(len(sweep.points) == 2 for sweep in card.sweeps)
    assert card.permutation is not None
    assert card.permutation.permutations == 2
    assert card.ablations
    assert card.detectors
    assert any(detector.surprise is not None and detector.surprise.mean != 0 for detector in card.detectors)
    assert "held_out, tactic families" in card.skipped
    kept = {path: path.stat().st_mtime_ns for path in (out / "worlds").rglob("*") if path.is_file()}
    first = (out / "scorecard.json").read_bytes()
    assert main(command) == 0
    assert (out / "scorecard.json").read_bytes() == first
    assert {path: path.stat().st_mtime_ns for path in (out / "worlds").rglob("*") if path.is_file()} == kept
