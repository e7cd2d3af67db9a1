"""Bedrock model-invocation logs (S3 or CloudWatch): native and Converse bodies, streams as arrays of chunks.

The only principal is ``identity.arn``, unless a gateway names its customer in ``requestMetadata``; an AWS account is
the organisation of its own principals, not of such customers. The address and client come with a join on CloudTrail by
``requestID``. Bodies that were moved to S3 (``…S3Path``) are not fetched: their content is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stillwatch.ingest.context import Context
from stillwatch.ingest.messages import as_dict, request_fields
from stillwatch.ingest.replies import Reply, reply_of

_ACCOUNT_KEYS = (
    "account_id",
    "accountId",
    "account",
    "tenant_id",
    "tenantId",
    "customer_id",
    "customerId",
    "user_id",
    "userId",
)
_CONVERSATION_KEYS = ("conversation_id", "conversationId", "session_id", "sessionId")


class BedrockFormat:
    """``schemaType: ModelInvocationLog``."""

    name = "bedrock"
    carries_account = True

    def sniff(self, record: dict[str, Any] | str) -> float:
        if not isinstance(record, dict):
            return 0.0
        record = _unwrapped(record)
        if record.get("schemaType") == "ModelInvocationLog":
            return 1.0
        return 0.9 if {"modelId", "requestId", "operation"} <= record.keys() else 0.0

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:
        if not isinstance(record, dict):
            return
        record = _unwrapped(record)
        if "modelId" not in record:
            return
        given, returned = as_dict(record.get("input")), as_dict(record.get("output"))
        body = as_dict(given.get("inputBodyJson"))
        reply = reply_of(returned.get("outputBodyJson"))
        operation = str(record.get("operation") or "")
        row = {
            **request_fields(body),
            **reply.fields(),
            **_identity(record, context),
            **_tokens(given, returned, reply),
        }
        row["operation"] = "batch" if "Async" in operation or "Batch" in operation else row["operation"]
        row["request_model"] = record.get("modelId")
        row["stream"] = "Stream" in operation if operation else None
        row["status_code"] = _status(record)
        row["latency_ms"] = _latency(returned)
        if "inputBodyS3Path" in given:
            row["image_count"] = row["message_count"] = None
        yield row


def _unwrapped(record: dict[str, Any]) -> dict[str, Any]:
    """CloudWatch exports put the log record as text under ``message``."""
    inner = as_dict(record.get("message"))
    return inner if inner.get("schemaType") == "ModelInvocationLog" else record


def _identity(record: dict[str, Any], context: Context) -> dict[str, Any]:
    metadata = as_dict(record.get("requestMetadata"))
    named = next((metadata[key] for key in _ACCOUNT_KEYS if metadata.get(key)), None)
    return {
        "exchange_id": record.get("requestId") or context.made_up_id(record),
        "started_at": record.get("timestamp"),
        "platform": "bedrock",
        "account_id": named or as_dict(record.get("identity")).get("arn"),
        "org_id": None if named else record.get("accountId"),
        "conversation_id": next((metadata[key] for key in _CONVERSATION_KEYS if metadata.get(key)), None),
    }


def _tokens(given: dict[str, Any], returned: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """Zero counts stand for "not counted" where a guardrail stepped in."""
    tokens = {
        "input_tokens": given.get("inputTokenCount", reply.usage.get("input")),
        "output_tokens": returned.get("outputTokenCount", reply.usage.get("output")),
    }
    uncounted = reply.guardrail or reply.finish_reason == "guardrail_intervened"
    return {name: None if uncounted and count == 0 else count for name, count in tokens.items()}


def _status(record: dict[str, Any]) -> int | None:
    status = record.get("status") or record.get("statusCode")
    if isinstance(status, int) or (isinstance(status, str) and status.isdigit()):
        return int(status)
    code = record.get("errorCode")
    if code:
        return {"ThrottlingException": 429, "AccessDeniedException": 403, "ValidationException": 400}.get(
            str(code), 500
        )
    return 200 if "output" in record else None


def _latency(returned: dict[str, Any]) -> Any:
    body = returned.get("outputBodyJson")
    if isinstance(body, list):
        body = next((item for item in reversed(body) if isinstance(item, dict)), None)
    body = as_dict(body)
    metrics = as_dict(body.get("metrics")) or as_dict(as_dict(body.get("metadata")).get("metrics"))
    return metrics.get("latencyMs") or as_dict(body.get("amazon-bedrock-invocationMetrics")).get("invocationLatency")
