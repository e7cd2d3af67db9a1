"""Input that cannot be used as a whole: one clear line, exit code 2, nothing half-written."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_rows import NOW, jsonl, read, row, rows, write, write_csv, write_jsonl, write_parquet

from stillwatch.errors import InputError
from stillwatch.ingest import Options, Quarantine, open_exchanges, read_accounts


def refusal(*paths: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        read(*paths)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


def test_no_such_file_empty_file_empty_directory(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "gone.jsonl")
    assert "no file matches" in refusal(str(tmp_path / "*.jsonl"))
    assert "no readable files" in refusal(tmp_path)
    assert "empty" in refusal(write(tmp_path / "a.jsonl", b""))
    assert "empty" in refusal(write(tmp_path / "b.jsonl.gz", b"\n\n"))


def test_a_binary_file_is_called_one(tmp_path: Path) -> None:
    assert "binary" in refusal(write(tmp_path / "a.jsonl", bytes(range(256)) * 50))
    assert "binary" in refusal(write(tmp_path / "b.bin", b"\x7fELF" + bytes(500)))


def test_an_unknown_format_names_what_was_seen(tmp_path: Path) -> None:
    message = refusal(write_jsonl(tmp_path / "a.jsonl", [{"colour": "red", "size": 4}]))
    assert "unknown format" in message
    assert "colour" in message
    assert "--format" in message
    assert "no format is called 'nosuch'" in _named_format(tmp_path, "nosuch")


def _named_format(tmp_path: Path, name: str) -> str:
    with pytest.raises(InputError) as caught:
        read(write_jsonl(tmp_path / "n.jsonl", rows(1)), format=name)
    return str(caught.value)


def test_a_parquet_cut_short_or_with_the_wrong_columns_is_refused(tmp_path: Path) -> None:
    whole = write_parquet(tmp_path / "a.parquet", rows(500)).read_bytes()
    for length in (4, 100, len(whole) // 2, len(whole) - 1):
        assert "Parquet" in refusal(write(tmp_path / "cut.parquet", whole[:length]))
    assert "not a Parquet file" in refusal(write(tmp_path / "text.parquet", b"hello"))
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"exchange_id": ["a"], "started_at": [1], "account_id": ["b"]}), tmp_path / "few.parquet")
    assert "platform, request_model" in refusal(tmp_path / "few.parquet")
    made = pa.table({name: pa.array([{"a": 1}]) if name == "started_at" else ["x"] for name in row(0)})
    pq.write_table(made, tmp_path / "types.parquet")
    assert "started_at is struct" in refusal(tmp_path / "types.parquet")


def test_damage_inside_a_parquet_is_one_line(tmp_path: Path) -> None:
    whole = bytearray(write_parquet(tmp_path / "a.parquet", rows(3000)).read_bytes())
    whole[200:9000] = bytes(8800)
    assert "Parquet" in refusal(write(tmp_path / "b.parquet", bytes(whole)))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_that_ends_early_is_refused_with_the_line_reached(tmp_path: Path, suffix: str) -> None:
    whole = write(tmp_path / f"a.jsonl{suffix}", jsonl(rows(5000))).read_bytes()
    path = tmp_path / f"cut.jsonl{suffix}"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert "ends early" in refusal(path)
    path.write_bytes(whole[: len(whole) // 2] + b"\x00\xff" * 200 + whole[len(whole) // 2 :])
    assert "compressed file" in refusal(path)


def test_a_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(jsonl(rows(10))) + gzip.compress(jsonl(rows(20)[10:])))
    found, _ = read(tmp_path / "a.jsonl.gz")
    assert len(found) == 20


def test_too_many_bad_rows_stop_the_run_and_say_why(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [row(n, account_id=None if n % 3 == 0 else "a") for n in range(900)])
    out = tmp_path / "out"
    with pytest.raises(InputError) as caught, Quarantine(out, max_bad_share=0.05) as quarantine:
        list(open_exchanges([path], Options(now=NOW), quarantine).batches())
    assert "300 of 900 rows were rejected, more than 5%: missing account_id (300)" in str(caught.value)
    assert "max_bad_share" in str(caught.value)
    assert list(out.iterdir()) == []


def test_quarantine_holds_source_line_reason_and_a_row_without_credentials(tmp_path: Path) -> None:
    bad = row(1, message_count="x", prompt="p" * 9000)
    bad = {"authorization": "Bearer abc.def", "x-api-key": "sk-ant-123456789", "note": "Bearer zyx987", **bad}
    path = write_jsonl(tmp_path / "a.jsonl", [row(0), bad])
    with Quarantine(tmp_path / "out", max_bad_share=1.0) as quarantine:
        read(path, quarantine=quarantine)
        assert not (tmp_path / "out" / "quarantine.jsonl").exists()
    (line,) = (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()
    kept = json.loads(line)
    assert (kept["source"], kept["line"]) == (str(path), 2)
    assert "message_count" in kept["reason"]
    assert len(kept["row"]) <= 2000
    assert not any(secret in line for secret in ("abc.def", "123456789", "zyx987"))


def test_an_untroubled_run_leaves_an_empty_quarantine(tmp_path: Path) -> None:
    with Quarantine(tmp_path) as quarantine:
        read(write_jsonl(tmp_path / "a.jsonl", rows(3)), quarantine=quarantine)
    assert (tmp_path / "quarantine.jsonl").read_bytes() == b""


def test_one_broken_file_among_many_is_one_bad_row(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", rows(30))
    write(tmp_path / "b.json", b'{\n "half": ')
    write(tmp_path / "c.jsonl", b"")
    found, stream = read(tmp_path)
    assert len(found) == 30
    assert stream.quarantined == 2


def test_accounts_come_from_every_container_and_repeats_are_set_aside(tmp_path: Path) -> None:
    records = [
        {"account_id": f"a{n}", "platform": "api", "created_at": "2026-01-02T03:04:05Z", "plan": "free"}
        for n in range(5)
    ]
    for path in (
        write_jsonl(tmp_path / "a.jsonl.zst", [*records, records[0]]),
        write_csv(tmp_path / "a.csv", [*records, records[0]]),
    ):
        quarantine = Quarantine()
        table = read_accounts(path, quarantine)
        assert table.num_rows == 5
        assert table.column("plan").to_pylist() == ["free"] * 5
        assert [item.reason for item in quarantine.sample] == ["this account was already listed"]
    with pytest.raises(InputError):
        read_accounts(write_csv(tmp_path / "b.csv", [{"name": "x", "plan": "free", "other": "y"}]), Quarantine())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=600), st.sampled_from([".jsonl", ".json", ".csv", ".parquet", ".gz", ".pb", ".log"]))
def test_no_bytes_at_all_raise_anything_but_an_input_error(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with contextlib.suppress(InputError):
        read(path)
