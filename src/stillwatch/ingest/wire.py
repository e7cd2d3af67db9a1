"""The wire itself: ``{headers, request, response | sse, status, ts}`` as an edge can dump it, and batch files' lines.

OpenAI chat, completions, responses and batch lines; Anthropic messages and message batches. Credentials become keyed
hashes; the hash of header names is taken in wire order. The names around the bodies vary, so several are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stillwatch.ingest.context import Context
from stillwatch.ingest.credentials import header_fields, pairs
from stillwatch.ingest.messages import as_dict, request_fields
from stillwatch.ingest.replies import Reply, reply_of

_REQUEST = ("request", "request_body", "body", "params")
_RESPONSE = ("response", "response_body", "result")
_STREAM = ("sse", "chunks", "stream_chunks", "response_sse", "events")
_TIME = ("ts", "timestamp", "started_at", "time", "created_at", "start_time")
_ADDRESS = ("client_address", "client_ip", "remote_addr", "remote_ip", "ip")
_PASSED_ON = (
    "account_id",
    "org_id",
    "client_asn",
    "client_country",
    "client_network",
    "conversation_id",
    "platform",
    "latency_ms",
    "ttft_ms",
)


class WireFormat:
    """Requests and responses as they crossed the edge."""

    name = "wire"
    carries_account = False

    def sniff(self, record: dict[str, Any] | str) -> float:
        if not isinstance(record, dict):
            return 0.0
        body = _body(record)
        if not any(name in body for name in ("messages", "input", "prompt", "contents")):
            return 0.0
        if "headers" in record or "custom_id" in record:
            return 0.9
        return 0.7 if any(name in record for name in (*_RESPONSE, *_STREAM)) else 0.0

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:
        if not isinstance(record, dict):
            return
        body = _body(record)
        reply, status, reply_headers = _reply(record)
        path = str(record.get("path") or record.get("url") or as_dict(record.get("request")).get("url") or "")
        headers = record.get("headers") or as_dict(record.get("request")).get("headers")
        if not body and reply.text is None:
            return
        row = request_fields(body, path)
        row |= {name: value for name, value in reply.fields().items() if value is not None}
        row |= {
            k: v for k, v in header_fields(headers, context.salt, record.get("http2_settings")).items() if v is not None
        }
        row |= {name: record[name] for name in _PASSED_ON if record.get(name) is not None}
        row["client_address"] = _first(record, _ADDRESS) or row.get("client_address")
        row["ja4"] = record.get("ja4") or as_dict(record.get("tls")).get("ja4") or row.get("ja4")
        row["account_id"] = row.get("account_id") or _header(headers, "x-account-id")
        row["status_code"] = status
        row["request_model"] = row.get("request_model") or reply.model
        row["started_at"] = _first(record, _TIME) or reply.created
        row["exchange_id"] = _id(record, reply, reply_headers) or context.made_up_id(record)
        if "custom_id" in record:
            row["operation"] = "batch"
        yield row


def _first(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), None)


def _body(record: dict[str, Any]) -> dict[str, Any]:
    body = as_dict(_first(record, _REQUEST))
    inner = as_dict(body.get("body"))
    return inner or body


def _reply(record: dict[str, Any]) -> tuple[Reply, Any, Any]:
    """The reply, its status and its headers; batch lines wrap the body once more."""
    given = _first(record, _RESPONSE)
    outer = as_dict(given)
    status = next((record[name] for name in ("status", "status_code") if record.get(name) is not None), None)
    status = status if status is not None else outer.get("status_code")
    headers = outer.get("headers") if "body" in outer else record.get("response_headers")
    if "body" in outer:
        given = outer["body"]
    elif outer.get("type") in ("succeeded", "errored") and "message" in outer:
        given = outer["message"]
    stream = _first(record, _STREAM)
    reply = reply_of(stream if stream is not None else given)
    text = str(status)
    return reply, int(text) if text.isascii() and text.isdigit() else None, headers


def _id(record: dict[str, Any], reply: Reply, reply_headers: Any) -> Any:
    for name in ("exchange_id", "request_id", "id"):
        if isinstance(record.get(name), str):
            return record[name]
    return _header(reply_headers, "x-request-id") or _header(reply_headers, "request-id") or reply.response_id


def _header(headers: Any, wanted: str) -> str | None:
    return next((value for name, value in pairs(headers) if name.lower() == wanted and value), None)
