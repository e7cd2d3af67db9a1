"""From an address to a store that is ready, and every address that is none."""

from __future__ import annotations

import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from stillwatch.errors import ConfigError, EngineError
from stillwatch.store import open_store
from stillwatch.store.opening import engine_of, writing
from stillwatch.store.schema import METADATA

ROOT = Path(__file__).parents[2]


def test_the_migrations_make_the_tables_that_the_program_knows(address: str) -> None:
    engine = engine_of(address)
    with engine.connect() as connection:

        def other_type(_context: Any, _column: Any, _known: Any, there: Any, ours: Any) -> bool:
            said = ours.compile(connection.dialect).replace("VARCHAR", "TEXT")  # psycopg's name for our text
            return there.compile(connection.dialect) != said

        context = MigrationContext.configure(connection, opts={"compare_type": other_type})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_a_store_written_by_a_newer_program_is_refused_and_left_as_it_is(address: str) -> None:
    engine = engine_of(address)
    with writing(engine).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for migrate in (True, False):
        with pytest.raises(ConfigError, match=r"newer stillwatch \(schema 9999\).*install"):
            open_store(address, migrate=migrate)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


def test_without_leave_to_migrate_an_empty_place_is_refused(empty_address: str) -> None:
    with pytest.raises(ConfigError, match="its schema is missing, not 0001"):
        open_store(empty_address, migrate=False)
    open_store(empty_address).close()


def test_the_file_is_its_owners_alone_and_flushed_at_every_commit(tmp_path: Path) -> None:
    path = tmp_path / "made on the way" / "100%" / "store.db"
    open_store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with (engine := engine_of(path)).connect() as connection:
        asked = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    assert asked == ["wal", 2]
    engine.dispose()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all\n" * 100)
    with pytest.raises(ConfigError, match=r"notes\.txt: not a database"):
        open_store(path)
    assert path.read_text().startswith("not a database")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://root@localhost/x", "no store speaks mysql"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("://", "not an address"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        open_store(address)


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        open_store(tmp_path)


def test_where_no_server_listens_it_is_said_without_the_password() -> None:
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1/x cannot be used") as told:
        open_store("postgres://ann:hunter2@127.0.0.1:1/x")
    assert "hunter2" not in str(told.value)


@pytest.mark.slow
def test_an_installed_wheel_brings_its_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("stillwatch-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); from stillwatch import store; "
        "assert store.__file__.startswith(sys.path[0]); print(store.open_store('store.db').decision_version())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
