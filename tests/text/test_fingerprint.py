"""Exchanges to fingerprints as a whole: the contract's schema, the same rows however split, nothing out of nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.model import CAPABILITIES
from stillwatch.tables import EXCHANGES, FINGERPRINTS
from stillwatch.text import fingerprint, load_model

MODEL = load_model()
START = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = st.sampled_from(["Solve 12 apples.", "请一步一步地思考", "def f():\n    return 1", "", "why?", "Привет, мир"])


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


ROWS = st.fixed_dictionaries(
    {
        "platform": st.sampled_from(["api", "bedrock"]),
        "account_id": st.sampled_from(["a", "b", "c"]),
        "request_model": st.sampled_from(["m1", "m2"]),
    },
    optional={
        "client_address": maybe(st.sampled_from(["10.0.0.1", "::1", "what"])),
        "ja4": maybe(st.sampled_from(["j", "k"])),
        "header_signature": maybe(st.just("h")),
        "user_agent": maybe(st.sampled_from(["ua/1", "ua/2"])),
        "conversation_id": maybe(st.text(max_size=4)),
        "system_prompt": maybe(WORDS),
        "prompt": maybe(WORDS),
        "response": maybe(WORDS),
        "reasoning": maybe(WORDS),
        "tool_names": maybe(st.lists(st.sampled_from(["x", "y", "z"]), max_size=4)),
        "image_count": maybe(st.integers(0, 3)),
        "temperature": maybe(st.floats(0, 2)),
        "max_tokens": maybe(st.integers(1, 9)),
        "stream": maybe(st.booleans()),
        "reasoning_effort": maybe(st.just("high")),
    },
)


def batch_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    full = [
        {"exchange_id": f"e{at}", "started_at": START + timedelta(seconds=at), **row} for at, row in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(full, schema=EXCHANGES)


def rows_of(*batches: pa.RecordBatch, salt: bytes = b"s") -> list[dict[str, Any]]:
    return [row for batch in batches for row in fingerprint(batch, salt=salt, model=MODEL).to_pylist()]


def one(**row: Any) -> dict[str, Any]:
    base = {"platform": "api", "account_id": "a", "request_model": "m"}
    return rows_of(batch_of([base | row]))[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=9), st.data())
def test_any_split_gives_the_same_rows(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    batch = batch_of(rows)
    cut = data.draw(st.integers(0, len(rows)))
    assert rows_of(batch) == rows_of(batch.slice(0, cut), batch.slice(cut))


@settings(max_examples=20, deadline=None)
@given(st.lists(ROWS, max_size=5))
def test_the_schema_is_the_contract(rows: list[dict[str, Any]]) -> None:
    out = fingerprint(batch_of(rows), salt=b"s", model=MODEL)
    assert out.schema.equals(FINGERPRINTS)
    assert out.num_rows == len(rows)
    out.validate(full=True)


def test_nothing_comes_out_of_what_is_not_there() -> None:
    row = one()
    present = {name for name, value in row.items() if value is not None}
    assert present == {"exchange_id", "account_key", "at", "platform", "account_id", "model"}


def test_a_row_that_says_everything_fills_every_column() -> None:
    row = one(
        key_id="k", org_id="o", end_user_id="u", client_address="10.0.0.1", client_asn=1, client_country="DE",
        client_network="vpn", ja4="j", header_signature="h", user_agent="ua", operation="chat", conversation_id="c",
        message_count=1, system_prompt="Be kind.", prompt="Tell me four words now.", tool_names=["t"], image_count=0,
        max_tokens=5, temperature=0.5, top_p=0.9, stream=True, reasoning_effort="low", response="Yes.", reasoning="Hm.",
        finish_reason="stop", input_tokens=1, output_tokens=1, reasoning_tokens=1, latency_ms=1, status_code=200,
    )  # fmt: skip
    assert [name for name, value in row.items() if value is None] == []
    assert 0 <= row["capability"] < len(CAPABILITIES)
    assert 1 / len(CAPABILITIES) <= row["capability_share"] <= 1


def test_an_empty_prompt_is_not_a_missing_one() -> None:
    row = one(prompt="")
    assert row["prompt_chars"] == 0
    assert row["text_key"] is not None
    assert row["near_keys"] is None  # no words, nothing to be near to


def test_identities_depend_on_the_salt_and_texts_do_not() -> None:
    batch = batch_of(
        [{"platform": "api", "account_id": "a", "request_model": "m", "prompt": "hi", "conversation_id": "c"}]
    )
    first, second = rows_of(batch, salt=b"1")[0], rows_of(batch, salt=b"2")[0]
    assert first["text_key"] == second["text_key"]
    for name in ("account_key", "conversation_key"):
        assert first[name] != second[name]


def test_the_same_account_name_on_two_platforms_is_two_accounts() -> None:
    rows = rows_of(
        batch_of([{"platform": p, "account_id": a, "request_model": "m"} for p, a in [("x", "yz"), ("xy", "z")]])
    )
    assert rows[0]["account_key"] != rows[1]["account_key"]


@pytest.mark.parametrize("name", ["max_tokens", "temperature", "top_p", "stream", "reasoning_effort"])
def test_every_parameter_counts_in_the_parameter_key(name: str) -> None:
    values = {"max_tokens": 7, "temperature": 0.0, "top_p": 1.0, "stream": False, "reasoning_effort": "low"}
    without = {k: v for k, v in values.items() if k != name}
    assert one(**values)["params_key"] != one(**without)["params_key"]
    assert one()["params_key"] is None


def test_without_the_lexical_family_only_classifier_columns_are_null() -> None:
    batch = batch_of([{"platform": "api", "account_id": "a", "request_model": "m", "prompt": "Think about this now."}])
    full, bare = (fingerprint(batch, salt=b"s", model=m).to_pylist()[0] for m in (MODEL, MODEL.without_lexical()))
    lost = {name for name in full if full[name] is not None and bare[name] is None}
    assert lost == {"capability", "capability_share", "elicitation_bits", "grading_bits", "rewriting_bits"}
    assert all(full[name] == bare[name] for name in full if name not in lost)


def test_no_text_leaves() -> None:
    secrets = {
        "prompt": "zebra quilt",
        "system_prompt": "walrus mint",
        "response": "otter plum",
        "reasoning": "newt fig",
    }
    said = str(one(**secrets, user_agent="gnu/9", client_address="10.9.8.7"))
    assert not any(word in said for text in secrets.values() for word in text.split())
    assert "gnu" not in said
    assert "10.9.8.7" not in said


def test_fingerprints_keep_nothing_of_their_batch_in_memory() -> None:
    """Columns that come through Arrow's C interface share one owner: a single one kept would keep every prompt."""
    base = {"platform": "api", "account_id": "a", "request_model": "m"}
    batch = batch_of([base | {"stream": True, "max_tokens": 9, "prompt": "p"} for _ in range(9)])
    given = {buffer.address for column in batch.columns for buffer in column.buffers() if buffer}
    kept = fingerprint(batch, salt=b"s", model=MODEL)
    left = {buffer.address for column in kept.columns for buffer in column.buffers() if buffer}
    assert not given & left
