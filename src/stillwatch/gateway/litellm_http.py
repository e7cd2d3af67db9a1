"""LiteLLM's generic guardrail over HTTP: what the service answers on ``POST /beta/litellm_basic_guardrail_api``.

For proxies that install nothing. LiteLLM sends whose key it is (``request_data``) with every prompt; only that is read,
the prompt is not. The interface knows "block" and "go on": a throttled account is blocked with a sentence, and LiteLLM
makes 400 of every block. Marks (watermark, withhold_reasoning) cannot be told; use the callback for those.

When the service is away LiteLLM itself decides: ``unreachable_fallback: fail_open`` (its default is to refuse
everybody) and, for other errors, ``fail_on_error: false``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stillwatch.errors import InputError
from stillwatch.gateway.identity import from_litellm
from stillwatch.gateway.refusal import Links, refusal_of
from stillwatch.gateway.table import NOBODY, Table


class _Key(msgspec.Struct, frozen=True):
    user_api_key_user_id: str | None = None
    user_api_key_hash: str | None = None


class _Asked(msgspec.Struct, frozen=True):
    request_data: _Key = _Key()
    input_type: str = "request"


def answer(
    body: bytes | Mapping[str, Any],
    table: Table,
    now_us: int,
    *,
    salt: bytes = b"stillwatch",
    platform: str = "api",
    links: Links | None = None,
) -> dict[str, str]:
    """The reply to one question. Replies (``input_type`` response) go on: they were asked about as requests.

    Raises InputError where the question is not LiteLLM's; answer that with 400.
    """
    try:
        asked = msgspec.json.decode(body, type=_Asked) if isinstance(body, bytes) else msgspec.convert(body, _Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a question of LiteLLM's guardrail: {error}") from error
    if asked.input_type != "request":
        return {"action": "NONE"}
    key = asked.request_data
    who = from_litellm(key.user_api_key_user_id, key.user_api_key_hash, salt=salt, platform=platform)
    refusal = refusal_of(table.decide(*who, now_us) if who else NOBODY, links or Links())
    return {"action": "NONE"} if refusal is None else {"action": "BLOCKED", "blocked_reason": refusal.says}
