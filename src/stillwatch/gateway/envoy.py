"""Envoy asks over gRPC: ``Check`` (ext_authz) once per request, or ``Process`` (ext_proc) along a request's life.

Both look at the request's headers only. ext_proc in ``observability_mode`` sends copies and expects no reply: then
nothing is decided, counted or answered, ``noticed`` alone is called. Headers that a client made up (``x-stillwatch-*``)
are removed. Identity comes from headers that Envoy's own authentication must set (``identity.from_headers``).

When this server is away Envoy decides: ``failure_mode_allow`` (ext_authz, ext_proc). When only the service behind it is
away, the table does: ``on_stale``, ``on_missing``. Needs the extra ``envoy``. asyncio, because an ext_proc stream lives
as long as its exchange, and a thread for each would be the limit.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import grpc.aio
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.service.auth.v3 import external_auth_pb2 as authz
from envoy.service.auth.v3 import external_auth_pb2_grpc as authz_grpc
from envoy.service.ext_proc.v3 import external_processor_pb2 as proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc
from google.rpc.code_pb2 import OK, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAVAILABLE

from stillwatch.gateway import steady
from stillwatch.gateway.identity import Who, from_headers
from stillwatch.gateway.refusal import (
    ACTION_HEADER,
    DECISION_HEADER,
    Links,
    Refusal,
    marks_of,
    refusal_of,
    shape_of,
)
from stillwatch.gateway.table import NOBODY, PASS, Answer, Table

_CODES = {403: PERMISSION_DENIED, 429: RESOURCE_EXHAUSTED, 503: UNAVAILABLE}
_OURS = (ACTION_HEADER, DECISION_HEADER)


class StillwatchEnvoy(authz_grpc.AuthorizationServicer, proc_grpc.ExternalProcessorServicer):  # pyright: ignore[reportUntypedBaseClass]
    """Both services. ``identify`` reads headers (lower-case names); ``noticed`` hears of whatever is decided."""

    def __init__(
        self,
        table: Table,
        *,
        identify: Callable[[Mapping[str, str]], Who] = from_headers,
        links: Links | None = None,
        noticed: Callable[[Who, Answer], None] | None = None,
        now_us: Callable[[], int] = steady.now_us,
    ) -> None:
        self._table, self._identify = table, identify
        self._links, self._noticed, self._now_us = links or Links(), noticed, now_us

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve both on this server."""
        authz_grpc.add_AuthorizationServicer_to_server(self, server)
        proc_grpc.add_ExternalProcessorServicer_to_server(self, server)

    def _ask(self, headers: Mapping[str, str], *, spend: bool = True) -> tuple[Answer, Refusal | None]:
        who = self._identify(headers)
        answer = self._table.decide(*who, self._now_us(), spend=spend) if who else NOBODY
        if self._noticed is not None and answer is not PASS:
            self._noticed(who, answer)
        shape = shape_of(headers.get(":path", "").partition("?")[0])
        return answer, refusal_of(answer, self._links, shape=shape, jitter=random.random())

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - named by the protocol
        http = request.attributes.request.http
        headers = dict(http.headers) or _read(http.header_map.headers)
        answer, refusal = self._ask(headers | {":path": http.path})
        if refusal is None:
            marks = marks_of(answer)
            ok = authz.OkHttpResponse(headers=_options(marks), headers_to_remove=_forged(marks))
            return authz.CheckResponse(status={"code": OK}, ok_response=ok)
        denied = authz.DeniedHttpResponse(
            status={"code": refusal.status}, headers=_options(refusal.headers), body=refusal.body.decode()
        )
        return authz.CheckResponse(status={"code": _CODES[refusal.status]}, denied_response=denied)

    async def Process(self, request_iterator: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: ARG002, N802
        async for request in request_iterator:
            part = request.WhichOneof("request")
            if request.observability_mode:
                if part == "request_headers":
                    self._ask(_read(request.request_headers.headers.headers), spend=False)
            elif part == "request_headers":
                yield self._on_headers(_read(request.request_headers.headers.headers))
            elif part is not None:
                yield proc.ProcessingResponse(**{part: {}})

    def _on_headers(self, headers: Mapping[str, str]) -> Any:
        answer, refusal = self._ask(headers)
        if refusal is None:
            marks = marks_of(answer)
            change = proc.HeaderMutation(set_headers=_options(marks, raw=True), remove_headers=_forged(marks))
            return proc.ProcessingResponse(request_headers={"response": {"header_mutation": change}})
        return proc.ProcessingResponse(
            immediate_response=proc.ImmediateResponse(
                status={"code": refusal.status},
                headers=proc.HeaderMutation(set_headers=_options(refusal.headers, raw=True)),
                body=refusal.body,
                details=refusal.code,
            )
        )


def _forged(marks: Mapping[str, str]) -> list[str]:
    """Names to remove: those that are set replace what a client sent, whatever order Envoy does both in."""
    return [name for name in _OURS if name not in marks]


def _read(headers: Any) -> dict[str, str]:
    """Envoy fills ``raw_value`` or ``value``, by its version."""
    return {h.key.lower(): h.raw_value.decode("latin-1") if h.raw_value else h.value for h in headers}


def _options(headers: Mapping[str, str], *, raw: bool = False) -> list[Any]:
    """Headers that replace whatever stands there. Envoy reads ``raw_value`` in ext_proc and ``value`` in ext_authz."""
    replace = HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD
    return [
        HeaderValueOption(
            header={"key": name, "raw_value" if raw else "value": text.encode() if raw else text}, append_action=replace
        )
        for name, text in headers.items()
    ]
