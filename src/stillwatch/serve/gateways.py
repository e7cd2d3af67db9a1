"""Routes that gateways call in their own shapes: LiteLLM's HTTP guardrail and Portkey's webhook."""

from __future__ import annotations

from typing import Any

from litestar import post
from litestar.exceptions import ClientException

from stillwatch.errors import InputError
from stillwatch.gateway import litellm_http, portkey, steady
from stillwatch.serve.asking import Ask, parts_of

SCOPE = {"scope": "decisions:read"}


@post("/beta/litellm_basic_guardrail_api", opt=SCOPE, status_code=200, summary="LiteLLM's HTTP guardrail")
async def litellm_guardrail(request: Ask) -> dict[str, Any]:
    """NONE, or BLOCKED with a reason."""
    parts = parts_of(request)
    body = await request.body()
    try:
        return litellm_http.answer(body, parts.board.table, steady.now_us(), salt=parts.config.ingest.salt.encode())
    except InputError as error:
        raise ClientException(str(error)) from error


@post("/v1/portkey", opt=SCOPE, status_code=200, summary="Portkey's webhook guardrail")
async def portkey_webhook(request: Ask) -> dict[str, Any]:
    """A verdict, and why."""
    try:
        return portkey.answer(await request.body(), parts_of(request).board.table, steady.now_us())
    except InputError as error:
        raise ClientException(str(error)) from error


HANDLERS = (litellm_guardrail, portkey_webhook)
