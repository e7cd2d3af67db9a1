"""vLLM's request lines at INFO: which request, with which parameters. No prompt, no identity, no model: join the rest.

The line's time has no year, so the time too comes from the joined table; without ``--join`` every row is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stillwatch.ingest.context import Context

_RECEIVED = re.compile(r"Received request (?P<id>[^\s:]+):.*?params: SamplingParams\((?P<params>.*?)\)(?:, |\.|$)")
_PARAMETER = re.compile(r"(\w+)=(-?\d+(?:\.\d+)?|None|True|False)\b")


class VllmFormat:
    """``Received request ID: params: SamplingParams(…)``."""

    name = "vllm"
    carries_account = False

    def sniff(self, record: dict[str, Any] | str) -> float:
        return 1.0 if isinstance(record, str) and "Received request " in record else 0.0

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        matched = _RECEIVED.search(record) if isinstance(record, str) else None
        if matched is None:
            return
        params = dict(_PARAMETER.findall(matched["params"]))
        yield {
            "exchange_id": matched["id"],
            "operation": "chat" if matched["id"].startswith("chatcmpl") else "completion",
            **{
                name: params[name]
                for name in ("max_tokens", "temperature", "top_p")
                if params.get(name, "None") != "None"
            },
        }
