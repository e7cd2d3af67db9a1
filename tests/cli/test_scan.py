"""``stillwatch scan`` and its neighbours: bad input is one clear line and exit code 2, and nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.cli.app import COMMANDS, main

GOOD = {
    "exchange_id": "x0",
    "started_at": "2026-03-02T10:00:00Z",
    "platform": "api",
    "account_id": "a",
    "request_model": "frontier-1",
    "prompt": "What is the tallest tree in the park?",
}


def write(path: Path, count: int = 40, bad: int = 0) -> Path:
    """A log of ``count`` good rows of a few accounts, and ``bad`` rows that lack what they must have."""
    rows = [{**GOOD, "exchange_id": f"x{i}", "account_id": f"a{i % 7}"} for i in range(count)]
    rows += [{**GOOD, "exchange_id": f"bad{i}", "account_id": None} for i in range(bad)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def refusal(capsys: pytest.CaptureFixture[str], *words: object, code: int = 2) -> str:
    """The one line a refused command leaves on standard error."""
    assert main([str(word) for word in words]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("stillwatch: ")
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gone.jsonl", None, "no such file"),
        ("empty.jsonl", b"", "empty"),
        ("blank.jsonl", b"\n\n\n", "empty"),
        ("program.bin", b"\x7fELF" + bytes(300), "binary"),
        ("cut.parquet", b"PAR1" + bytes(90), "Parquet"),
        ("other.jsonl", b'{"colour": "red"}\n' * 9, "unknown format"),
    ],
)
def test_unusable_input_is_one_line_and_no_directory(
    name: str, content: bytes | None, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    message = refusal(capsys, "scan", source, "--out", tmp_path / "out")
    assert expected in message
    assert name in message
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir()] == ([name] if content is not None else [])


def test_a_parquet_cut_in_half_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa

    pq.write_table(pa.table({name: [value] * 5000 for name, value in GOOD.items()}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    assert "Parquet" in refusal(capsys, "scan", tmp_path / "half.parquet", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_too_many_bad_rows_stop_the_run_and_leave_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(capsys, "scan", write(tmp_path / "a.jsonl", 40, bad=10), "--out", tmp_path / "out")
    assert "10 of 50 rows were rejected" in message
    assert "missing account_id" in message
    assert not (tmp_path / "out").exists()


def test_an_out_that_is_a_file_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("keep me")
    message = refusal(capsys, "scan", tmp_path / "gone.jsonl", "--out", tmp_path / "out")
    assert "not a directory" in message
    assert (tmp_path / "out").read_text() == "keep me"


def test_a_failed_scan_leaves_an_earlier_report_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["scan", str(write(tmp_path / "a.jsonl")), "--out", str(out)]) == 0
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    capsys.readouterr()
    refusal(capsys, "scan", write(tmp_path / "b.jsonl", 40, bad=10), "--out", out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[detection]\nmin_confidnce = 0.8\n", "did you mean detection.min_confidence?"),
        ("[detect]\nx = 1\n", "did you mean detection?"),
        ("[detection]\nmin_confidence = 1.7\n", "not within 0.5..1.0"),
        ("[detection]\nmin_confidence = 'high'\n", "min_confidence"),
        ("[ingest\n", "not valid TOML"),
        ("ingest = 3\n", "ingest"),
    ],
)
def test_a_wrong_configuration_names_file_and_key(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text(text)
    message = refusal(capsys, "scan", write(tmp_path / "a.jsonl"), "--config", config, "--out", tmp_path / "out")
    assert expected in message
    assert "wrong.toml" in message
    assert not (tmp_path / "out").exists()


def test_all_unknown_keys_are_named_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text("[detection]\nmin_alon = 0.9\n[ingest]\nsalz = 'x'\n")
    message = refusal(capsys, "scan", "gone", "--config", config, "--out", tmp_path / "out")
    assert "detection.min_alone" in message
    assert "ingest.salt" in message


def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(capsys, "scan", "gone", "--config", tmp_path / "no.toml", "--out", tmp_path / "out")
    assert "no such file" in message
    assert "no.toml" in message


def test_a_missing_side_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "a.jsonl")
    message = refusal(capsys, "scan", log, "--accounts", tmp_path / "no.csv", "--out", tmp_path / "out")
    assert "no.csv" in message
    assert not (tmp_path / "out").exists()


def test_a_scan_that_finds_nothing_is_a_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["scan", str(write(tmp_path / "a.jsonl")), "--out", str(out)]) == 0
    assert "No campaign found" in capsys.readouterr().out
    assert {p.name for p in out.iterdir()} == {
        "campaigns.json", "accounts.parquet", "evidence.jsonl", "report.html", "quarantine.jsonl"
    }  # fmt: skip
    assert (out / "quarantine.jsonl").read_bytes() == b""
    assert pq.read_table(out / "accounts.parquet").num_rows == 7


def test_one_exchange_is_enough_to_scan(tmp_path: Path) -> None:
    assert main(["scan", str(write(tmp_path / "a.jsonl", 1)), "--out", str(tmp_path / "out")]) == 0


def test_a_bad_row_goes_to_quarantine_with_its_line_and_reason(tmp_path: Path) -> None:
    log = write(tmp_path / "a.jsonl", 40, bad=1)
    assert main(["scan", str(log), "--out", str(tmp_path / "out")]) == 0
    (line,) = (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()
    kept = json.loads(line)
    assert kept["line"] == 41
    assert "account_id" in kept["reason"]
    assert json.loads((tmp_path / "out" / "campaigns.json").read_text())["input"]["quarantined"] == 1


def test_json_prints_exactly_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(write(tmp_path / "a.jsonl")), "--out", str(tmp_path / "out"), "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["campaigns"] == []
    assert printed == (tmp_path / "out" / "campaigns.json").read_text()


def test_the_same_log_leaves_the_same_bytes(tmp_path: Path) -> None:
    log = write(tmp_path / "a.jsonl")
    for name in ("one", "two"):
        assert main(["scan", str(log), "--out", str(tmp_path / name)]) == 0
    for name in ("campaigns.json", "evidence.jsonl", "accounts.parquet", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_an_unknown_campaign_is_explained_as_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(write(tmp_path / "a.jsonl")), "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert "nobody" in refusal(capsys, "explain", "nobody", "--report", tmp_path / "out")


def test_the_module_runs_and_says_what_it_can() -> None:
    done = subprocess.run([sys.executable, "-m", "stillwatch", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    assert "examples:" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"stillwatch {command} " in said.split("examples:")[1]


@pytest.mark.parametrize("words", [[], ["no-such-command"], ["scan"], ["scan", "a.jsonl"], ["demo", "--seed", "x"]])
def test_wrong_arguments_end_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_leaves_a_world_and_a_report_with_campaigns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--out", str(out)]) == 0
    found = json.loads((out / "campaigns.json").read_text())
    assert found["campaigns"]
    assert (out / "world" / "exchanges.parquet").exists()
    assert "campaign-" in capsys.readouterr().out
