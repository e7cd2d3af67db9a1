from __future__ import annotations

import gzip
import json

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from live_services import PASSWORD, ndjson, token_for
from stillwatch.access.sessions import add_person
from stillwatch.clock import now
from stillwatch.compose import World
from stillwatch.gateway.snapshot import decode
from stillwatch.serve.running import Service

Client = TestClient[Litestar]
Headers = dict[str, str]


def test_exchanges_come_in_once_whatever_their_dress(client: Client, everything: Headers, tiny_world: World) -> None:
    body = ndjson(tiny_world.exchanges.slice(0, 20))
    for content, more in ((body, {}), (gzip.compress(body), {"content-encoding": "gzip"})):
        said = client.post("/v1/exchanges", content=content, headers=everything | more)
        assert said.status_code == 200, said.text
        assert said.json() | {"problems": []} == {
            "accepted": 0, "duplicates": 20, "rejected": 0, "too_old": 0, "problems": []
        }  # fmt: skip


def test_bad_rows_are_told_and_kept_and_the_good_ones_are_stored(
    client: Client, everything: Headers, tiny_world: World
) -> None:
    row = json.loads(ndjson(tiny_world.exchanges.slice(0, 1))) | {"exchange_id": "good-one"}
    lines = [json.dumps(row), '{"exchange_id": ', json.dumps(row | {"exchange_id": "no-account", "account_id": None})]
    said = client.post("/v1/exchanges", content="\n".join(lines).encode(), headers=everything).json()
    assert (said["accepted"], said["rejected"]) == (1, 2)
    assert any("line 2" in problem for problem in said["problems"])
    letters = client.get("/v1/dead-letters", headers=everything).json()
    assert letters["held"] >= 2


@pytest.mark.parametrize("content", [b"\x00\xff" * 50, b"PAR1 broken PAR1", b"<html>"])
def test_rubbish_is_a_clear_400_and_never_a_500(client: Client, everything: Headers, content: bytes) -> None:
    said = client.post("/v1/exchanges", content=content, headers=everything)
    assert said.status_code in {200, 400}
    if said.status_code == 200:
        assert said.json()["accepted"] == 0
        assert said.json()["rejected"] > 0


def test_otlp_answers_as_otlp_asks(client: Client, everything: Headers) -> None:
    said = client.post("/v1/traces", json={"resourceSpans": []}, headers=everything)
    assert (said.status_code, said.json()) == (200, {"partialSuccess": {}})
    headers = everything | {"content-type": "application/x-protobuf"}
    said = client.post("/v1/logs", content=b"", headers=headers)
    assert said.status_code in {200, 400}


def test_a_campaign_can_be_read_with_its_evidence(client: Client, everything: Headers) -> None:
    found = client.get("/v1/campaigns", headers=everything).json()
    assert found, "the tiny world has campaigns"
    name = found[0]["campaign_id"]
    whole = client.get(f"/v1/campaigns/{name}", headers=everything).json()
    assert whole["campaign"]["campaign_id"] == name
    assert whole["campaign"]["evidence"]
    history = client.get(f"/v1/campaigns/{name}/history", headers=everything).json()
    assert history[0]["kind"] == "found"
    assert client.get("/v1/campaigns/none-such", headers=everything).status_code == 404


def test_decisions_are_simulated_in_shadow_and_the_gateway_lets_pass(client: Client, everything: Headers) -> None:
    made = client.get("/v1/decisions?live=true", headers=everything).json()["decisions"]
    assert made
    assert all(one["simulated"] for one in made)
    for one in made[:5]:
        who = {"platform": one["platform"], "account_id": one["account_id"]}
        assert client.post("/v1/decide", json=who, headers=everything).json()["passes"]


def test_a_snapshot_comes_once_and_then_only_what_is_new(client: Client, service: Service, everything: Headers) -> None:
    service.parts.board.refresh(now())
    first = client.get("/v1/decisions/snapshot", headers=everything)
    assert first.status_code == 200
    assert decode(first.content).stamp.version == int(first.headers["x-stillwatch-version"])
    again = client.get(
        f"/v1/decisions/snapshot?since={first.headers['x-stillwatch-version']}",
        headers=everything | {"if-none-match": first.headers["etag"]},
    )
    assert again.status_code == 304


def test_dismissing_a_campaign_takes_back_what_was_decided_for_it(client: Client, everything: Headers) -> None:
    decided = [one["campaign_id"] for one in client.get("/v1/decisions", headers=everything).json()["decisions"]]
    name = decided[0]
    said = client.post(f"/v1/campaigns/{name}/dismiss", json={"because": "a class"}, headers=everything)
    assert said.json()["count"] == decided.count(name)
    left = client.get(f"/v1/decisions?campaign_id={name}", headers=everything).json()["decisions"]
    assert left == []
    assert {one["campaign_id"]: one["state"] for one in client.get("/v1/campaigns", headers=everything).json()}[
        name
    ] == "dismissed"


