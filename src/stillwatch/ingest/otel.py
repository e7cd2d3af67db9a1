"""OpenTelemetry: OTLP traces and logs, as JSON or protobuf, in the three dialects emitters speak.

GenAI conventions from 1.37 (content as JSON text on spans, as structured values on log events), those up to 1.36
(``gen_ai.system``, ``gen_ai.prompt``, indexed attributes), and OpenInference (``llm.input_messages.N.…``). They
have no attribute for the paying account: ``user.id`` on span or resource is taken where a deployer added it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from stillwatch.ingest.context import Context
from stillwatch.ingest.messages import as_dict, as_list, content_of, tool_names, unwrapped
from stillwatch.ingest.replies import Reply, replied_texts

_CALLS = {"chat": "chat", "generate_content": "chat", "text_completion": "completion", "completion": "completion",
          "responses": "responses", "messages": "messages"}  # fmt: skip
_NO_CALLS = ("embeddings", "execute_tool", "invoke_agent", "create_agent", "invoke_workflow", "retrieval", "rerank")
_SCOPES = (
    "scopeSpans",
    "scope_spans",
    "scopeLogs",
    "scope_logs",
    "instrumentationLibrarySpans",  # as they were called before 2022, in the same bytes
    "instrumentationLibraryLogs",
)
_EVENT = "gen_ai.client.inference.operation.details"


class OtelFormat:
    """One record is one export request (or one resource, span or log record)."""

    name = "otel"
    carries_account = False

    def sniff(self, record: dict[str, Any] | str) -> float:
        if not isinstance(record, dict):
            return 0.0
        if any(name in record for name in ("resourceSpans", "resourceLogs", "resource_spans", "resource_logs")):
            return 1.0
        return 0.8 if "attributes" in record and ("traceId" in record or "trace_id" in record) else 0.0

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:
        if not isinstance(record, dict):
            return
        for position, (span, resource) in enumerate(_spans(record)):
            attributes = {**resource, **attributes_of(span.get("attributes"))}
            for event in as_list(span.get("events")):
                inner = attributes_of(as_dict(event).get("attributes"))
                attributes |= {name: value for name, value in inner.items() if name.startswith("gen_ai.")}
            attributes |= _body_of(span)
            row = _row(span, attributes)
            if row is not None:
                row["exchange_id"] = row["exchange_id"] or context.made_up_id(span, position)
                row["key_id"] = context.key_id(_pick(attributes, "user.api_key", "api_key", "gen_ai.request.api_key"))
                yield row


def _spans(record: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    resources = [
        *as_list(_pick(record, "resourceSpans", "resource_spans")),
        *as_list(_pick(record, "resourceLogs", "resource_logs")),
    ]
    if not resources and "attributes" in record:
        yield record, {}
    for resource in resources:
        shared = attributes_of(as_dict(as_dict(resource).get("resource")).get("attributes"))
        for name in _SCOPES:
            for scope in as_list(as_dict(resource).get(name)):
                for kind in ("spans", "logRecords", "log_records", "logs"):
                    for span in as_list(as_dict(scope).get(kind)):
                        if isinstance(span, dict):
                            yield span, shared


def attributes_of(given: Any) -> dict[str, Any]:
    """OTLP key-value pairs (or a plain object) as a dictionary of plain values."""
    if isinstance(given, dict):
        return given
    out: dict[str, Any] = {}
    for item in given if isinstance(given, list) else ():
        if isinstance(item, dict) and isinstance(item.get("key"), str):
            out[item["key"]] = plain(item.get("value"))
    return out


def plain(value: Any) -> Any:
    """An OTLP AnyValue as a plain value; 64-bit integers stand as text in OTLP/JSON."""
    if not isinstance(value, dict):
        return value
    for name in ("stringValue", "boolValue", "doubleValue", "string_value", "bool_value", "double_value"):
        if name in value:
            return value[name]
    number = _pick(value, "intValue", "int_value")
    if number is not None:
        return int(number) if str(number).lstrip("-").isdigit() else None
    for name in ("arrayValue", "array_value"):
        if name in value:
            return [plain(item) for item in as_dict(value[name]).get("values") or []]
    for name in ("kvlistValue", "kvlist_value"):
        if name in value:
            return attributes_of(as_dict(value[name]).get("values"))
    return None


def _body_of(span: dict[str, Any]) -> dict[str, Any]:
    body = plain(span.get("body"))
    return (
        {name: value for name, value in body.items() if str(name).startswith("gen_ai.")}
        if isinstance(body, dict)
        else {}
    )


def _row(span: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any] | None:
    operation = _operation(span, attributes)
    if operation is None:
        return None
    content, reply = _content(attributes)
    model = _pick(attributes, "gen_ai.request.model", "llm.model_name", "gen_ai.response.model", "llm.request.model")
    return {
        **content,
        **reply.fields(),
        **_identity(span, attributes),
        **_parameters(attributes),
        **_usage(attributes, reply),
        **_timing(span, attributes),
        "operation": operation,
        "request_model": model,
    }


def _operation(span: dict[str, Any], attributes: dict[str, Any]) -> str | None:
    """None for spans that are no model call (agents, tools, embeddings, the HTTP request around one)."""
    kind = attributes.get("openinference.span.kind")
    if isinstance(kind, str):
        return "chat" if kind.upper() == "LLM" else None
    name = attributes.get("gen_ai.operation.name")
    if isinstance(name, str):
        return None if name in _NO_CALLS else _CALLS.get(name, name)
    event = span.get("eventName") or span.get("event_name")
    if isinstance(event, str) and event.startswith("gen_ai.") and event != _EVENT:
        return None
    if _pick(attributes, "gen_ai.request.model", "llm.model_name") is None:
        return None
    return {"completion": "completion", "chat": "chat"}.get(str(attributes.get("llm.request.type")), "chat")


def _content(attributes: dict[str, Any]) -> tuple[dict[str, Any], Reply]:
    messages = _messages(attributes, "input")
    system = unwrapped(_pick(attributes, "gen_ai.system_instructions", "gen_ai.system.instructions"))
    fields: dict[str, Any] = content_of(messages, system) if messages or system else {}
    tools = unwrapped(_pick(attributes, "gen_ai.tool.definitions", "gen_ai.request.tools", "llm.tools"))
    tools = tools or _indexed(attributes, "llm.tools.", "tool.")
    fields["tool_names"] = tool_names({"tools": [_schema(tool) for tool in as_list(tools)]})
    replies = _messages(attributes, "output")
    return fields, replied_texts(replies)


def _schema(tool: Any) -> Any:
    inner = as_dict(tool).get("json_schema") if isinstance(tool, dict) else None
    return unwrapped(inner) if inner is not None else unwrapped(tool)


_WHERE = {
    "input": (
        ("gen_ai.input.messages", "gen_ai.prompt", "gen_ai.request.messages"),
        "gen_ai.prompt.",
        "llm.input_messages.",
        "input.value",
    ),
    "output": (
        ("gen_ai.output.messages", "gen_ai.completion"),
        "gen_ai.completion.",
        "llm.output_messages.",
        "output.value",
    ),
}


def _messages(attributes: dict[str, Any], side: str) -> list[Any]:
    whole, indexed, inference, value = _WHERE[side]
    given = unwrapped(_pick(attributes, *whole))
    if isinstance(given, str):
        return [{"role": "user" if side == "input" else "assistant", "content": given}]
    if given:
        return as_list(given)
    found = _indexed(attributes, indexed, "") or [
        _inferred(item) for item in _indexed(attributes, inference, "message.")
    ]
    if found:
        return found
    body = unwrapped(attributes.get(value))
    if isinstance(body, dict) and (body.get("messages") or body.get("choices")):
        choices = [as_dict(choice).get("message") for choice in as_list(body.get("choices"))]
        return as_list(body.get("messages")) or [choice for choice in choices if choice]
    return [{"role": "user", "content": body}] if isinstance(body, str) and body else []


def _indexed(attributes: dict[str, Any], prefix: str, drop: str) -> list[dict[str, Any]]:
    """``prefix.N.a.b`` attributes as a list of objects with keys ``a.b``, in order of N."""
    found: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        if not name.startswith(prefix):
            continue
        number, _, rest = name[len(prefix) :].partition(".")
        if number.isascii() and number.isdigit() and rest and len(number) < 9:
            found.setdefault(int(number), {})[rest.removeprefix(drop)] = value
    return [found[number] for number in sorted(found)]


def _inferred(message: dict[str, Any]) -> dict[str, Any]:
    """An OpenInference message: content as text, or parts under ``contents.N.message_content.…``."""
    parts: list[dict[str, Any]] = []
    for part in _indexed(message, "contents.", "message_content."):
        kind = part.get("type")
        is_image = kind == "image" or any(name.startswith("image") for name in part)
        parts.append({"type": "image"} if is_image else {"type": "text", "text": str(part.get("text") or "")})
    if isinstance(message.get("content"), str):
        parts.append({"type": "text", "text": message["content"]})
    calls = _indexed(message, "tool_calls.", "tool_call.")
    parts.extend({"type": "tool_call", "name": call.get("function.name")} for call in calls)
    return {"role": message.get("role"), "parts": parts}


def _pick(place: dict[str, Any], *names: str) -> Any:
    return next((place[name] for name in names if place.get(name) is not None), None)


def _identity(span: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    system = _pick(attributes, "cloud.platform.pathway", "stillwatch.platform")
    return {
        "exchange_id": _pick(attributes, "http.request.header.x-request-id", "request.id") or _span_id(span),
        "platform": system,
        "account_id": _pick(attributes, "account.id", "tenant.id", "user.account_id", "user.id", "enduser.id"),
        "org_id": _pick(attributes, "organization.id", "user.organization.id", "team.id"),
        "end_user_id": _pick(attributes, "enduser.pseudo.id", "gen_ai.user.id", "gen_ai.request.user"),
        "client_address": _pick(attributes, "client.address", "http.client_ip", "net.peer.ip"),
        "user_agent": _pick(attributes, "user_agent.original", "http.user_agent", "http.request.header.user-agent"),
        "ja4": _pick(attributes, "tls.client.ja4", "tls.ja4", "http.request.header.x-ja4"),
        "conversation_id": _pick(attributes, "gen_ai.conversation.id", "session.id"),
    }


def _span_id(span: dict[str, Any]) -> str | None:
    trace, own = _hexadecimal(_pick(span, "traceId", "trace_id")), _hexadecimal(_pick(span, "spanId", "span_id"))
    return f"{trace}-{own}" if trace and own else None


def _hexadecimal(value: Any) -> str:
    """Ids are hexadecimal in OTLP/JSON, base64 in protobuf's own JSON: one spelling for both."""
    text = value if isinstance(value, str) else ""
    if len(text) in (16, 32) and all(letter in "0123456789abcdefABCDEF" for letter in text):
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        return text


