from __future__ import annotations

import re

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from live_services import PASSWORD, token_for
from stillwatch.access.roles import SCOPES
from stillwatch.serve.guard import PUBLIC
from stillwatch.serve.running import Service


def routes(app: Litestar) -> list[tuple[str, str, str | None]]:
    """Every (method, path, scope) the application answers."""
    found: list[tuple[str, str, str | None]] = []
    for route in app.routes:
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        for handler in getattr(route, "route_handlers", []):
            found += [(m, path, handler.opt.get("scope")) for m in handler.http_methods if m != "OPTIONS"]
    return found


def asked(client: TestClient[Litestar], method: str, path: str, headers: dict[str, str]) -> int:
    client.cookies.clear()
    return client.request(method, path, headers=headers).status_code


def test_every_route_but_the_public_ones_refuses_who_is_nobody(app: Litestar, client: TestClient[Litestar]) -> None:
    found = routes(app)
    assert len(found) > 30
    public = {path for _, path, scope in found if scope == PUBLIC}
    assert public == {"/health", "/ready", "/v1/login", "/v1/oidc/login", "/v1/oidc/callback"}
    for method, path, scope in found:
        if scope != PUBLIC:
            assert asked(client, method, path, {}) == 401, (method, path)


def test_every_route_refuses_a_token_with_every_scope_but_its_own(
    app: Litestar, client: TestClient[Litestar], service: Service
) -> None:
    for method, path, scope in routes(app):
        if scope in {PUBLIC, None}:
            continue
        headers = token_for(service.parts.store, *sorted(set(SCOPES) - {scope}))
        assert asked(client, method, path, headers) == 403, (method, path)


def test_every_route_refuses_a_tampered_token(
    app: Litestar, client: TestClient[Litestar], everything: dict[str, str]
) -> None:
    good = everything["authorization"]
    last = "A" if good[-2] != "A" else "B"
    for bad in (good[:-2] + last + good[-1], good[:-4], good + "A", good.replace("sw_", "sw_0"), "Bearer ", "Basic x"):
        for method, path, scope in routes(app):
            if scope != PUBLIC:
                assert asked(client, method, path, {"authorization": bad}) == 401, (bad, method, path)


def test_the_right_token_is_let_through(client: TestClient[Litestar], everything: dict[str, str]) -> None:
    for path in ("/v1/campaigns", "/v1/decisions", "/v1/policies", "/v1/audit", "/v1/status", "/metrics", "/v1/tokens"):
        assert asked(client, "GET", path, everything) == 200, path


def test_an_expired_token_is_refused(client: TestClient[Litestar], service: Service) -> None:
    assert asked(client, "GET", "/v1/campaigns", token_for(service.parts.store, "campaigns:read", days=1e-9)) == 401


def test_a_session_changes_nothing_without_its_csrf_token(client: TestClient[Litestar]) -> None:
    client.cookies.clear()
    opened = client.post("/v1/login", json={"name": "admin", "password": PASSWORD})
    assert opened.status_code == 200
    assert "httponly" in opened.headers["set-cookie"].lower()
    assert client.get("/v1/me").json()["name"] == "admin"
    assert client.post("/v1/mine").status_code == 401
    assert client.post("/v1/mine", headers={"x-csrf-token": "0" * 64}).status_code == 401
    headers = {"x-csrf-token": opened.json()["csrf_token"]}
    assert client.post("/v1/logout", headers=headers).status_code == 204
    client.cookies.set("stillwatch_session", re.findall(r"stillwatch_session=([^;]+)", opened.headers["set-cookie"])[0])
    assert client.get("/v1/me").status_code == 401
    client.cookies.clear()


def test_wrong_passwords_are_refused_alike_and_then_throttled(client: TestClient[Litestar]) -> None:
    said = {client.post("/v1/login", json={"name": n, "password": "wrong"}).text for n in ("admin", "nobody")}
    assert len(said) == 1
    codes = [client.post("/v1/login", json={"name": "guess", "password": "wrong"}).status_code for _ in range(8)]
    assert codes[0] == 401
    assert codes[-1] == 429


@pytest.mark.parametrize("path", ["/v1/campaigns", "/health", "/nowhere"])
def test_answers_carry_the_headers_that_browsers_obey(client: TestClient[Litestar], path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