def test_a_program_cannot_arm_and_a_person_can_and_disarming_undoes_all(
    client: Client, service: Service, everything: Headers
) -> None:
    digest = next(one["digest"] for one in client.get("/v1/policies", headers=everything).json() if one["active"])
    asked = {"mode": "armed", "because": "test"}
    assert client.post(f"/v1/policies/{digest}/mode", json=asked, headers=everything).status_code == 403
    opened = client.post("/v1/login", json={"name": "admin", "password": PASSWORD})
    person = {"x-csrf-token": opened.json()["csrf_token"]}
    armed = client.post(f"/v1/policies/{digest}/mode", json=asked, headers=person)
    assert armed.json()["mode"] == "armed", armed.text
    undone = client.post("/v1/disarm", json={"because": "enough"}, headers=person)
    assert undone.status_code == 200
    assert not client.get("/v1/decisions", headers=everything).json()["decisions"]
    assert (
        next(one for one in client.get("/v1/policies", headers=everything).json() if one["active"])["mode"] == "shadow"
    )
    whats = [entry["what"] for entry in client.get("/v1/audit", headers=everything).json()]
    assert "policy.mode" in whats
    assert "policy.disarm" in whats
    client.cookies.clear()
    service.parts.watch.decide_again(now())


def test_a_wrong_policy_is_refused_with_every_error_at_its_key(client: Client, everything: Headers) -> None:
    text = 'version = "1"\n[[rules]]\nname = "x"\naction = "vaporise"\n[[rules]]\nname = "y"\nactoin = "deny"\n'
    said = client.post("/v1/policies", json={"text": text}, headers=everything)
    assert said.status_code == 400
    assert "actoin" in said.json()["detail"]
    assert "vaporise" in said.json()["detail"]


def test_gateways_are_answered_in_their_own_shapes(client: Client, service: Service) -> None:
    headers = token_for(service.parts.store, "decisions:read")
    said = client.post(
        "/beta/litellm_basic_guardrail_api",
        json={"request_data": {"user_api_key_user_id": "nobody"}, "input_type": "request"},
        headers=headers,
    )
    assert said.json() == {"action": "NONE"}
    assert (
        client.post("/v1/portkey", json={"eventType": "beforeRequestHook"}, headers=headers).json()["verdict"] is True
    )
    assert client.post("/v1/portkey", content=b"[", headers=headers).status_code == 400


def test_metrics_and_status_say_how_fresh_detection_is(client: Client, everything: Headers) -> None:
    status = client.get("/v1/status", headers=everything).json()
    assert status["details"]["last_mined_at"]
    assert status["details"]["mode"] == "shadow"
    text = client.get("/metrics", headers=everything).text
    assert "stillwatch_detection_staleness_seconds" in text


def test_the_openapi_document_knows_every_route(client: Client, everything: Headers) -> None:
    paths = client.get("/schema/openapi.json", headers=everything).json()["paths"]
    assert len(paths) > 25
    assert all("summary" in asked for methods in paths.values() for asked in methods.values())


def test_held_decisions_are_released_by_a_second_person_alone(
    client: Client, service: Service, everything: Headers
) -> None:
    asked = {"decision_ids": ["d-none"]}
    assert client.post("/v1/decisions/approve", json=asked, headers=everything).status_code == 403
    digest = next(one["digest"] for one in client.get("/v1/policies", headers=everything).json() if one["active"])
    add_person(service.parts.store, service.doors.passwords, now(), name="second", role="responder", password=PASSWORD)
    codes: dict[str, int] = {}
    headers: Headers = {}
    for name in ("admin", "second"):
        client.cookies.clear()
        opened = client.post("/v1/login", json={"name": name, "password": PASSWORD})
        headers = {"x-csrf-token": opened.json()["csrf_token"]}
        if name == "admin":
            client.post(f"/v1/policies/{digest}/mode", json={"mode": "armed", "because": "t"}, headers=headers)
        codes[name] = client.post("/v1/decisions/approve", json=asked, headers=headers).status_code
    assert codes == {"admin": 409, "second": 200}
    client.post("/v1/disarm", json={"because": "t"}, headers=headers)
    client.cookies.clear()


def test_a_person_changes_a_password_and_every_login_ends(client: Client, service: Service) -> None:
    add_person(service.parts.store, service.doors.passwords, now(), name="third", role="viewer", password=PASSWORD)
    client.cookies.clear()
    opened = client.post("/v1/login", json={"name": "third", "password": PASSWORD})
    headers = {"x-csrf-token": opened.json()["csrf_token"]}
    wrong = {"old": "not this one", "new": "a much longer password"}
    assert client.post("/v1/password", json=wrong, headers=headers).status_code == 401
    right = wrong | {"old": PASSWORD}
    assert client.post("/v1/password", json=right, headers=headers).status_code == 204
    assert client.get("/v1/me").status_code == 401
    client.cookies.clear()
    assert client.post("/v1/login", json={"name": "third", "password": right["new"]}).status_code == 200
    client.cookies.clear()
