"""ASGI middleware for any application (Starlette, FastAPI, Litestar, plain): ask the table, refuse or pass on.

An exchange of which nothing is decided is passed on untouched, with the very same ``scope``, ``receive`` and ``send``:
nothing of its body or its stream is read, held back or copied. One that goes on under a decision is marked: the keys of
``marks_of`` as request headers, and ``scope["stillwatch"]`` holds the answer, for the application to act on
(withhold_reasoning, watermark). Headers of that name that a client sent are removed.

When the service is away the table answers: see ``on_stale`` and ``on_missing`` there. The middleware itself waits for
nobody. It does not report exchanges, and does not know who the client is: ``identify`` says so.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stillwatch.gateway import steady
from stillwatch.gateway.identity import Who, from_headers
from stillwatch.gateway.refusal import ACTION_HEADER, DECISION_HEADER, Links, Refusal, marks_of, refusal_of, shape_of
from stillwatch.gateway.table import NOBODY, PASS, Answer, Table

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_OURS = (ACTION_HEADER.encode(), DECISION_HEADER.encode())


def by_headers(*names: str, platform: str = "api") -> Callable[[Scope], Who]:
    """Identify by the first of these request headers, which something in front of the application must vouch for."""
    lowered = tuple(name.lower() for name in names)

    def identify(scope: Scope) -> Who:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        return from_headers(headers, names=lowered, platform=platform)

    return identify


class StillwatchMiddleware:
    """Wraps ``app``. ``noticed`` is called with whom and what for every exchange that something is decided about."""

    def __init__(
        self,
        app: App,
        *,
        table: Table,
        identify: Callable[[Scope], Who],
        links: Links | None = None,
        noticed: Callable[[Who, Answer], None] | None = None,
        now_us: Callable[[], int] = steady.now_us,
    ) -> None:
        self._app, self._table, self._identify = app, table, identify
        self._links, self._noticed, self._now_us = links or Links(), noticed, now_us

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        who = self._identify(scope)
        answer = self._table.decide(*who, self._now_us()) if who else NOBODY
        if self._noticed is not None and answer is not PASS:
            self._noticed(who, answer)
        shape = shape_of(scope["path"])
        refusal = refusal_of(answer, self._links, shape=shape, jitter=random.random())
        if refusal is None:
            await self._app(_marked(scope, answer), receive, send)
        elif scope["type"] == "websocket":
            await receive()  # the client's request to connect; closing before accepting it is answered with 403
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
        else:
            await _refuse(refusal, send)


async def _refuse(refusal: Refusal, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in refusal.headers.items()]
    headers.append((b"content-length", str(len(refusal.body)).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})


def _marked(scope: Scope, answer: Answer) -> Scope:
    """The scope itself where there is nothing to say and nothing to remove."""
    marks = marks_of(answer)
    forged = any(name.lower() in _OURS for name, _ in scope["headers"])
    if not marks and not forged:
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in _OURS]
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in marks.items()]
    return {**scope, "headers": headers} | ({"stillwatch": answer} if marks else {})
