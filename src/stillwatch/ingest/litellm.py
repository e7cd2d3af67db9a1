"""LiteLLM: StandardLoggingPayload (generic_api, S3, GCS, Pub/Sub) and rows of LiteLLM_SpendLogs.

A virtual key without a user is an account of its own (``key:`` and its keyed hash): budgets hang on keys there.
Both dialects of time (epoch floats of 1.109, strings of early 2025), metadata as object or as JSON text. Does not
read the guardrail request body: that is a decision's input, not a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stillwatch.ingest.context import Context
from stillwatch.ingest.messages import as_dict, content_of, request_fields, unwrapped
from stillwatch.ingest.replies import Reply, reply_of
from stillwatch.ingest.times import microseconds

_CALLS = {
    "completion": "chat",
    "responses": "responses",
    "anthropic_messages": "messages",
    "text_completion": "completion",
    "batch": "batch",
    "generate_content": "chat",
}


class LiteLlmFormat:
    """Identity, content and client facts in one record."""

    name = "litellm"
    carries_account = True

    def sniff(self, record: dict[str, Any] | str) -> float:
        if not isinstance(record, dict) or "call_type" not in record or "startTime" not in record:
            return 0.0
        return 1.0 if "metadata" in record or "api_key" in record else 0.6

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:
        if not isinstance(record, dict):
            return
        operation = _operation(record.get("call_type"))
        if operation is None:
            return
        metadata = as_dict(record.get("metadata"))
        reply = reply_of(record.get("response"))
        row = {
            **_content(record),
            **reply.fields(),
            **_identity(record, metadata, context),
            **_usage(record, metadata, reply),
            **_timing(record),
        }
        row["operation"] = operation
        row["request_model"] = record.get("model") or record.get("model_group") or row.get("request_model")
        row["stream"] = record["stream"] if isinstance(record.get("stream"), bool) else row.get("stream")
        row["status_code"] = _status(record)
        yield row


def _operation(call_type: Any) -> str | None:
    """``acompletion`` → chat; embeddings, images, speech and administration are no exchanges of text."""
    name = str(call_type or "completion").lower()
    for candidate in (name, name.removeprefix("a"), name.removeprefix("_a")):
        if candidate in _CALLS:
            return _CALLS[candidate]
    if any(word in name for word in ("embedding", "image", "speech", "transcription", "rerank", "moderation", "ocr")):
        return None
    return "batch" if "batch" in name else "chat"


def _content(record: dict[str, Any]) -> dict[str, Any]:
    parameters = as_dict(record.get("model_parameters")) or as_dict(record.get("proxy_server_request"))
    parameters = as_dict(parameters.get("body")) or parameters
    fields = request_fields(parameters)
    messages = unwrapped(record.get("messages"))
    if isinstance(messages, str) and messages:
        messages = [{"role": "user", "content": messages}]
    if isinstance(messages, dict) and messages:
        messages = messages.get("messages") or [messages]
    if isinstance(messages, list) and messages:
        system = parameters.get("system") or parameters.get("instructions")
        fields |= content_of(messages, system)
    return fields


def _identity(record: dict[str, Any], metadata: dict[str, Any], context: Context) -> dict[str, Any]:
    key = context.key_id(metadata.get("user_api_key_hash") or metadata.get("user_api_key") or record.get("api_key"))
    named = (record.get(name) for name in ("litellm_call_id", "request_id", "id"))
    payers = (
        metadata.get("user_api_key_org_id"),
        record.get("organization_id"),
        metadata.get("user_api_key_team_id"),
        record.get("team_id"),
    )
    return {
        "exchange_id": next((name for name in named if name), None) or context.made_up_id(record),
        "account_id": metadata.get("user_api_key_user_id") or record.get("user") or (f"key:{key}" if key else None),
        "key_id": key,
        "org_id": next((payer for payer in payers if payer), None),
        "end_user_id": record.get("end_user") or metadata.get("user_api_key_end_user_id") or None,
        "client_address": record.get("requester_ip_address") or metadata.get("requester_ip_address") or None,
        "user_agent": record.get("user_agent") or metadata.get("user_agent") or None,
        "ja4": as_dict(metadata.get("requester_custom_headers")).get("x-ja4"),
        "conversation_id": record.get("session_id") or None,
    }


def _usage(record: dict[str, Any], metadata: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """LiteLLM writes 0 where a failed call has no counts; those are unknown."""
    usage = as_dict(metadata.get("usage_object"))
    details = as_dict(usage.get("completion_tokens_details"))
    counted = record.get("status") != "failure" or record.get("total_tokens")
    return {
        "input_tokens": record.get("prompt_tokens") if counted else None,
        "output_tokens": record.get("completion_tokens") if counted else None,
        "reasoning_tokens": details.get("reasoning_tokens", reply.usage.get("reasoning")),
    }


def _timing(record: dict[str, Any]) -> dict[str, Any]:
    start = record.get("startTime")
    return {
        "started_at": start,
        "latency_ms": _gap_ms(start, record.get("endTime")),
        "ttft_ms": _gap_ms(start, record.get("completionStartTime")) if record.get("stream") else None,
    }


def _gap_ms(start: Any, end: Any) -> int | None:
    try:
        gap = (microseconds(end) - microseconds(start)) // 1000
    except ValueError:
        return None
    return gap if gap >= 0 else None


def _status(record: dict[str, Any]) -> int | None:
    code = as_dict(record.get("error_information")).get("error_code")
    if isinstance(code, str | int) and str(code).isdigit():
        return int(code)
    return 200 if record.get("status") == "success" else None
