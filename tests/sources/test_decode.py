"""Bytes of every kind become rows or letters, and never an error."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch import tables
from stillwatch.errors import ConfigError
from stillwatch.ingest import Options, Quarantine, open_exchanges
from stillwatch.sources import Body, Decoded, Reading, decode, decode_all

NOW = datetime(2026, 11, 23, tzinfo=UTC)
START = datetime(2026, 9, 1, 12, tzinfo=UTC)
READING = Reading(salt=b"salt", now=NOW)
SAMPLES = Path(__file__).parents[1] / "samples"


def call(number: int, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "exchange_id": f"ex-{number}",
        "started_at": (START + timedelta(seconds=number)).isoformat(),
        "platform": "api",
        "account_id": f"acct-{number % 5}",
        "request_model": "large-4",
        "prompt": f"What is {number} plus one?",
        "tool_names": ["search"] if number % 2 else None,
        "temperature": 0.5,
    }
    return {**made, **changes}


def ndjson(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def ids(found: Decoded) -> list[str]:
    return found.batch.column("exchange_id").to_pylist()


def reasons(found: Decoded) -> list[str]:
    return [letter.because for letter in found.letters]


def parquet(*records: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records)), out)
    return out.getvalue()


CALLS = [call(number) for number in range(30)]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (ndjson(*CALLS), "application/x-ndjson"),
        (ndjson(*CALLS), ""),
        (ndjson(*CALLS).rstrip(b"\n"), "application/json"),
        (b"\xef\xbb\xbf" + ndjson(*CALLS).replace(b"\n", b"\r\n\r\n"), "text/plain"),
        (json.dumps(CALLS).encode(), "application/json; charset=utf-8"),
        (json.dumps(CALLS, indent=2).encode(), ""),
        (gzip.compress(ndjson(*CALLS)), ""),
        (gzip.compress(ndjson(*CALLS[:9])) + gzip.compress(ndjson(*CALLS[9:])), ""),
        (zstandard.ZstdCompressor().compress(json.dumps(CALLS).encode()), ""),
        (parquet(*CALLS), "application/vnd.apache.parquet"),
        (gzip.compress(parquet(*CALLS)), ""),
    ],
)
def test_every_container_gives_the_same_rows(body: bytes, media_type: str) -> None:
    found = decode(Body(data=body, media_type=media_type), READING)
    assert ids(found) == [item["exchange_id"] for item in CALLS]
    assert found.batch.schema.names == tables.EXCHANGES.names
    assert found.batch.schema.types == tables.EXCHANGES.types
    assert found.batch.equals(decode(Body(data=ndjson(*CALLS)), READING).batch)
    assert not found.letters
    assert found.refused is None


def test_live_and_files_read_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(ndjson(*CALLS, call(40, prompt="", key_id="sk-abcdefgh", client_address="::ffff:10.0.0.1")))
    stream = open_exchanges([path], Options(now=NOW, salt=b"salt"), Quarantine())
    assert pa.Table.from_batches([decode(Body(data=path.read_bytes()), READING).batch]).equals(
        pa.Table.from_batches(stream.batches()).combine_chunks()
    )


BAD: list[tuple[bytes, str]] = [
    (b'{"exchange_id": "x", "started_at": ', "the line ends early"),
    (b'{"exchange_id": "\xff"}', "not valid UTF-8"),
    (b'{"extra": "\xff"}', "not valid UTF-8"),
    (b"[1, 2]", "expected a JSON object"),
    (b"17", "expected a JSON object"),
    (b"not JSON at all", "not valid JSON"),
    (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (json.dumps(call(1, account_id=None)).encode(), "missing account_id"),
    (json.dumps(call(1, started_at="yesterday")).encode(), "started_at"),
    (json.dumps(call(1, started_at="2031-01-01T00:00:00Z")).encode(), "future"),
    (json.dumps(call(1, started_at="1999-01-01T00:00:00Z")).encode(), "before 2015"),
    (json.dumps(call(1, started_at=10**30)).encode(), "started_at"),
    (json.dumps(call(1, message_count=3_000_000_000)).encode(), "message_count"),
    (json.dumps(call(1, input_tokens=10**40)).encode(), "input_tokens"),
    (json.dumps(call(1, message_count=-1)).encode(), "message_count is negative"),
    (json.dumps(call(1, stream="perhaps")).encode(), "stream"),
    (json.dumps(call(1, tool_names={"a": 1})).encode(), "tool_names"),
    (json.dumps(call(1, account_id={"id": 1})).encode(), "account_id"),
    (b'{"temperature": 1e999}', "not valid JSON"),
    (b'{"temperature": NaN}', "not valid JSON"),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_poisoned_line_becomes_a_letter_and_the_others_pass(line: bytes, reason: str) -> None:
    lines = ndjson(*CALLS).splitlines()
    lines[7:7] = [line]
    found = decode(Body(data=b"\n".join(lines), format="canonical"), READING)
    assert ids(found) == [item["exchange_id"] for item in CALLS]
    assert [letter.position for letter in found.letters] == ["line 8"]
    assert reason in found.letters[0].because
    assert found.rejected == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (Body(data=gzip.compress(ndjson(*CALLS))[:-20]), "ends early"),
        (Body(data=b"\x1f\x8b" + b"\x00" * 50), "damaged"),
        (Body(data=b"{}", encoding="br"), "unknown content encoding"),
        (Body(data=b"{}", encoding="gzip"), "damaged"),
        (Body(data=b"{}", encoding="gzip, gzip"), "more than one"),
        (Body(data=b"PAR1 and then nothing"), "Parquet"),
        (Body(data=parquet(*CALLS)[:-9] + b"12345PAR1"), "Parquet"),
        (Body(data=bytes(range(256)) * 40), "binary"),
        (Body(data=b'{"colour": "red"}'), "unknown format"),
        (Body(data=b"\xff" * 40, media_type="application/x-protobuf"), "OTLP"),
        (Body(data=b"", problem="the file is gone"), "the file is gone"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_one_letter(body: Body, reason: str) -> None:
    found = decode(body, READING)
    assert found.batch.num_rows == 0
    assert reason in (found.refused or "")
    assert len(found.letters) == found.rejected == 1


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_bomb_is_refused_before_it_goes_off(compress: Any) -> None:
    small = Reading(salt=b"salt", max_bytes=1 << 20)
    found = decode(Body(data=compress(b" " * (64 << 20))), small)
    assert found.refused == "more than 1,048,576 bytes of content"
    wide = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27))
    assert decode(Body(data=wide.compress(b"x" * (200 << 20))), READING).refused == "the compressed body is damaged"


def test_a_parquet_whose_dictionary_stands_for_too_much_is_refused() -> None:
    out = io.BytesIO()
    rows = 30_000
    long = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 50_000]))
    names = {name: ["a"] * rows for name in ("exchange_id", "started_at", "platform", "account_id", "request_model")}
    pq.write_table(pa.table({**names, "prompt": long}), out, compression="zstd")
    assert len(out.getvalue()) < 100_000
    assert "bytes of content" in (decode(Body(data=out.getvalue()), READING).refused or "")


def test_true_where_a_number_is_due_is_one_however_it_is_read() -> None:
    found = decode(Body(data=ndjson(call(1, message_count=True), call(2, message_count="true"))), READING)
    assert found.batch.column("message_count").to_pylist() == [1, 1]


def test_letters_are_kept_up_to_a_number_and_all_are_counted() -> None:
    found = decode(Body(data=b"{\n" * 5_000, format="canonical", container="lines"), Reading(salt=b"s", max_letters=10))
    assert (len(found.letters), found.rejected) == (10, 5_000)


def test_an_empty_body_is_a_probe_and_no_error() -> None:
    found = decode(Body(data=b""), READING)
    assert (found.batch.num_rows, found.rejected, found.refused) == (0, 0, None)


def test_a_format_nobody_knows_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="nosuch"):
        decode(Body(data=b"{}", format="nosuch"), READING)


def litellm() -> list[dict[str, Any]]:
    names = ("basic_reasoning", "stream", "tools")
    return [json.loads((SAMPLES / "litellm" / f"slp_v1.109.1_{name}.json").read_text()) for name in names]


@pytest.mark.parametrize(
    "body", [json.dumps(litellm()).encode(), ndjson(*litellm()), json.dumps(litellm()[0]).encode()]
)
def test_litellm_sends_arrays_and_lines(body: bytes) -> None:
    found = decode(Body(data=body, media_type="application/json"), READING)
    assert found.batch.num_rows in (1, 3)
    assert not found.letters
    key = found.batch.column("key_id").to_pylist()[0]
    assert key is not None
    assert key not in json.dumps(litellm())


@pytest.mark.parametrize("signal", ["traces", "logs"])
@pytest.mark.parametrize("named", [True, False])
def test_otlp_protobuf_gives_what_otlp_json_gives(signal: Any, *, named: bool) -> None:
    pytest.importorskip("opentelemetry.proto")
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    kind = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}[signal]
    text = (SAMPLES / "otel" / f"otlp_{signal}_util-genai_1.3b0_span_and_event.json").read_bytes()
    text = text.replace(b'"observedTimeUnixNano"', b'"timeUnixNano"')  # some releases of the package do not know it
    as_json = decode(Body(data=text, media_type="application/json"), READING)
    old = not {"scope_spans", "scope_logs"} & set(kind.DESCRIPTOR.fields[0].message_type.fields_by_name)
    given = _base64_ids(json.loads(text))
    message = ParseDict(_old_names(given) if old else given, kind(), ignore_unknown_fields=True)
    body = Body(
        data=gzip.compress(message.SerializeToString()),
        encoding="gzip",
        media_type="application/x-protobuf",
        signal=signal if named else None,
    )
    assert decode(body, READING).batch.to_pylist() == as_json.batch.to_pylist()
    assert as_json.batch.num_rows == 2


_OLD = {
    "scopeSpans": "instrumentationLibrarySpans",
    "scopeLogs": "instrumentationLibraryLogs",
    "scope": "instrumentationLibrary",
    "logRecords": "logs",
}


def _old_names(value: Any) -> Any:
    """As the fields were called before 2022; some releases of the package still do, and the bytes are the same."""
    if isinstance(value, list):
        return [_old_names(item) for item in value]
    return (
        {_OLD.get(name, name): _old_names(item) for name, item in value.items()} if isinstance(value, dict) else value
    )


def _base64_ids(value: Any) -> Any:
    import base64

    if isinstance(value, list):
        return [_base64_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_id = ("traceId", "spanId", "parentSpanId")
    return {
        name: base64.b64encode(bytes.fromhex(item)).decode() if name in is_id else _base64_ids(item)
        for name, item in value.items()
    }


@pytest.mark.parametrize("content", ["redacted", "features", "none"])
def test_text_travels_as_far_as_the_content_mode_lets_it(content: Any) -> None:
    bad = {"prompt": "mail jo@example.org", "authorization": "Bearer abcdef"}
    good = call(1, prompt="mail jo@example.org", response="ok 42", key_id="sk-abcdefgh")
    reading = Reading(salt=b"salt", content=content)
    found = decode(Body(data=ndjson(good, bad), format="canonical"), reading)
    shown = str(found.batch.to_pylist()) + found.letters[0].excerpt
    assert not any(secret in shown for secret in ("jo@example.org", "abcdef", "sk-"))
    assert ("<email>" in shown) == (content == "redacted")
    assert len(found.letters[0].excerpt) <= 500


def test_many_small_bodies_are_decoded_at_once_and_keep_their_places() -> None:
    bodies = [Body(data=ndjson(call(number)), place=f"t/0/{number}") for number in range(20)]
    bodies.insert(5, Body(data=b"{broken", format="canonical", place="t/0/99"))
    bodies.append(Body(data=ndjson(*litellm())))
    found = decode_all(bodies, READING)
    assert ids(found)[:20] == [f"ex-{number}" for number in range(20)]
    assert found.batch.num_rows == 23
    assert [letter.position for letter in found.letters] == ["t/0/99:0"]


def test_a_made_up_id_does_not_depend_on_where_reading_began() -> None:
    records = [{**record, "litellm_call_id": None, "id": None} for record in (litellm()[0], *litellm()[:1])]
    lines = ndjson(*records)
    whole = decode(Body(data=lines, place="app.log@1.2", format="litellm"), READING)
    cut = lines.index(b"\n") + 1
    second = decode(Body(data=lines[cut:], place="app.log@1.2", start=cut, format="litellm"), READING)
    assert ids(whole)[1:] == ids(second)
    assert len(set(ids(whole))) == 2
    by_wire = [ids(decode(Body(data=line, format="litellm"), READING)) for line in lines.splitlines()]
    assert by_wire[0] == by_wire[1]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "2026-01-02T03:04:05Z", "2026-01-02", "1.5", "true", "10.0.0.1", "sk-secret1", "[1]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
CHANGES = st.dictionaries(st.sampled_from([*tables.EXCHANGES.names, "extra"]), VALUES, max_size=4)
NOISE = st.sampled_from(
    [b"", b" ", b"\r", b"{", b"[]", b"null", b'{"prompt": "\\ud800"}', b'{"x": "\xff"}', b"\xc3\x28"]
)


@st.composite
def bodies_of_lines(draw: st.DrawFn) -> bytes:
    lines: list[bytes] = []
    for number in range(draw(st.integers(1, 8))):
        changes = draw(CHANGES) if draw(st.booleans()) else {}
        lines.append(
            json.dumps(call(number, **changes), ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
        )
    for noise in draw(st.lists(NOISE, max_size=2)):
        lines.insert(draw(st.integers(0, len(lines))), noise)
    return b"\n".join(lines)


@settings(max_examples=150, deadline=None)
@given(bodies_of_lines())
def test_the_fast_way_and_the_exact_way_agree_on_every_line(data: bytes) -> None:
    fast = decode(Body(data=data, format="canonical", container="lines"), READING)
    exact = decode(Body(data=data, format="canonical", container="lines"), READING, exact=True)
    assert fast.batch.equals(exact.batch)
    assert [(letter.position, letter.because) for letter in fast.letters] == [
        (letter.position, letter.because) for letter in exact.letters
    ]


MEDIA = st.sampled_from(["", "application/json", "application/x-ndjson", "application/x-protobuf", "text/csv"])


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300)
    | bodies_of_lines()
    | st.binary(max_size=60).map(lambda tail: parquet(call(1))[:-60] + tail),
    MEDIA,
    st.sampled_from(["", "gzip", "zstd", "identity"]),
    st.sampled_from([None, "canonical", "litellm", "otel", "bedrock", "wire", "vllm"]),
    st.sampled_from([None, "traces", "logs"]),
)
def test_no_bytes_at_all_raise(data: bytes, media_type: str, encoding: str, form: Any, signal: Any) -> None:
    decode(Body(data=data, media_type=media_type, encoding=encoding, format=form, signal=signal), READING)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_mutation_of_a_known_record_raises(data: st.DataObject) -> None:
    whole = bytearray(json.dumps(litellm()).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    decode(Body(data=bytes(whole), format="litellm"), READING)
