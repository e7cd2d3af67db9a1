"""The callback: its hook with LiteLLM's own types, and (slow) inside a real LiteLLM proxy over HTTP."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from decided import NOON_US, Service, current, decision, running, table_of, until

from stillwatch.gateway.refusal import Links
from stillwatch.gateway.table import Table

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or importing litellm asks the network for prices
# litellm's own, on import and on first use; none of them is about us
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")


def hook(table: Table, user: str = "crow", metadata: dict[str, Any] | None = None, **options: Any) -> Any:
    """What the callback returns for one call, asked by name as the proxy does."""
    from litellm.caching.dual_cache import DualCache
    from litellm.proxy._types import UserAPIKeyAuth

    from stillwatch.gateway.litellm import StillwatchCallback

    callback = StillwatchCallback(table, **({"now_us": lambda: NOON_US} | options))
    data = {"model": "m", "messages": [], "metadata": metadata or {"kept": 1}}
    who = UserAPIKeyAuth(api_key="sk-1", user_id=user)
    asked = callback.async_pre_call_hook(user_api_key_dict=who, cache=DualCache(), data=data, call_type="acompletion")
    return asyncio.run(asked)


def refused(*asked: Any, **options: Any) -> Any:
    from litellm.proxy._types import ProxyException

    with pytest.raises(ProxyException) as error:
        hook(*asked, **options)
    return error.value


def test_a_denied_account_is_refused_in_the_proxys_own_words() -> None:
    error = refused(table_of(decision()), links=Links(appeal="https://example.org/{reference}"))
    assert (error.code, error.type) == ("403", "account_restricted")
    assert "https://example.org/d-crow-deny" in error.message
    assert error.provider_specific_fields == {"reference": "d-crow-deny"}


def test_a_throttled_account_is_told_to_come_back_later() -> None:
    table = table_of(decision(action="throttle", value=60.0))
    hook(table)
    error = refused(table)
    assert error.code == "429"
    assert int(error.headers["retry-after"]) >= 60


@pytest.mark.parametrize("of", [decision("somebody"), decision(simulated=True)])
def test_nothing_is_changed_for_whom_nothing_is_enforced(of: Any) -> None:
    assert hook(table_of(of)) is None


def test_what_goes_on_under_a_decision_carries_it_and_what_a_client_made_up_is_removed() -> None:
    table = table_of(decision(action="watermark"))
    assert hook(table)["metadata"] == {
        "kept": 1,
        "stillwatch": {"action": "watermark", "decision_id": "d-crow-watermark"},
    }
    assert hook(table, "wren", {"stillwatch": "forged", "kept": 1})["metadata"] == {"kept": 1}


def test_when_stillwatch_is_away_the_proxy_does_as_configured() -> None:
    assert hook(Table()) is None
    assert hook(table_of(decision(), heard_us=0)) is None
    assert refused(Table(on_missing="closed"), "wren").code == "503"
    assert refused(table_of(decision(), heard_us=0, on_stale="keep")).code == "403"


TOKEN = "t"  # noqa: S105 - of a service on loopback
CONFIG = """
model_list:
  - model_name: m
    litellm_params: {model: openai/m, api_key: none, mock_response: "a fine answer"}
litellm_settings:
  callbacks: stillwatch.gateway.litellm.callback
general_settings:
  custom_auth: named.named
"""
# the key is the user: stands for whatever the deployment's authentication is
AUTHENTICATION = """
from litellm.proxy._types import UserAPIKeyAuth
async def named(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, user_id=api_key)
"""


def can_run_the_proxy() -> bool:
    done = subprocess.run([sys.executable, "-c", "import litellm.proxy.proxy_server"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running(token=TOKEN, key=b"k") as up:
        up.show(
            current(),
            current("jay", "throttle", value=60.0),
            current("kite", simulated=True),
            current("rook", "withhold_reasoning"),
            version=1,
        )
        yield up


@pytest.fixture(scope="module")
def proxy(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real LiteLLM proxy of its own process, configured as the docs say; only the model is a mock of LiteLLM's."""
    import socket

    import httpx

    if not can_run_the_proxy():
        pytest.skip("this environment has litellm without what its proxy needs (fastapi and others)")
    folder: Path = tmp_path_factory.mktemp("proxy")
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "named.py").write_text(AUTHENTICATION)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(32)}",
        "STILLWATCH_URL": service.url,
        "STILLWATCH_TOKEN": TOKEN,
        "STILLWATCH_SNAPSHOT_KEY": "k",
        "STILLWATCH_STALE_AFTER_S": "2",
        "STILLWATCH_ON_STALE": "open",
        "CONFIG_FILE_PATH": str(folder / "config.yaml"),
    }
    command = [sys.executable, "-m", "uvicorn", "litellm.proxy.proxy_server:app", "--port", str(port)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env={**os.environ, **variables}, stdout=log, stderr=log) as process,
    ):
        url = f"http://127.0.0.1:{port}"

        def up() -> bool:
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            try:
                return httpx.get(f"{url}/health/liveliness", timeout=1.0).status_code == 200
            except httpx.HTTPError:
                time.sleep(0.2)
                return False

        try:
            assert until(up, 90.0), (folder / "log").read_text()[-3000:]
            yield url
        finally:
            process.terminate()
            process.wait(20)


def completed(url: str, user: str, *, stream: bool = False) -> Any:
    import httpx

    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    return httpx.post(
        f"{url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {user}"}, timeout=30.0
    )


@pytest.mark.slow
def test_a_real_proxy_denies_throttles_lets_pass_and_survives_the_service(proxy: str, service: Service) -> None:
    assert until(lambda: completed(proxy, "crow").status_code == 403, 15.0)
    denied = completed(proxy, "crow").json()["error"]
    assert denied["type"] == "account_restricted"
    assert denied["provider_specific_fields"]["reference"] == "d-crow-deny"
    for user in ("wren", "kite", "rook"):
        assert completed(proxy, user).json()["choices"][0]["message"]["content"] == "a fine answer"
    assert completed(proxy, "wren", stream=True).text.endswith("data: [DONE]\n\n")
    assert completed(proxy, "crow", stream=True).status_code == 403
    assert [completed(proxy, "jay").status_code for _ in range(2)] == [200, 429]
    assert int(completed(proxy, "jay").headers["retry-after"]) >= 30
    service.down()
    assert until(lambda: completed(proxy, "crow").status_code == 200, 30.0)
    service.up()
    assert until(lambda: completed(proxy, "crow").status_code == 403, 60.0)
