"""The two webhooks that the service mounts: LiteLLM's, asked by LiteLLM's own client, and Portkey's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import msgspec
import pytest
from decided import NOON_US, decision, table_of
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.gateway import litellm_http, portkey
from stillwatch.gateway.refusal import Links
from stillwatch.gateway.table import Table
from stillwatch.ingest.credentials import key_id

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or importing litellm asks the network for prices
# litellm's own, on import and on first use; none of them is about us
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")

LINKS = Links(appeal="https://example.org/appeal")
INPUTS = {"texts": ["hello"], "structured_messages": [{"role": "user", "content": "hello"}], "model": "m"}


@contextmanager
def served(table: Table, status: int = 200) -> Generator[tuple[str, list[dict[str, Any]]]]:
    """The route on loopback, as the service mounts it."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append({"path": self.path, "key": self.headers["x-api-key"], **msgspec.json.decode(body)})
            found = msgspec.json.encode(litellm_http.answer(body, table, NOON_US, links=LINKS))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def guarded(url: str, user: str | None = "crow", side: str = "request", **options: Any) -> Any:
    """Ask as LiteLLM does, with its own class."""
    import litellm
    from litellm.proxy.guardrails.guardrail_hooks.generic_guardrail_api import GenericGuardrailAPI

    litellm.disable_aiohttp_transport = True  # its sessions outlive the loop of a test
    metadata = {"user_api_key_user_id": user, "user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05"}

    async def ask() -> Any:
        guardrail = GenericGuardrailAPI(api_base=url, api_key="k", guardrail_name="stillwatch", **options)
        given = {"inputs": dict(INPUTS), "request_data": {"metadata": metadata}, "input_type": side}
        try:
            return await guardrail.apply_guardrail(**given)
        finally:
            await guardrail.async_handler.close()
            litellm.in_memory_llm_clients_cache.flush_cache()

    return asyncio.run(ask())


def test_the_real_client_of_litellm_is_told_to_block_a_denied_account_and_nobody_else() -> None:
    from litellm.exceptions import GuardrailRaisedException

    with served(table_of(decision())) as (url, asked):
        with pytest.raises(GuardrailRaisedException, match=r"not accepted\. See https://example.org/appeal"):
            guarded(url)
        assert guarded(url, "wren")["texts"] == ["hello"]
    assert asked[0]["path"] == "/beta/litellm_basic_guardrail_api"
    assert asked[0]["key"] == "k"


def test_a_throttled_account_is_blocked_when_its_minute_is_spent_and_replies_cost_nothing() -> None:
    from litellm.exceptions import GuardrailRaisedException

    with served(table_of(decision(action="throttle", value=60.0))) as (url, _):
        for _ in range(3):
            guarded(url, side="response")
        guarded(url)
        with pytest.raises(GuardrailRaisedException, match="faster than it may"):
            guarded(url)


def test_a_key_without_a_user_is_the_account_that_the_logs_call_it() -> None:
    from litellm.exceptions import GuardrailRaisedException

    account = f"key:{key_id('88dc28d0f030c55ed4ab77ed8faf098196cb1c05', b'stillwatch')}"
    with served(table_of(decision(account))) as (url, _), pytest.raises(GuardrailRaisedException):
        guarded(url, user=None)


def test_in_shadow_nobody_is_blocked() -> None:
    with served(table_of(decision(simulated=True))) as (url, _):
        assert guarded(url)["texts"] == ["hello"]


def test_when_the_service_is_away_litellm_refuses_everybody_unless_it_is_told_to_fail_open() -> None:
    away = "http://127.0.0.1:9"
    with pytest.raises(Exception, match="Generic Guardrail API failed"):
        guarded(away, "wren")
    assert guarded(away, "wren", unreachable_fallback="fail_open")["texts"] == ["hello"]
    with served(table_of(), status=500) as (url, _):
        with pytest.raises(Exception, match="Generic Guardrail API failed"):
            guarded(url, "wren", unreachable_fallback="fail_open")
        assert guarded(url, "wren", fail_on_error=False)["texts"] == ["hello"]


def test_a_service_without_a_table_answers_as_the_table_is_configured() -> None:
    body = {"request_data": {"user_api_key_user_id": "wren"}, "input_type": "request"}
    assert litellm_http.answer(body, Table(), NOON_US) == {"action": "NONE"}
    assert litellm_http.answer(body, Table(on_missing="closed"), NOON_US)["action"] == "BLOCKED"
    assert litellm_http.answer({"request_data": {}}, table_of(decision()), NOON_US) == {"action": "NONE"}


@given(body=st.binary(max_size=60) | st.sampled_from([b"[]", b'{"request_data": 1}', b'{"metadata": []}', b"\xff"]))
def test_what_neither_would_ask_is_an_error_of_the_asker(body: bytes) -> None:
    for answer in (litellm_http.answer, portkey.answer):
        try:
            found = answer(body, table_of(decision()), NOON_US)
        except InputError:
            continue
        assert found.get("verdict", True)
        assert found.get("action", "NONE") == "NONE"


def asked_by_portkey(account: str, event: str = "beforeRequestHook", name: str = "account_id") -> dict[str, Any]:
    return {
        "request": {"json": {"model": "m", "messages": []}, "text": "hello", "isStreamingRequest": False},
        "response": {"json": {}, "text": "", "statusCode": None},
        "provider": "openai",
        "requestType": "chatComplete",
        "metadata": {name: account},
        "eventType": event,
    }


def test_portkey_gets_a_verdict_and_says_why_in_its_log() -> None:
    table = table_of(decision(), decision("jay", "watermark"), decision("kite", simulated=True))
    denied = portkey.answer(asked_by_portkey("crow"), table, NOON_US, links=LINKS)
    assert denied["verdict"] is False
    assert denied["data"]["code"] == "account_restricted"
    assert denied["data"]["reference"] == "d-crow-deny"
    assert portkey.answer(asked_by_portkey("crow", name="_user"), table, NOON_US)["verdict"] is False
    for account, action in (("wren", None), ("jay", "watermark"), ("kite", "observe")):
        found = portkey.answer(msgspec.json.encode(asked_by_portkey(account)), table, NOON_US)
        assert (found["verdict"], found["data"]["action"]) == (True, action)


def test_portkey_after_the_request_neither_refuses_nor_counts() -> None:
    table = table_of(decision(), decision("jay", "throttle", value=60.0))
    for account in ("crow", "jay", "jay", "jay"):
        assert portkey.answer(asked_by_portkey(account, "afterRequestHook"), table, NOON_US) == {"verdict": True}
    verdicts = [portkey.answer(asked_by_portkey("jay"), table, NOON_US)["verdict"] for _ in range(3)]
    assert verdicts == [True, False, False]


def test_portkey_asking_a_service_without_a_table_is_answered_as_configured() -> None:
    assert portkey.answer(asked_by_portkey("wren"), Table(), NOON_US)["verdict"] is True
    closed = portkey.answer(asked_by_portkey("wren"), Table(on_missing="closed"), NOON_US)
    assert (closed["verdict"], closed["data"]["action"]) == (False, None)