def _parameters(attributes: dict[str, Any]) -> dict[str, Any]:
    invocation = as_dict(attributes.get("llm.invocation_parameters"))
    return {
        "max_tokens": _pick(attributes, "gen_ai.request.max_tokens", "llm.request.max_tokens")
        or _pick(invocation, "max_tokens", "max_completion_tokens"),
        "temperature": _either(attributes.get("gen_ai.request.temperature"), invocation.get("temperature")),
        "top_p": _either(attributes.get("gen_ai.request.top_p"), invocation.get("top_p")),
        "stream": _either(
            attributes.get("gen_ai.request.stream"), attributes.get("llm.is_streaming"), invocation.get("stream")
        ),
        "reasoning_effort": _pick(
            attributes, "gen_ai.request.reasoning.level", "gen_ai.openai.request.reasoning_effort"
        )
        or invocation.get("reasoning_effort"),
    }


def _either(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _usage(attributes: dict[str, Any], reply: Reply) -> dict[str, Any]:
    reasons = unwrapped(
        _pick(attributes, "gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.finish_reason")
    )
    reason = reasons[0] if isinstance(reasons, list) and reasons else reasons
    return {
        "finish_reason": reason if isinstance(reason, str) else reply.finish_reason,
        "input_tokens": _pick(
            attributes, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"
        ),
        "output_tokens": _pick(
            attributes, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"
        ),
        "reasoning_tokens": _pick(
            attributes,
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ),
    }


def _timing(span: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    start = _nanoseconds(
        _pick(span, "startTimeUnixNano", "start_time_unix_nano", "timeUnixNano", "observedTimeUnixNano")
    )
    end = _nanoseconds(_pick(span, "endTimeUnixNano", "end_time_unix_nano"))
    first = _pick(attributes, "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
    status = _pick(attributes, "http.response.status_code", "http.status_code")
    return {
        "started_at": start,
        "latency_ms": (end - start) // 1_000_000 if start and end and end >= start else None,
        "ttft_ms": round(first * 1000) if isinstance(first, int | float) and 0 <= first < 1e6 else None,
        "status_code": status,
    }


def _nanoseconds(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and text.strip("0") else None
