"""The command: what it writes, what it says."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from stillwatch.cli import compose as command
from stillwatch.errors import ConfigError


def _parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["compose", *words])


def test_the_command_writes_all_files_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "world"
    assert (
        command.run(_parsed("--suite", "demo", "--seed", "3", "--exchanges", "1500", "--out", str(out), "--json")) == 0
    )
    summary = json.loads(capsys.readouterr().out)
    assert summary["exchanges"] > 1_000
    assert len(summary["campaigns"]) == 3
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    truth = {"truth/truth_accounts.parquet", "truth/truth_exchanges.parquet", "truth/truth_campaigns.json"}
    assert names == {"exchanges.parquet", "accounts.parquet", "world.json", *truth}


def test_held_out_tactics_are_obeyed(tmp_path: Path) -> None:
    out = tmp_path / "world"
    words = ("--suite", "demo", "--exchanges", "1500", "--only-tactic", "coding_sweep", "--out", str(out))
    assert command.run(_parsed(*words)) == 0
    campaigns = json.loads((out / "truth" / "truth_campaigns.json").read_text())
    assert {campaign["tactic"] for campaign in campaigns} == {"coding_sweep"}


def test_an_unusable_blend_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="blend"):
        command.run(_parsed("--blend", "1.2", "--exchanges", "500", "--out", str(tmp_path / "world")))
    assert not (tmp_path / "world").exists()
