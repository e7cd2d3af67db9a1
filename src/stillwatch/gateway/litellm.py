"""A callback of the LiteLLM proxy: asks the table before each call.

It is named in the proxy's configuration:

    litellm_settings:
      callbacks: stillwatch.gateway.litellm.callback

``callback`` is made from ``STILLWATCH_*`` variables (see ``client.started_from``; further PLATFORM, SALT, APPEAL,
VERIFY) when it is first asked for. It is a callback and no guardrail, because guardrails can be switched off for a
key or a request. An exchange that goes on under a decision carries it in ``metadata["stillwatch"]``.

When the service is away the table answers: see ``on_stale`` and ``on_missing`` there; the proxy never waits. Calls that
do not pass the proxy's request hook (health checks, administration) are not asked about. Needs ``litellm``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from threading import Lock
from typing import Any

from litellm.caching.dual_cache import DualCache
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

from stillwatch.gateway import steady
from stillwatch.gateway.client import started_from
from stillwatch.gateway.identity import Who, from_litellm
from stillwatch.gateway.refusal import Links, marks_of, refusal_of
from stillwatch.gateway.table import PASS, Answer, Table


class StillwatchCallback(CustomLogger):
    """Refuses with 403, 429 or 503 as the proxy's own errors are written. ``salt`` is that of the log's ingest."""

    def __init__(
        self,
        table: Table,
        *,
        platform: str = "api",
        salt: bytes = b"stillwatch",
        links: Links | None = None,
        noticed: Callable[[Who, Answer], None] | None = None,
        now_us: Callable[[], int] = steady.now_us,
    ) -> None:
        super().__init__()
        self._table, self._platform, self._salt = table, platform, salt
        self._links, self._noticed, self._now_us = links or Links(), noticed, now_us

    async def async_pre_call_hook(
        self,
        user_api_key_dict: UserAPIKeyAuth,
        cache: DualCache,  # noqa: ARG002 - LiteLLM passes all four by name
        data: dict[str, Any],
        call_type: str,  # noqa: ARG002
    ) -> dict[str, Any] | None:
        """None where nothing is to be changed; raises ProxyException to refuse."""
        who = from_litellm(
            user_api_key_dict.user_id, user_api_key_dict.api_key, salt=self._salt, platform=self._platform
        )
        if who is None:
            return None
        answer = self._table.decide(*who, self._now_us())
        if self._noticed is not None and answer is not PASS:
            self._noticed(who, answer)
        refusal = refusal_of(answer, self._links, jitter=random.random())
        if refusal is not None:
            raise ProxyException(
                message=refusal.says,
                type=refusal.code,
                param=None,
                code=refusal.status,
                headers={name: value for name, value in refusal.headers.items() if name == "retry-after"},
                provider_specific_fields={"reference": answer.decision_id} if answer.decision_id else None,
            )
        return _marked(data, answer)


def _marked(data: dict[str, Any], answer: Answer) -> dict[str, Any] | None:
    marks = marks_of(answer)
    metadata = data.get("metadata") or {}
    if not marks and "stillwatch" not in metadata:
        return None
    rest = {name: value for name, value in metadata.items() if name != "stillwatch"}
    ours = {"stillwatch": {"action": answer.action, "decision_id": answer.decision_id}} if marks else {}
    return {**data, "metadata": rest | ours}


_making = Lock()
_made: list[StillwatchCallback] = []


def __getattr__(name: str) -> object:
    if name != "callback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _making:
        if not _made:
            _made.append(_from_environment())
    return _made[0]


def _from_environment() -> StillwatchCallback:
    read = os.environ.get
    table, _ = started_from(read)
    return StillwatchCallback(
        table,
        platform=read("STILLWATCH_PLATFORM", "api"),
        salt=read("STILLWATCH_SALT", "stillwatch").encode(),
        links=Links(appeal=read("STILLWATCH_APPEAL", ""), verify=read("STILLWATCH_VERIFY", "")),
    )
