"""An embedded store without anything in it, and passwords that are cheap to check."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from stillwatch.access.passwords import Passwords
from stillwatch.store import Store, open_store


@pytest.fixture(scope="session")
def access_store_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "store.db"
    open_store(path).close()
    return path


@pytest.fixture
def store(access_store_file: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(access_store_file, tmp_path / "store.db")
    opened = open_store(tmp_path / "store.db", migrate=False)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
