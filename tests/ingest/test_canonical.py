"""The data contract from Parquet, JSONL and CSV: same rows in, same rows out, broken rows found by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_rows import NOW, jsonl, read, row, rows, write, write_csv, write_jsonl, write_parquet

from stillwatch import tables
from stillwatch.errors import InputError
from stillwatch.ingest import Options, open_exchanges
from stillwatch.ingest.rows import BadRowError, typed

Writer = Callable[[Path, Sequence[Mapping[str, Any]]], Path]
CONTAINERS: list[tuple[str, Writer]] = [
    ("a.jsonl", write_jsonl),
    ("a.jsonl.gz", write_jsonl),
    ("a.ndjson.zst", write_jsonl),
    ("a.csv", write_csv),
    ("a.csv.gz", write_csv),
    ("a.parquet", write_parquet),
]


def expected(count: int) -> list[dict[str, Any]]:
    made = [typed(record) for record in rows(count)]
    return [{name: value for name, value in item.items() if value is not None} for item in made]


def plain(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**item, "started_at": round(item["started_at"].timestamp() * 1e6)} for item in found]


@pytest.mark.parametrize(("name", "writer"), CONTAINERS)
def test_every_container_gives_the_same_rows(tmp_path: Path, name: str, writer: Writer) -> None:
    found, stream = read(writer(tmp_path / name, rows(300)))
    assert plain(found) == expected(300)
    assert (stream.rows_read, stream.accepted, stream.quarantined, stream.duplicates) == (300, 300, 0, 0)


def test_every_batch_has_the_full_schema(tmp_path: Path) -> None:
    stream = open_exchanges([write_jsonl(tmp_path / "a.jsonl", rows(50))], Options(now=NOW, batch_rows=2048))
    for batch in stream.batches():
        assert batch.schema.names == tables.EXCHANGES.names
        assert batch.schema.types == tables.EXCHANGES.types
    assert "prompt" in stream.present_columns
    assert "ja4" in stream.missing_columns


@pytest.mark.parametrize("writer", [write_jsonl, write_parquet, write_csv])
def test_a_repeated_exchange_counts_once(tmp_path: Path, writer: Writer) -> None:
    name = {write_jsonl: "a.jsonl", write_parquet: "a.parquet", write_csv: "a.csv"}[writer]
    found, stream = read(writer(tmp_path / name, [*rows(40), *rows(25)]))
    assert len(found) == 40
    assert stream.duplicates == 25


def test_a_repeat_in_another_file_of_another_format_counts_once(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl.gz", rows(30))
    write_parquet(tmp_path / "b.parquet", rows(50))
    write_csv(tmp_path / "c.csv", rows(60))
    (tmp_path / "notes.md").write_text("not traffic")
    found, stream = read(tmp_path)
    assert len({item["exchange_id"] for item in found}) == len(found) == 60
    assert stream.duplicates == 80


def test_globs_name_files(tmp_path: Path) -> None:
    for part in "abc":
        write_jsonl(tmp_path / f"{part}.jsonl", [row(ord(part))])
    found, _ = read(str(tmp_path / "[ab].jsonl"))
    assert [item["exchange_id"] for item in found] == ["ex-97", "ex-98"]


def test_a_file_named_like_a_glob_is_read_as_itself(tmp_path: Path) -> None:
    for name, writer in (("we[ir]d*'.jsonl", write_jsonl), ("we[ir]d*'.parquet", write_parquet)):
        found, _ = read(writer(tmp_path / name, rows(3)))
        assert len(found) == 3


BROKEN: list[tuple[bytes, str]] = [
    (b'{"exchange_id": "x", "started_at": ', "the line ends early"),
    (b"\0\0\0", "NUL bytes"),
    (b'{"exchange_id": "\xff\xfe"}', "not valid UTF-8"),
    (b'{"a": "\\ud800"}', "not valid JSON"),
    (b"[1, 2]", "expected a JSON object"),
    (b"17", "expected a JSON object"),
    (json.dumps(row(1, account_id=None)).encode(), "missing account_id"),
    (json.dumps(row(1, account_id="")).encode(), "missing account_id"),
    (json.dumps({k: v for k, v in row(1).items() if k != "request_model"}).encode(), "missing request_model"),
    (json.dumps(row(1, started_at="yesterday")).encode(), "started_at"),
    (json.dumps(row(1, started_at="2031-01-01T00:00:00Z")).encode(), "future"),
    (json.dumps(row(1, started_at="1999-01-01T00:00:00Z")).encode(), "before 2015"),
    (json.dumps(row(1, message_count="many")).encode(), "message_count"),
    (json.dumps(row(1, message_count=1.5)).encode(), "message_count"),
    (json.dumps(row(1, message_count=-1)).encode(), "message_count is negative"),
    (json.dumps(row(1, message_count=3_000_000_000)).encode(), "message_count"),
    (json.dumps(row(1, stream="perhaps")).encode(), "stream"),
    (json.dumps(row(1, account_id={"id": 1})).encode(), "account_id"),
    (json.dumps(row(1, request_model=["m"])).encode(), "request_model"),
    (json.dumps(row(1, tool_names={"a": 1})).encode(), "tool_names"),
]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
@pytest.mark.parametrize(("line", "reason"), BROKEN)
def test_a_broken_line_is_set_aside_with_its_number_and_reason(
    tmp_path: Path, line: bytes, reason: str, suffix: str
) -> None:
    lines = jsonl(rows(40)).splitlines()
    lines[10:10] = [b"", line, b"   "]
    found, stream = read(write(tmp_path / f"a{suffix}", b"\r\n".join(lines) + b"\r\n"))
    assert len(found) == 40
    assert [item.line for item in stream.quarantine.sample] == [12]
    assert reason in stream.quarantine.sample[0].reason


def test_many_broken_lines_keep_their_numbers(tmp_path: Path) -> None:
    lines = jsonl(rows(2000)).splitlines()
    broken = {7, 8, 500, 1999, 2003}
    for at in sorted(broken):
        lines.insert(at - 1, b'{"exchange_id": 3')
    _, stream = read(write(tmp_path / "a.jsonl", b"\n".join(lines)))
    assert {item.line for item in stream.quarantine.sample} == broken
    assert stream.accepted == 2000


def test_a_last_line_cut_off_and_a_byte_order_mark_cost_one_row(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + jsonl(rows(20))[:-30]
    found, stream = read(write(tmp_path / "a.jsonl", data))
    assert len(found) == 19
    assert [(item.line, item.reason) for item in stream.quarantine.sample] == [
        (20, "not valid JSON: the line ends early")
    ]


def test_keys_may_come_and_go_between_lines(tmp_path: Path) -> None:
    records = [{k: v for k, v in row(n).items() if v is not None and (n % 5 or k != "temperature")} for n in range(200)]
    records[150]["ja4"] = "t13d"
    for record in records[::3]:
        record["shoe_size"] = 43
    found, stream = read(write_jsonl(tmp_path / "a.jsonl", records))
    assert len(found) == 200
    assert found[150]["ja4"] == "t13d"
    assert stream.extra_columns == ("shoe_size",)


def test_prompts_may_be_structured(tmp_path: Path) -> None:
    found, _ = read(write_jsonl(tmp_path / "a.jsonl", [row(1, prompt={"a": 1}), row(2, account_id="{braced}")]))
    assert found[0]["prompt"] == '{"a":1}'
    assert found[1]["account_id"] == "{braced}"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("2026-09-01T12:00:00Z", 0),
        ("2026-09-01T14:00:00+02:00", 0),
        ("2026-09-01 12:00:00.5", 500_000),
        ("2026-09-01T12:00:00.1234567Z", 123_456),
        (1788264000, 0),
        (1788264000.25, 250_000),
        (1788264000123, 123_000),
        (1788264000123456, 123_456),
        (1788264000123456789, 123_456),
        ("1788264000", 0),
    ],
)
def test_times_are_understood_in_every_usual_unit(tmp_path: Path, value: object, says: int) -> None:
    found, _ = read(write_jsonl(tmp_path / "a.jsonl", [row(0, started_at=value)]))
    assert found[0]["started_at"].timestamp() * 1e6 == pytest.approx(1788264000e6 + says, abs=1)


@pytest.mark.parametrize(
    ("given_address", "kept"),
    [
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("203.0.113.9:5512", "203.0.113.9"),
        ("81.2.69.***", None),
        ("nowhere", None),
        ("1.2.3", None),
        ("01.2.3.4", None),
        ("256.1.1.1", None),
    ],
)
def test_an_address_has_one_spelling_and_a_bad_one_costs_only_itself(
    tmp_path: Path, given_address: str, kept: str | None
) -> None:
    found, stream = read(write_jsonl(tmp_path / "a.jsonl", [row(0), row(1, client_address=given_address)]))
    assert found[1].get("client_address") == kept
    assert stream.bad_addresses == (kept is None)


def test_a_parquet_with_other_but_convertible_types_is_read(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([row(0, message_count=2.0, max_tokens="512"), row(1, message_count=float("nan"))])
    at = table.schema.get_field_index("account_id")
    table = table.set_column(at, "account_id", table.column("account_id").dictionary_encode())
    pq.write_table(table, tmp_path / "a.parquet")
    found, _ = read(tmp_path / "a.parquet")
    assert found[0]["max_tokens"] == 512
    assert [item.get("message_count") for item in found] == [2, None]


def test_a_bad_parquet_row_is_set_aside_by_its_number(tmp_path: Path) -> None:
    records = [row(0), row(1), row(2, message_count=-4), row(3, account_id=None)]
    _, stream = read(write_parquet(tmp_path / "a.parquet", records))
    assert [(item.line, item.reason) for item in stream.quarantine.sample] == [
        (3, "message_count is negative"),
        (4, "missing account_id"),
    ]


@pytest.mark.slow
def test_an_absurdly_large_prompt_is_set_aside(tmp_path: Path) -> None:
    huge = row(1, prompt="a" * (33 << 20))
    found, stream = read(write_jsonl(tmp_path / "a.jsonl", [row(0), huge, row(2)]))
    assert len(found) == 2
    assert [(item.line, item.reason) for item in stream.quarantine.sample] == [(2, "prompt is larger than 32 MB")]


@pytest.mark.slow
def test_a_line_over_the_limit_does_not_fill_the_memory(tmp_path: Path) -> None:
    lines = [jsonl([row(0)]), b'{"prompt": "' + b"a" * (66 << 20) + b'"}\n', jsonl([row(2)])]
    found, stream = read(write(tmp_path / "a.jsonl", b"".join(lines)))
    assert [item["exchange_id"] for item in found] == ["ex-0", "ex-2"]
    assert [(item.line, item.reason) for item in stream.quarantine.sample] == [(2, "the row is larger than 64 MB")]


def test_a_csv_row_with_too_many_values_is_set_aside(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", rows(5))
    path.write_bytes(path.read_bytes() + b"one,two\n")
    found, stream = read(path)
    assert len(found) == 5
    assert "values where the header has" in stream.quarantine.sample[0].reason


@pytest.mark.parametrize("content", ["features", "none"])
def test_no_text_leaves_without_permission(tmp_path: Path, content: str) -> None:
    records = [row(0, response="yes", system_prompt="be brief", reasoning="hm"), row(1, message_count="x")]
    found, stream = read(write_jsonl(tmp_path / "a.jsonl", records), content=content)
    assert not {"prompt", "response", "system_prompt", "reasoning"} & found[0].keys()
    assert stream.accepted == 1


def test_redacted_text_has_no_addresses_keys_or_digits(tmp_path: Path) -> None:
    text = "write to jo.doe@example.org, key sk-abcdef1234567890, call 555-0199"
    found, _ = read(write_jsonl(tmp_path / "a.jsonl", [row(0, prompt=text)]), content="redacted")
    assert found[0]["prompt"] == "write to <email>, key <key>, call 000-0000"


def test_a_credential_in_key_id_is_hashed(tmp_path: Path) -> None:
    found, _ = read(write_jsonl(tmp_path / "a.jsonl", [row(0, key_id="sk-secret"), row(1, key_id="abc")]))
    assert "sk-" not in found[0]["key_id"]
    assert found[1]["key_id"] == "abc"


json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(max_size=12),
    st.lists(st.text(max_size=4), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(0, 5), max_size=2),
)
changed = st.dictionaries(st.sampled_from(tables.EXCHANGES.names[4:]), json_values, max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changed, min_size=1, max_size=5))
def test_the_fast_way_and_the_plain_way_accept_the_same_rows(tmp_path: Path, changes: list[dict[str, Any]]) -> None:
    records = [row(number, **change) for number, change in enumerate(changes)]
    accepted: list[str] = []
    for record in records:
        try:
            made = typed(record)
        except BadRowError:
            continue
        if not any(isinstance(made[name], int) and made[name] < 0 for name in _counts()):
            accepted.append(record["exchange_id"])
    write_jsonl(tmp_path / "a.jsonl", records)
    write_jsonl(tmp_path / "a.jsonl.gz", records)
    for name in ("a.jsonl", "a.jsonl.gz"):
        try:
            found, _ = read(tmp_path / name)
        except InputError:
            found = []
        assert [item["exchange_id"] for item in found] == accepted


def _counts() -> tuple[str, ...]:
    from stillwatch.ingest.checks import COUNTS

    return COUNTS


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_anywhere_costs_rows_but_never_the_run(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(jsonl(rows(30)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.jsonl"
    path.write_bytes(whole)
    try:
        found, stream = read(path)
    except InputError:
        return
    (tmp_path / "b.jsonl.gz").write_bytes(write(tmp_path / "x.gz", bytes(whole)).read_bytes())
    again, _ = read(tmp_path / "b.jsonl.gz")
    assert found == again
    assert stream.accepted + stream.duplicates + stream.quarantined == stream.rows_read
