"""One store of each kind, empty: SQLite in a file, and PostgreSQL from a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import CannotRunError, Server, started

from stillwatch.store import Store, open_store


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    try:
        running = started()
    except CannotRunError as because:
        pytest.skip(f"no PostgreSQL server runs here: {because}")
    yield running
    running.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once and copied for every test."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    open_store(path).close()
    return path


@pytest.fixture(scope="session")
def migrated_database(server: Server) -> str:
    address = server.new_database()
    open_store(address).close()
    return address.rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("server").new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a store without anything in it."""
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        return f"sqlite:///{path}"
    return request.getfixturevalue("server").new_database(request.getfixturevalue("migrated_database"))


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = open_store(address)
    yield opened
    opened.close()
