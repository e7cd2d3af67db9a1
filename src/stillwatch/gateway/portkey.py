"""Portkey's webhook guardrail: what the service answers to its ``beforeRequestHook`` and ``afterRequestHook``.

Portkey sends request, reply and metadata; only the metadata is read, which is where an account must be named
(``identity.from_metadata``): by Portkey's configuration, not by the client. The verdict is true or false; what Portkey
does with false (``deny``) is its configuration: 446 with deny, a note in its log without, which is a shadow mode.

When the service is away Portkey's check fails after its timeout, and the exchange goes on unless it is told otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stillwatch.errors import InputError
from stillwatch.gateway.identity import from_metadata
from stillwatch.gateway.refusal import Links, refusal_of
from stillwatch.gateway.table import NOBODY, Table


class _Asked(msgspec.Struct, frozen=True, rename="camel"):
    event_type: str = "beforeRequestHook"
    metadata: dict[str, Any] | None = None


def answer(
    body: bytes | Mapping[str, Any], table: Table, now_us: int, *, platform: str = "api", links: Links | None = None
) -> dict[str, Any]:
    """``verdict`` and, for Portkey's log, ``data``. The hook after a request never refuses and counts nothing.

    Raises InputError where the question is not Portkey's; answer that with 400.
    """
    try:
        asked = msgspec.json.decode(body, type=_Asked) if isinstance(body, bytes) else msgspec.convert(body, _Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a question of Portkey's webhook: {error}") from error
    if asked.event_type != "beforeRequestHook":
        return {"verdict": True}
    who = from_metadata(asked.metadata or {}, platform=platform)
    found = table.decide(*who, now_us) if who else NOBODY
    refusal = refusal_of(found, links or Links())
    data = {"why": found.why, "action": found.action, "reference": found.decision_id or None}
    if refusal is not None:
        data |= {"code": refusal.code, "explanation": refusal.says}
    return {"verdict": refusal is None, "data": data}
