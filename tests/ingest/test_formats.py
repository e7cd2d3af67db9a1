"""Every format against samples of what the products really write (``tests/samples``) and small written records.

``WRITE_GOLDEN=1 pytest tests/ingest/test_formats.py`` writes the expected rows anew; look at the difference before
committing it.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_rows import Row, read, write, write_jsonl

from stillwatch.errors import ConfigError, InputError
from stillwatch.ingest.context import Context
from stillwatch.ingest.credentials import header_signature, key_id
from stillwatch.ingest.formats import BUILTIN, named
from stillwatch.ingest.replies import SseParser, reply_of

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "samples"
GOLDEN = HERE.parent / "golden" / "ingest"
SHARED = Path(os.environ.get("STILLWATCH_SAMPLES", HERE.parents[2] / "shared" / "samples"))
UNUSABLE = {
    "anthropic/messages_wire_request.json",  # no time on the record; see the wire tests
    "openai/sdk_wire_requests.json",  # the same
    "litellm/generic_guardrail_api_request_v1.109.1.json",  # a decision's input, not a log
    "litellm/slp_v1.109.1_failure.json",  # not valid JSON
    "helicone/request_response_rmt_columns.json",  # a list of names
    "portkey/log_export_fields.json",  # the same
}


def sample_names() -> list[str]:
    return sorted(str(path.relative_to(SAMPLES)) for path in SAMPLES.rglob("*.json*"))


def outcome(path: Path) -> dict[str, Any]:
    join = GOLDEN / "join.csv"
    try:
        found, stream = read(path, join=join)
    except InputError as error:
        return {"error": str(error).replace(str(SAMPLES), "samples")}
    rejected = [
        {"line": item.line, "reason": item.reason.replace(str(join), "join.csv")} for item in stream.quarantine.sample
    ]
    return {
        "format": [kind.format.name for _, kind in stream.recognised()],
        "rows": json.loads(json.dumps(found, default=str)),
        "rejected": rejected,
        "skipped": stream.skipped,
    }


@pytest.mark.parametrize("name", sample_names())
def test_a_sample_gives_the_rows_written_down_for_it(name: str) -> None:
    found = outcome(SAMPLES / name)
    golden = GOLDEN / (name.replace("/", "__") + ".golden.json")
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    assert found == json.loads(golden.read_text())
    assert ("error" in found) == (name in UNUSABLE)


def records_of(name: str) -> list[Any]:
    text = (SAMPLES / name).read_text()
    try:
        whole = json.loads(text)
        return whole if isinstance(whole, list) else [whole]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def wire(tmp_path: Path, records: list[Any]) -> list[Row]:
    dressed = [{"ts": 1760000000 + n, "account_id": "a1", **record} for n, record in enumerate(records)]
    return read(write_jsonl(tmp_path / "wire.jsonl", dressed))[0]


def test_the_wire_keeps_no_credential_and_tells_clients_apart(tmp_path: Path) -> None:
    found = wire(tmp_path, records_of("openai/sdk_wire_requests.json"))
    assert [item["operation"] for item in found] == ["chat", "responses", "messages", "chat", "chat", "chat"]
    assert "sk-" not in json.dumps(found, default=str)
    assert found[0]["key_id"] == found[1]["key_id"] == key_id("sk-x", b"stillwatch") != found[2]["key_id"]
    assert len({item["header_signature"] for item in found}) == 5  # both OpenAI calls come from one client
    assert [item.get("reasoning_effort") for item in found[:3]] == ["low", "high", "2048"]
    assert [item.get("end_user_id") for item in found[:3]] == ["u_42", None, "u_42"]
    assert found[0]["org_id"] == "org-x"
    assert [item.get("image_count") for item in found[:3]] == [0, 1, 1]
    assert found[2]["system_prompt"] == "You are terse."
    assert found[2]["tool_names"] == ["get_weather"]
    assert found[0]["max_tokens"] == 16


def test_header_order_counts_and_what_proxies_add_does_not() -> None:
    plain = header_signature({"Host": "a", "Accept": "b"})
    assert plain == header_signature([["Host", "x"], ["X-Forwarded-For", "1"], ["Accept", "y"]])
    assert plain != header_signature({"Accept": "b", "Host": "a"})
    assert plain != header_signature({"Host": "a", "Accept": "b"}, "1:65536")
    assert header_signature({"a": "1", "B": "2"}, in_wire_order=False) == header_signature(
        {"b": "2", "A": "1"}, in_wire_order=False
    )
    assert header_signature({}) is None


CHAT_EVENTS = [
    {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "Hm, "}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {"reasoning_content": "so."}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Grüße, "}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {"content": "世界"}}]},
    {
        "id": "c1",
        "choices": [
            {"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": '{"a"'}}]}}
        ],
    },
    {"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {
        "id": "c1",
        "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}},
    },
]
MESSAGE_EVENTS = [
    {
        "type": "message_start",
        "message": {"id": "m1", "model": "s", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm, so."}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Grüße, "}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "世界"}},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    },
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
    {"type": "message_delta", "delta": {"stop_reason": "stop"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]
RESPONSES_EVENTS = [
    {"type": "response.created", "response": {"id": "r1", "output": []}},
    {"type": "response.reasoning_summary_text.delta", "delta": "Hm, so."},
    {"type": "response.output_text.delta", "delta": "Grüße, "},
    {"type": "response.output_text.delta", "delta": "世界"},
    {"type": "response.function_call_arguments.delta", "item_id": "t", "delta": '{"a":1}'},
    {
        "type": "response.completed",
        "response": {"id": "r1", "status": "completed", "usage": {"input_tokens": 3, "output_tokens": 9}},
    },
]
CONVERSE_EVENTS = [
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm, so."}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "Grüße, 世界"}}},
    {"contentBlockStart": {"contentBlockIndex": 2, "start": {"toolUse": {"name": "f"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"a":1}'}}}},
    {"messageStop": {"stopReason": "stop"}},
    {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 9}}},
    "[DONE]",
]


@pytest.mark.parametrize("events", [CHAT_EVENTS, MESSAGE_EVENTS, RESPONSES_EVENTS, CONVERSE_EVENTS])
def test_a_stream_is_put_together_again(events: list[Any]) -> None:
    reply = reply_of(events)
    assert (reply.text, reply.reasoning) == ("Grüße, 世界", "Hm, so.")
    assert [call["arguments"] for call in reply.tool_calls.values()] == ['{"a":1}']
    assert (reply.usage["input"], reply.usage["output"]) == (3, 9)


@settings(max_examples=50, deadline=None)
@given(
    events=st.sampled_from([CHAT_EVENTS, MESSAGE_EVENTS, RESPONSES_EVENTS]),
    cuts=st.lists(st.integers(1, 4000), max_size=8),
    crlf=st.booleans(),
)
def test_an_event_stream_may_be_cut_at_any_byte(events: list[Any], cuts: list[int], *, crlf: bool) -> None:
    end = b"\r\n" if crlf else b"\n"
    data = b"".join(
        b"event: x" + end + b"data: " + json.dumps(event, ensure_ascii=False).encode() + end + end for event in events
    )
    data += b"data: [DONE]" + end + end
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    parser = SseParser()
    found = [event for a, b in pairwise(edges) for event in parser.feed(data[a:b])] + parser.finish()
    assert found == events
    assert reply_of(data.decode()).text == "Grüße, 世界"


def test_a_stream_recorded_on_the_wire_fills_the_reply(tmp_path: Path) -> None:
    sse = "".join(f"data: {json.dumps(event)}\n\n" for event in CHAT_EVENTS) + "data: [DONE]\n\n"
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    records = [
        {"request": body, "sse": sse, "headers": {}, "status": 200},
        {"request": body, "chunks": [sse[:37], sse[37:]], "status": 200},
        {"request": body, "response": CHAT_EVENTS, "status": 200},
    ]
    for item in wire(tmp_path, records):
        assert (item["response"], item["reasoning"], item["reasoning_tokens"]) == ("Grüße, 世界", "Hm, so.", 4)
        assert item["finish_reason"] == "stop"


def test_batch_lines_are_exchanges(tmp_path: Path) -> None:
    chat = {"model": "m", "messages": [{"role": "user", "content": "q"}]}
    done = {
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}],
    }
    message = {"id": "msg_1", "model": "s", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"}
    records = [
        {
            "custom_id": "1",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": chat,
            "response": {"status_code": 200, "request_id": "r", "body": done},
        },
        {"custom_id": "2", "params": {**chat, "max_tokens": 5}, "result": {"type": "succeeded", "message": message}},
    ]
    found = wire(tmp_path, records)
    assert [(item["operation"], item["prompt"], item["response"]) for item in found] == [("batch", "q", "a")] * 2
    assert found[0]["status_code"] == 200


def otlp(attributes: dict[str, Any], **span: Any) -> dict[str, Any]:
    pairs = [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in {"user.id": "a1", **attributes}.items()
    ]
    made = {
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "startTimeUnixNano": "1760000000000000000",
        "attributes": pairs,
        **span,
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [made]}]}]}


def test_old_attribute_names_and_openinference_are_understood(tmp_path: Path) -> None:
    old = otlp(
        {
            "gen_ai.system": "openai",
            "gen_ai.request.model": "m",
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "brief",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": "q",
            "gen_ai.completion.0.content": "a",
            "gen_ai.usage.prompt_tokens": 3,
            "gen_ai.usage.completion_tokens": 4,
        }
    )
    older = otlp({"gen_ai.request.model": "m", "gen_ai.prompt": "q", "gen_ai.completion": "a"}, spanId="ef" * 8)
    inference = otlp(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "m",
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "brief",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": "q",
            "llm.input_messages.1.message.contents.1.message_content.type": "image",
            "llm.output_messages.0.message.content": "a",
            "llm.token_count.prompt": 3,
            "llm.token_count.completion": 4,
            "llm.invocation_parameters": '{"temperature": 0.2, "max_tokens": 9}',
            "llm.tools.0.tool.json_schema": '{"function": {"name": "f"}}',
        },
        spanId="01" * 8,
    )
    agent = otlp({"openinference.span.kind": "AGENT", "llm.model_name": "m"}, spanId="02" * 8)
    found, stream = read(write_jsonl(tmp_path / "o.jsonl", [old, older, inference, agent]))
    assert [(item["prompt"], item["response"]) for item in found] == [("q", "a")] * 3
    assert found[0]["system_prompt"] == found[2]["system_prompt"] == "brief"
    assert (found[2]["image_count"], found[2]["temperature"], found[2]["tool_names"]) == (1, 0.2, ["f"])
    assert (found[0]["input_tokens"], found[2]["output_tokens"]) == (3, 4)
    assert stream.skipped == 1


def test_otlp_protobuf_gives_what_otlp_json_gives(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.proto")
    from google.protobuf.json_format import Parse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    given_json = otlp({"gen_ai.request.model": "m", "gen_ai.prompt": "q"})
    message = Parse(json.dumps(given_json).encode(), ExportTraceServiceRequest(), ignore_unknown_fields=True)
    as_protobuf, _ = read(write(tmp_path / "a.pb", message.SerializeToString()))
    as_json, _ = read(write_jsonl(tmp_path / "a.json", [given_json]))
    for item in (*as_protobuf, *as_json):
        del item["exchange_id"]  # Parse takes the hexadecimal ids for base64
    assert as_protobuf == as_json


def test_spans_and_events_of_one_call_count_once() -> None:
    found, stream = read(SAMPLES / "otel")
    assert len(found) == 4
    assert stream.duplicates == 2


def test_bedrock_media_in_s3_are_images_and_uncounted_tokens_unknown(tmp_path: Path) -> None:
    record = records_of("bedrock/model_invocation_logs.jsonl")[1]
    record["input"]["inputBodyJson"]["messages"][0]["content"].append(
        {"image": {"format": "png", "source": {"s3Uri": "s3://b/k"}}}
    )
    record["requestMetadata"] = {"account_id": "acct_9"}
    found, _ = read(write_jsonl(tmp_path / "b.jsonl.gz", [record]))
    assert (found[0]["image_count"], found[0]["account_id"]) == (1, "acct_9")
    guarded = [item for item in read(SAMPLES / "bedrock")[0] if item["prompt"] == "<guardrailed prompt>"]
    assert "input_tokens" not in guarded[0]
    assert "output_tokens" not in guarded[0]


MAPPED: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "envoy": (
        [
            {
                "start_time": "2026-01-01T00:00:00Z",
                "response_code": 200,
                "x-request-id": "r1",
                "x-tenant-id": "a1",
                "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens": 3,
                "x-forwarded-for": "203.0.113.9, 10.0.0.1",
                "user-agent": "curl",
                "duration": 12,
            }
        ],
        {
            "exchange_id": "r1",
            "account_id": "a1",
            "request_model": "m",
            "client_address": "203.0.113.9",
            "latency_ms": 12,
            "input_tokens": 3,
        },
    ),
    "kong": (
        [
            {
                "started_at": 1767225600000,
                "client_ip": "203.0.113.9",
                "consumer": {"id": "a1"},
                "response": {"status": 200},
                "request": {"id": "r1", "headers": {"user-agent": "curl"}},
                "latencies": {"request": 7},
                "ai": {
                    "payload": {"request": '{"messages":[{"role":"user","content":"q"}]}'},
                    "proxy": {
                        "meta": {"request_model": "m", "request_mode": "stream"},
                        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
                    },
                },
            }
        ],
        {
            "exchange_id": "r1",
            "account_id": "a1",
            "prompt": "q",
            "stream": True,
            "latency_ms": 7,
            "user_agent": "curl",
            "output_tokens": 4,
        },
    ),
    "azure-apim": (
        [
            {
                "CorrelationId": "r1",
                "SequenceNumber": 1,
                "TimeGenerated": "2026-01-01T00:00:00Z",
                "ResponseMessages": [{"role": "assistant", "content": "lo"}],
            },
            {
                "CorrelationId": "r1",
                "SequenceNumber": 0,
                "TimeGenerated": "2026-01-01T00:00:00Z",
                "ModelName": "m",
                "PromptTokens": 3,
                "CompletionTokens": 0,
                "RequestMessages": '[{"role":"user","content":"q"}]',
                "ResponseMessages": [{"role": "assistant", "content": "hel"}],
            },
            {
                "CorrelationId": "r1",
                "ApimSubscriptionId": "a1",
                "CallerIpAddress": "203.0.113.9",
                "TimeGenerated": "2026-01-01T00:00:00Z",
                "CompletionTokens": 4,
            },
        ],
        {
            "exchange_id": "r1",
            "account_id": "a1",
            "prompt": "q",
            "response": "hello",
            "platform": "azure",
            "output_tokens": 4,
        },
    ),
    "cloudflare": (
        [
            {
                "id": "r1",
                "created_at": "2026-01-01T00:00:00Z",
                "provider": "openai",
                "model": "m",
                "tokens_in": 3,
                "tokens_out": 4,
                "metadata": '{"account_id":"a1"}',
                "request": {"messages": [{"role": "user", "content": "q"}]},
            }
        ],
        {"exchange_id": "r1", "account_id": "a1", "prompt": "q", "output_tokens": 4},
    ),
    "helicone": (
        [
            {
                "request_id": "r1",
                "request_created_at": "2026-01-01 00:00:00.000",
                "organization_id": "o",
                "user_id": "a1",
                "model": "m",
                "proxy_key_id": "k",
                "request_body": '{"messages":[{"role":"user","content":"q"}]}',
                "response_body": '{"choices":[{"message":{"content":"a"}}]}',
                "country_code": "DE",
                "latency": 9,
                "status": 200,
            }
        ],
        {
            "exchange_id": "r1",
            "account_id": "a1",
            "prompt": "q",
            "response": "a",
            "client_country": "DE",
            "key_id": key_id("k", b"stillwatch"),
        },
    ),
    "portkey": (
        [
            {
                "id": "r1",
                "created_at": "2026-01-01T00:00:00Z",
                "ai_model": "m",
                "ai_org": "openai",
                "metadata": {"_user": "a1"},
                "response_time": 9,
                "request": {"messages": [{"role": "user", "content": "q"}], "temperature": 0.1},
                "response": {"choices": [{"message": {"content": "a"}}]},
            }
        ],
        {"exchange_id": "r1", "account_id": "a1", "prompt": "q", "response": "a", "temperature": 0.1},
    ),
    "vertex": (
        [
            {
                "logging_time": "2026-01-01T00:00:00Z",
                "request_id": "r1",
                "api_method": "StreamGenerateContent",
                "model": "publishers/google/models/m",
                "full_request": {
                    "labels": {"account_id": "a1"},
                    "contents": [
                        {"role": "user", "parts": [{"text": "q"}, {"inline_data": {"mime_type": "image/png"}}]}
                    ],
                    "generation_config": {"thinking_config": {"thinking_budget": 512}},
                },
                "full_response": [
                    {
                        "candidates": [
                            {
                                "content": {"parts": [{"text": "hm", "thought": True}, {"text": "a"}]},
                                "finish_reason": "STOP",
                            }
                        ],
                        "usage_metadata": {
                            "prompt_token_count": 3,
                            "candidates_token_count": 1,
                            "thoughts_token_count": 2,
                        },
                    }
                ],
            }
        ],
        {
            "request_model": "m",
            "account_id": "a1",
            "prompt": "q",
            "response": "a",
            "reasoning": "hm",
            "image_count": 1,
            "reasoning_effort": "512",
            "output_tokens": 3,
            "reasoning_tokens": 2,
            "stream": True,
            "platform": "vertex",
        },
    ),
}


@pytest.mark.parametrize("name", sorted(MAPPED))
def test_a_shipped_map_recognises_and_reads_its_product(tmp_path: Path, name: str) -> None:
    records, wanted = MAPPED[name]
    found, stream = read(write_jsonl(tmp_path / "m.jsonl", records))
    assert [kind.format.name for _, kind in stream.recognised()] == [f"mapped:{name}"]
    assert len(found) == 1
    assert {column: found[0].get(column) for column in wanted} == wanted


def test_halves_of_one_call_meet_across_files(tmp_path: Path) -> None:
    records, wanted = MAPPED["azure-apim"]
    write_jsonl(tmp_path / "llm.jsonl", records[:2])
    write_jsonl(tmp_path / "gateway.jsonl", records[2:])
    found, _ = read(tmp_path)
    assert {column: found[0].get(column) for column in wanted} == wanted


def test_sglang_lines_carry_a_time_before_the_json(tmp_path: Path) -> None:
    finished = {
        "timestamp": "2026-01-01T00:00:01",
        "event": "request.finished",
        "rid": "r1",
        "headers": {"x-smg-routing-key": "a1"},
        "obj": {"text": "q", "sampling_params": {"temperature": 0.7}},
        "out": {"text": "a", "meta_info": {"finish_reason": {"type": "stop"}, "prompt_tokens": 5, "e2e_latency": 0.8}},
    }
    received = {"timestamp": "2026-01-01T00:00:00", "event": "request.received", "rid": "r1", "obj": {"text": "q"}}
    lines = [f"[2026-01-01 00:00:00] {json.dumps(item)}" for item in (received, finished)]
    found, stream = read(write(tmp_path / "s.log", "\n".join(lines).encode()))
    assert (found[0]["prompt"], found[0]["response"], found[0]["latency_ms"], found[0]["account_id"]) == (
        "q",
        "a",
        800,
        "a1",
    )
    assert stream.skipped == 1


def test_vllm_lines_live_from_the_join(tmp_path: Path) -> None:
    params = "SamplingParams(n=1, temperature=0.7, max_tokens=16)"
    line = f"INFO 01-01 00:00:00 [logger.py:42] Received request chatcmpl-1: params: {params}, lora_request: None.\n"
    join = write(
        tmp_path / "j.csv", b"request_id,account_id,request_model,started_at\nchatcmpl-1,a1,m,2026-01-01T00:00:00Z\n"
    )
    found, _ = read(write(tmp_path / "v.log", line.encode()), join=join)
    assert (found[0]["account_id"], found[0]["temperature"], found[0]["max_tokens"]) == ("a1", 0.7, 16)


def test_a_map_of_ones_own_reads_an_odd_log(tmp_path: Path) -> None:
    own = tmp_path / "ours.toml"
    own.write_text(
        '[columns]\nexchange_id = "rid"\nstarted_at = "at"\naccount_id = "who.id"\nrequest_model = "m"\n'
        'latency_ms = { path = "secs", scale = 1000 }\n'
    )
    record = {"rid": "r1", "at": 1767225600, "who": '{"id": "a1"}', "m": "x", "secs": 1.5}
    found, _ = read(write_jsonl(tmp_path / "a.jsonl", [record]), format=f"mapped:{own}")
    assert (found[0]["account_id"], found[0]["latency_ms"], found[0]["platform"]) == ("a1", 1500, "api")


def test_every_mistake_in_a_map_is_named_at_once_with_file_and_key(tmp_path: Path) -> None:
    own = tmp_path / "ours.toml"
    own.write_text('colums = 1\n[columns]\nacount_id = "a"\nlatency_ms = { scale = "x" }\nprompt = 7\n')
    with pytest.raises(ConfigError) as caught:
        named(f"mapped:{own}")
    message = str(caught.value)
    for part in (
        str(own),
        "colums: unknown, did you mean columns?",
        "did you mean account_id?",
        "columns.latency_ms.scale",
        "columns.prompt",
    ):
        assert part in message


def test_a_record_without_an_id_gets_the_same_one_every_time(tmp_path: Path) -> None:
    record = {
        "ts": 1760000000,
        "account_id": "a",
        "headers": {},
        "request": {"model": "m", "messages": [{"role": "user", "content": "q"}]},
    }
    path = write_jsonl(tmp_path / "w.jsonl", [record, record])
    first, again = read(path)[0], read(path)[0]
    assert first == again
    assert len({item["exchange_id"] for item in first}) == 2


SEEDS = sorted(set(sample_names()) - {"litellm/slp_v1.109.1_failure.json"})


def mutated(value: Any, dice: random.Random) -> Any:
    """A record with some of its insides replaced by what does not belong there."""
    if dice.random() < 0.06:
        return dice.choice(
            [
                None,
                True,
                -1,
                1e308,
                "",
                "x",
                [],
                {},
                [None],
                {"": []},
                "[1",
                '{"a":',
                [[[]]],
                2**70,
                "\ud800",
                [{"text": 5}],
            ]
        )
    if isinstance(value, dict):
        return {key: mutated(item, dice) for key, item in value.items() if dice.random() > 0.03}
    if isinstance(value, list):
        return [mutated(item, dice) for item in value]
    return value


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 2**32))
def test_no_record_however_odd_breaks_a_parser_in_an_unforeseen_way(name: str, seed: int) -> None:
    from stillwatch.ingest.parsing import _Collected, _take

    dice = random.Random(seed)
    for record in filter(lambda item: isinstance(item, dict), records_of(name)):
        odd = mutated(record, dice)
        for form in BUILTIN:
            form.sniff(odd)
            _take(_Collected(), form, odd, Context(salt=b"x"), None)


def reference_only() -> Iterator[Path]:
    folder = SHARED / "reference-only"
    yield from sorted(folder.glob("*.json")) if folder.is_dir() else ()


@pytest.mark.skipif(not (SHARED / "reference-only").is_dir(), reason="the shared reference samples are not here")
def test_reference_samples_are_read_or_refused_in_one_line() -> None:
    read_count = refused = 0
    for path in reference_only():
        try:
            read_count += len(read(path, join=GOLDEN / "join.csv")[0])
        except InputError:
            refused += 1
    assert read_count >= 1
    assert refused >= 1
