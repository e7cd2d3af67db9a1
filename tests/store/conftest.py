"""One store of each kind, empty: SQLite in a file, and PostgreSQL from a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import CannotRunError, Server, started
from sqlalchemy import text

from stillwatch.store import Store, open_store
from stillwatch.store.chain import GENESIS
from stillwatch.store.opening import engine_of, writing
from stillwatch.store.schema import AUDIT_ENDS, COUNTERS, METADATA


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
    """Migrated once and emptied for every test: a database of its own for each would be 7 MB of files."""
    address = server.new_database()
    open_store(address).close()
    return address


def emptied(address: str) -> str:
    """As a migration leaves it."""
    engine = engine_of(address)
    with writing(engine).begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(METADATA.tables)} RESTART IDENTITY"))
        connection.execute(COUNTERS.insert(), [{"name": name, "value": 0} for name in ("decisions", "policies")])
        ends = {"one": 1, "before": 0, "before_chain": GENESIS, "head": 0, "head_chain": GENESIS}
        connection.execute(AUDIT_ENDS.insert(), ends)
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    return address


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
    return emptied(request.getfixturevalue("migrated_database"))


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = open_store(address)
    yield opened
    opened.close()
