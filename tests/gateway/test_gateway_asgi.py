from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from decided import NOON_US, decision, table_of

from stillwatch.gateway.asgi import StillwatchMiddleware, by_headers
from stillwatch.gateway.refusal import Links
from stillwatch.gateway.table import Table

LINKS = Links(appeal="https://example.org/appeal?ref={reference}", verify="https://example.org/verify")
CHUNKS = [f'data: {{"n": {n}}}\n\n'.encode() for n in range(5)]


class Streaming:
    """An application that streams: reads the body piece by piece and answers in pieces, noting what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, Any, Any]] = []
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.given.append((scope, receive, send))
        more = True
        while more:
            message = await receive()
            self.body += message.get("body", b"")
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for chunk in CHUNKS:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def http(account: str = "crow", path: str = "/v1/chat/completions", **more: str) -> dict[str, Any]:
    headers = [(b"x-account-id", account.encode()), *((n.encode(), v.encode()) for n, v in more.items())]
    return {"type": "http", "path": path, "method": "POST", "headers": headers}


def ask(app: Any, scope: dict[str, Any]) -> tuple[list[dict[str, Any]], Any, Any]:
    """The messages that the application sent, and the very ``receive`` and ``send`` it was called with."""
    sent: list[dict[str, Any]] = []
    pieces = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.request", "body": b"c"}]
    if scope["type"] == "websocket":
        pieces = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        return pieces.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent, receive, send


def wrapped(table: Table, **options: Any) -> tuple[StillwatchMiddleware, Streaming]:
    app = Streaming()
    given = {"identify": by_headers("X-Account-Id"), "links": LINKS, "now_us": lambda: NOON_US} | options
    return StillwatchMiddleware(app, table=table, **given), app


def refused(sent: list[dict[str, Any]]) -> tuple[int, dict[str, str], dict[str, Any]]:
    start, body = sent
    return start["status"], {n.decode(): v.decode() for n, v in start["headers"]}, json.loads(body["body"])


@pytest.mark.parametrize("of", [decision("somebody else"), decision(simulated=True), decision(action="observe")])
def test_an_exchange_that_goes_on_streams_byte_for_byte_as_without_the_middleware(of: Any) -> None:
    middleware, app = wrapped(table_of(of))
    bare = Streaming()
    assert ask(middleware, http())[0] == ask(bare, http())[0]
    assert app.body == bare.body == b"abc"


@pytest.mark.parametrize("of", [decision("somebody else"), decision(simulated=True)])
def test_an_unflagged_exchange_gets_the_very_same_scope_receive_and_send(of: Any) -> None:
    middleware, app = wrapped(table_of(of))
    scope = http()
    _, receive, send = ask(middleware, scope)
    assert app.given[0][0] is scope
    assert app.given[0][1:] == (receive, send)


def test_a_denied_account_gets_403_with_a_reason_a_reference_and_a_link_and_the_application_nothing() -> None:
    middleware, app = wrapped(table_of(decision()))
    status, headers, body = refused(ask(middleware, http())[0])
    assert (status, headers["content-type"], app.given) == (403, "application/json", [])
    assert body["error"]["code"] == "account_restricted"
    assert body["error"]["type"] == "permission_error"
    assert body["error"]["reference"] == "d-crow-deny"
    assert body["error"]["link"] == "https://example.org/appeal?ref=d-crow-deny"
    assert int(headers["content-length"]) > 0


def test_the_message_routes_of_anthropic_are_refused_in_their_shape() -> None:
    middleware, _ = wrapped(table_of(decision(action="challenge")))
    status, _, body = refused(ask(middleware, http(path="/v1/messages"))[0])
    assert (status, body["type"], body["error"]["type"]) == (403, "error", "permission_error")
    assert body["error"]["code"] == "verification_required"
    assert body["error"]["link"] == "https://example.org/verify"


def test_a_throttled_account_is_told_when_to_come_back_later_than_it_must_and_not_always_the_same() -> None:
    middleware, app = wrapped(table_of(decision(action="throttle", value=60.0)))
    ask(middleware, http())
    assert len(app.given) == 1
    answers = [refused(ask(middleware, http())[0]) for _ in range(40)]
    waits = {int(headers["retry-after"]) for _, headers, _ in answers}
    assert {status for status, _, _ in answers} == {429}
    assert len(waits) > 1
    assert min(waits) >= 60
    assert max(waits) <= 91


@pytest.mark.parametrize("action", ["watermark", "withhold_reasoning", "observe"])
def test_an_exchange_that_goes_on_under_a_decision_is_marked_for_the_application(action: str) -> None:
    middleware, app = wrapped(table_of(decision(action=action)))
    scope = http()
    ask(middleware, scope)
    given = app.given[0][0]
    assert given["stillwatch"].action == action
    assert (b"x-stillwatch-action", action.encode()) in given["headers"]
    assert len(scope["headers"]) == 1


def test_marks_that_a_client_made_up_are_removed() -> None:
    for table in (table_of(decision("nobody here")), table_of(decision(action="watermark"))):
        middleware, app = wrapped(table)
        ask(middleware, http(**{"X-Stillwatch-Action": "none", "x-stillwatch-decision": "x"}))
        values = [value for name, value in app.given[0][0]["headers"] if name.lower().startswith(b"x-stillwatch")]
        assert b"none" not in values
        assert b"x" not in values


def test_who_is_not_named_passes_and_is_noticed() -> None:
    noticed: list[Any] = []
    middleware, app = wrapped(table_of(decision()), noticed=lambda who, answer: noticed.append((who, answer.why)))
    ask(middleware, {"type": "http", "path": "/", "headers": []})
    ask(middleware, http("wren"))
    ask(middleware, http("crow"))
    assert len(app.given) == 2
    assert noticed == [(None, "nobody named"), (("api", "crow"), "decided")]


@pytest.mark.parametrize(
    ("table", "status"),
    [
        (Table(), 200),
        (Table(on_missing="closed"), 503),
        (table_of(decision(), heard_us=0), 200),
        (table_of(decision(), heard_us=0, on_stale="closed"), 503),
        (table_of(decision(), heard_us=0, on_stale="keep"), 403),
    ],
    ids=["none: open", "none: closed", "stale: open", "stale: closed", "stale: keep"],
)
def test_when_stillwatch_is_away_it_does_as_configured(table: Table, status: int) -> None:
    middleware, app = wrapped(table)
    sent, _, _ = ask(middleware, http())
    assert sent[0]["status"] == status
    assert len(app.given) == (status == 200)
    if status == 503:
        assert "retry-after" in refused(sent)[1]
        assert "reference" not in refused(sent)[2]["error"]


def test_a_denied_websocket_is_closed_before_it_opens() -> None:
    middleware, app = wrapped(table_of(decision()))
    sent, _, _ = ask(middleware, http() | {"type": "websocket"})
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "account_restricted"}]
    assert app.given == []


def test_the_life_of_the_application_is_none_of_its_business() -> None:
    middleware, app = wrapped(Table(on_missing="closed"), identify=None)
    scope = {"type": "lifespan"}

    async def nothing(*_: Any) -> dict[str, Any]:
        return {}

    asyncio.run(middleware(scope, nothing, nothing))
    assert app.given[0][0] is scope
