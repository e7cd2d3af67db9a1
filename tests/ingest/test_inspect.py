"""``stillwatch inspect`` says what a source supports, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from written_rows import row, rows, write_csv, write_jsonl

from stillwatch.cli.app import main
from stillwatch.ingest.coverage import lacking


def test_it_counts_columns_rejects_and_advises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [*rows(9), row(9, message_count="many"), row(0)])
    accounts = write_csv(tmp_path / "acc.csv", [{"account_id": "acct_1", "platform": "api", "plan": "free"}])
    assert main(["inspect", str(path), "--accounts", str(accounts), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"][0]["format"] == "canonical"
    assert (found["rows_read"], found["accepted"], found["duplicates"], found["quarantined"]) == (11, 9, 1, 1)
    assert found["groups"]["content"]["prompt"] == 1.0
    assert found["groups"]["client"]["ja4"] == 0.0
    assert found["listed_accounts_share"] == pytest.approx(1 / 7)
    assert found["accounts"]["plan"] == 1.0
    assert found["rejected"][0]["line"] == 10
    assert any("no responses" in advice for advice in found["advice"])
    assert "shared_payment" in found["not_applicable"]


def test_it_says_that_the_account_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [row(n, account_id=None) for n in range(5)])
    assert main(["inspect", str(path)]) == 2
    shown = " ".join(capsys.readouterr().out.split())
    assert "5 rows: missing account_id" in shown
    assert "pass --join" in shown


def test_a_file_nobody_knows_is_one_line_and_exit_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(write_jsonl(tmp_path / "a.jsonl", [{"a": 1}]))]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1


def test_needs_are_met_by_any_of_a_group() -> None:
    assert lacking(("prompt", "ja4|user_agent"), {"prompt", "user_agent"}) == ""
    assert lacking(("prompt", "ja4|user_agent"), {"user_agent"}) == "needs prompt"
    assert lacking(("ja4|user_agent",), set()) == "needs ja4 or user_agent"
