"""Envoy's own protocols, asked by the published stubs over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import msgspec
import pytest
from decided import NOON_US, decision, table_of
from envoy.service.auth.v3 import external_auth_pb2 as authz
from envoy.service.auth.v3 import external_auth_pb2_grpc as authz_grpc
from envoy.service.ext_proc.v3 import external_processor_pb2 as proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc

from stillwatch.gateway.envoy import StillwatchEnvoy
from stillwatch.gateway.table import Table


def through(table: Table, use: Callable[[grpc.aio.Channel], Awaitable[Any]], **options: Any) -> Any:
    """What ``use`` gets over a channel to a real server."""

    async def run() -> Any:
        server = grpc.aio.server()
        StillwatchEnvoy(table, **({"now_us": lambda: NOON_US} | options)).add_to(server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                return await use(channel)
        finally:
            await server.stop(None)

    return asyncio.run(run())


def check(table: Table, account: str = "crow", path: str = "/v1/chat/completions", **options: Any) -> Any:
    http = {"headers": {"x-account-id": account}, "path": path, "method": "POST"}
    question = authz.CheckRequest(attributes={"request": {"http": http}})
    return through(table, lambda channel: authz_grpc.AuthorizationStub(channel).Check(question), **options)


def headers_of(account: str, *, raw: bool = True, observe: bool = False) -> Any:
    field, value = ("raw_value", account.encode()) if raw else ("value", account)
    pairs = [{"key": "x-account-id", field: value}, {"key": ":path", field: b"/v1/messages" if raw else "/v1/messages"}]
    headers = {"headers": {"headers": pairs}}
    return proc.ProcessingRequest(request_headers=headers, observability_mode=observe)


def process(table: Table, *parts: Any, **options: Any) -> list[Any]:
    async def use(channel: grpc.aio.Channel) -> list[Any]:
        call = proc_grpc.ExternalProcessorStub(channel).Process(iter(parts))
        return [reply async for reply in call]

    return through(table, use, **options)


def test_ext_authz_lets_go_on_whom_nothing_is_decided_about_and_removes_made_up_marks() -> None:
    reply = check(table_of(decision()), "wren")
    assert (reply.status.code, reply.WhichOneof("http_response")) == (0, "ok_response")
    assert list(reply.ok_response.headers) == []
    assert set(reply.ok_response.headers_to_remove) == {"x-stillwatch-action", "x-stillwatch-decision"}


@pytest.mark.parametrize(("action", "status", "code"), [("deny", 403, 7), ("challenge", 403, 7)])
def test_ext_authz_refuses_with_status_headers_and_body(action: str, status: int, code: int) -> None:
    reply = check(table_of(decision(action=action)))
    assert (reply.status.code, reply.denied_response.status.code) == (code, status)
    assert msgspec.json.decode(reply.denied_response.body)["error"]["reference"] == f"d-crow-{action}"
    assert {h.header.key: h.header.value for h in reply.denied_response.headers}["content-type"] == "application/json"


def test_ext_authz_throttles_with_retry_after() -> None:
    table = table_of(decision(action="throttle", value=60.0))
    assert check(table).status.code == 0
    reply = check(table)
    assert (reply.status.code, reply.denied_response.status.code) == (8, 429)
    assert int({h.header.key: h.header.value for h in reply.denied_response.headers}["retry-after"]) >= 60


def test_ext_authz_marks_what_goes_on_under_a_decision() -> None:
    reply = check(table_of(decision(action="withhold_reasoning")))
    marks = {h.header.key: h.header.value for h in reply.ok_response.headers}
    assert marks == {
        "x-stillwatch-action": "withhold_reasoning",
        "x-stillwatch-decision": "d-crow-withhold_reasoning",
    }
    # a name that is set may not be removed in the same answer, whichever Envoy does first
    assert set(marks) & set(reply.ok_response.headers_to_remove) == set()


@pytest.mark.parametrize("raw", [True, False])
def test_ext_proc_refuses_at_the_headers_in_the_clients_shape(*, raw: bool) -> None:
    (reply,) = process(table_of(decision()), headers_of("crow", raw=raw))
    assert reply.immediate_response.status.code == 403
    body = msgspec.json.decode(reply.immediate_response.body)
    assert (body["type"], body["error"]["type"]) == ("error", "permission_error")
    assert reply.immediate_response.details == "account_restricted"


def test_ext_proc_answers_every_part_with_the_same_part_and_changes_nothing_but_marks() -> None:
    parts = [
        headers_of("jay"),
        proc.ProcessingRequest(request_body={"body": b"{}", "end_of_stream": True}),
        proc.ProcessingRequest(response_headers={}),
        proc.ProcessingRequest(response_body={"body": b"data: 1"}),
        proc.ProcessingRequest(response_trailers={}),
    ]
    replies = process(table_of(decision("jay", "watermark")), *parts)
    assert [r.WhichOneof("response") for r in replies] == [p.WhichOneof("request") for p in parts]
    marks = replies[0].request_headers.response.header_mutation.set_headers
    assert [(h.header.key, h.header.raw_value) for h in marks] == [
        ("x-stillwatch-action", b"watermark"),
        ("x-stillwatch-decision", b"d-jay-watermark"),
    ]
    assert all(not r.response_body.response.HasField("body_mutation") for r in replies)


def test_in_observability_mode_nothing_is_answered_and_nothing_counted_but_all_is_noticed() -> None:
    noticed: list[Any] = []
    table = table_of(decision(), decision("jay", "throttle", value=60.0))
    parts = [headers_of(name, observe=True) for name in ("crow", "jay", "jay", "wren")]
    assert process(table, *parts, noticed=lambda who, a: noticed.append((who[1], a.action))) == []
    assert noticed == [("crow", "deny"), ("jay", "throttle"), ("jay", "throttle")]
    assert table.decide("api", "jay", NOON_US).passes


def test_in_shadow_nobody_is_refused() -> None:
    table = table_of(decision(simulated=True))
    assert check(table).status.code == 0
    assert process(table, headers_of("crow"))[0].WhichOneof("response") == "request_headers"


@pytest.mark.parametrize(
    ("table", "status"),
    [(Table(), 0), (Table(on_missing="closed"), 503), (table_of(decision(), heard_us=0, on_stale="closed"), 503)],
    ids=["none: open", "none: closed", "stale: closed"],
)
def test_when_stillwatch_is_away_envoy_is_answered_as_configured(table: Table, status: int) -> None:
    assert check(table, "wren").denied_response.status.code == status
    assert process(table, headers_of("wren"))[0].immediate_response.status.code == status


def test_when_this_server_is_away_the_call_fails_and_envoys_own_setting_decides() -> None:
    async def use() -> None:
        async with grpc.aio.insecure_channel("127.0.0.1:9") as channel:
            await authz_grpc.AuthorizationStub(channel).Check(authz.CheckRequest(), timeout=5.0)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        asyncio.run(use())
    assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
