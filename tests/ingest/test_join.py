"""Enrichment by request id: fills only nulls, twice is once, and says what stayed unknown."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_rows import read, row, write, write_csv, write_jsonl

from stillwatch.errors import InputError
from stillwatch.ingest.checks import conform
from stillwatch.ingest.join import load_join
from stillwatch.ingest.rows import table, typed

NAMES = st.sampled_from(["ex-0", "ex-1", "ex-2", "ex-3"])
MAYBE = st.one_of(st.none(), st.sampled_from(["a", "b"]))


def test_a_join_names_the_account_and_leaves_what_is_known(tmp_path: Path) -> None:
    given_rows = [row(0, account_id=None), row(1, account_id="own", client_address=None), row(2, account_id=None)]
    join = write_csv(
        tmp_path / "j.csv",
        [
            {
                "request_id": "ex-0",
                "account_id": "joined",
                "sourceIPAddress": "::ffff:198.51.100.1",
                "userAgent": "curl",
            },
            {"request_id": "ex-1", "account_id": "other", "sourceIPAddress": "198.51.100.2", "userAgent": "curl"},
        ],
    )
    found, stream = read(write_jsonl(tmp_path / "a.jsonl", given_rows), join=join)
    assert [item["account_id"] for item in found] == ["joined", "own"]
    assert [item["client_address"] for item in found] == ["203.0.113.0", "198.51.100.2"]
    assert stream.join_counts == (2, 1, 0)
    (rejected,) = stream.quarantine.sample
    assert rejected.line == 3
    assert "missing account_id" in rejected.reason
    assert str(join) in rejected.reason


def test_a_table_that_cannot_be_joined_is_refused(tmp_path: Path) -> None:
    for data, says in (
        (b"name,account_id,x\na,b,c\n", "no column to join by"),
        (b"request_id,colour,size\na,b,c\n", "nothing to fill"),
    ):
        with pytest.raises(InputError, match=says):
            load_join(write(tmp_path / "j.csv", data))
    with pytest.raises(InputError, match="client_asn"):
        load_join(write(tmp_path / "j.csv", b"request_id,account_id,client_asn\na,b,many\n"))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(NAMES, MAYBE, MAYBE), min_size=1, max_size=6),
    st.lists(st.tuples(NAMES, MAYBE, MAYBE), max_size=4),
)
def test_joining_fills_only_nulls_and_twice_is_once(
    tmp_path: Path, left: list[tuple[str, Any, Any]], right: list[tuple[str, Any, Any]]
) -> None:
    lines = [f'{{"request_id": "{key}", "org_id": {_json(org)}, "ja4": {_json(ja4)}}}' for key, org, ja4 in right]
    join = load_join(write(tmp_path / "j.jsonl", "\n".join(lines or ['{"request_id": "zz", "org_id": "o"}']).encode()))
    records = [row(0, exchange_id=key, org_id=org, ja4=ja4) for key, org, ja4 in left]
    batch = conform(table([typed(record) for record in records])).batch
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    once = join.fill(columns)
    assert {name: once[name].to_pylist() for name in once} == {name: join.fill(once)[name].to_pylist() for name in once}
    known = {key: (org, ja4) for key, org, ja4 in reversed(right)}
    for at, (key, org, ja4) in enumerate(left):
        brought = known.get(key, (None, None))
        assert once["org_id"][at].as_py() == (org or brought[0])
        assert once["ja4"][at].as_py() == (ja4 or brought[1])
    for order in itertools.islice(itertools.permutations(range(len(left))), 5):
        shuffled = join.fill({name: column.take(list(order)) for name, column in columns.items()})
        assert shuffled["org_id"].to_pylist() == [once["org_id"][at].as_py() for at in order]


def _json(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


def test_a_join_can_bring_lists(tmp_path: Path) -> None:
    given_rows = [row(0, tool_names=None), row(1, tool_names=["own"])]
    lines = b'{"request_id": "ex-0", "tool_names": ["a"]}\n{"request_id": "ex-1", "tool_names": ["b"]}\n'
    found, _ = read(write_jsonl(tmp_path / "a.jsonl", given_rows), join=write(tmp_path / "j.jsonl", lines))
    assert [item["tool_names"] for item in found] == [["a"], ["own"]]
