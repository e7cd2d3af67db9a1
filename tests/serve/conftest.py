"""One service over a composed world, opened once for the tests that only ask it things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from live_services import PASSWORD, batch_of, offered, token_for
from stillwatch.access.roles import SCOPES
from stillwatch.access.sessions import add_person
from stillwatch.clock import now
from stillwatch.compose import World
from stillwatch.config import Config, Live, Serve
from stillwatch.serve.app import application
from stillwatch.serve.running import Service, close_service, open_service


@pytest.fixture(scope="session")
def service(tiny_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Everything stored and mined once; nothing is armed."""
    state = tmp_path_factory.mktemp("state")
    config = Config(
        live=Live(state=str(state), mine_after=10**9, mine_every_min=10**4), serve=Serve(secure_cookies=False)
    )
    opened = open_service(config)
    opened.parts.watch.put_accounts(tiny_world.accounts.to_pylist())
    offered(opened.parts.intake, batch_of(tiny_world.exchanges))
    opened.parts.miner.mine_once(now())
    opened.parts.board.refresh(now())
    add_person(opened.parts.store, opened.doors.passwords, now(), name="admin", role="admin", password=PASSWORD)
    yield opened
    close_service(opened)


@pytest.fixture(scope="session")
def app(service: Service) -> Litestar:
    return application(service.parts, service.doors, service.outbox)


@pytest.fixture(scope="session")
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def everything(service: Service) -> dict[str, str]:
    """Headers of a token with every scope."""
    return token_for(service.parts.store, *sorted(SCOPES))
