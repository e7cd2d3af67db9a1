"""An answer that stops an exchange, as HTTP: status, headers and a body in the shape the client's SDK reads.

403 is for what was decided about this account, 429 for a throttle, 503 for a gateway that is closed because it has no
table: that one accuses nobody. A refusal says where to appeal, and a reference; never why, which would teach an
attacker.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import msgspec

from stillwatch.gateway.table import Answer

Shape = Literal["openai", "anthropic"]
# what the application, or the next proxy, is told of an exchange that goes on; never taken from the client
ACTION_HEADER = "x-stillwatch-action"
DECISION_HEADER = "x-stillwatch-decision"
_JITTER = 0.5  # a client waits up to this share longer than needed: neither in step, nor able to read the bucket
_TYPES: dict[Shape, dict[int, str]] = {
    "openai": {403: "permission_error", 429: "rate_limit_error", 503: "server_error"},
    "anthropic": {403: "permission_error", 429: "rate_limit_error", 503: "overloaded_error"},
}
_SAYS = {
    "account_restricted": "Requests of this account are not accepted.",
    "verification_required": "This account has to be verified before it can go on.",
    "account_throttled": "This account sends requests faster than it may. Try again later.",
    "temporarily_unavailable": "Requests cannot be checked right now. Try again later.",
}


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Where people go: ``{reference}`` in a link becomes the decision's id. Empty: no link is shown."""

    appeal: str = ""
    verify: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Status, reason code, sentence, and headers with lower-case names; ``body`` is JSON."""

    status: int
    code: str
    says: str
    headers: dict[str, str]
    body: bytes


def shape_of(path: str) -> Shape:
    """Anthropic's for its message routes, OpenAI's for all others."""
    return "anthropic" if path.rstrip("/").endswith(("/messages", "/count_tokens", "/messages/batches")) else "openai"


def refusal_of(answer: Answer, links: Links, *, shape: Shape = "openai", jitter: float = 0.0) -> Refusal | None:
    """How to refuse, or None where the exchange may go on. ``jitter`` (0..1, random) stretches Retry-After."""
    if answer.passes:
        return None
    status, code, link = _kind(answer, links)
    link = link.replace("{reference}", quote(answer.decision_id, safe=""))
    says = _SAYS[code] + (f" See {link}" if link else "")
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if answer.retry_after_s > 0:
        headers["retry-after"] = str(max(1, round(0.5 + answer.retry_after_s * (1 + _JITTER * jitter))))
    details = {"type": _TYPES[shape][status], "code": code, "message": says}
    if answer.decision_id:
        details["reference"] = answer.decision_id
    if link:
        details["link"] = link
    body = {"type": "error", "error": details} if shape == "anthropic" else {"error": details | {"param": None}}
    return Refusal(status=status, code=code, says=says, headers=headers, body=msgspec.json.encode(body))


def _kind(answer: Answer, links: Links) -> tuple[int, str, str]:
    if answer.action == "throttle":
        return 429, "account_throttled", links.appeal
    if answer.action == "challenge":
        return 403, "verification_required", links.verify or links.appeal
    if answer.action == "deny":
        return 403, "account_restricted", links.appeal
    return 503, "temporarily_unavailable", ""


def marks_of(answer: Answer) -> dict[str, str]:
    """Headers for the application behind: what was decided about an exchange that goes on; none in shadow."""
    if answer.why != "decided" or not answer.passes or answer.action is None:
        return {}
    return {ACTION_HEADER: answer.action, DECISION_HEADER: answer.decision_id}
