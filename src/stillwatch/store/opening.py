"""From a path or an address to a database that is ready: connections, durability, the newest schema.

SQLite keeps one file in WAL mode, flushed at every commit; ``BEGIN IMMEDIATE`` is sent by hand, because the driver
would begin only before the first change of a row, after the tables were made. PostgreSQL connections are tried before
use, so that a server that went away and came back is found again. Migrations run in one transaction on both: killed
half-way, nothing of them has happened.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError

from stillwatch.errors import ConfigError
from stillwatch.store.faults import told_as_engine_error

BUSY_S = 15  # how long a writer waits for another process; within one process they queue before that
CONNECT_S = 5
LOCK_MS = 30_000
# any number that no other program locks in the same database: "stillw" as bytes
MIGRATION_LOCK = int.from_bytes(b"stillw", "big")

_MIGRATIONS = Path(__file__).with_name("migrations")
_ONE_AT_A_TIME = threading.Lock()  # alembic keeps what it works on in globals


def engine_of(where: str | Path) -> Engine:
    """A pool of connections, none of them open yet. Raises ConfigError for an address nobody understands."""
    url = _url_of(where)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return _postgresql(url)


def shown(engine: Engine) -> str:
    """The store's address as messages may say it: without the password."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=True)


def writing(engine: Engine) -> Engine:
    """The same pool, for transactions that write: SQLite takes the write lock at their start, not in their middle."""
    return engine.execution_options(writes=True)


def prepare(engine: Engine, *, migrate: bool) -> None:
    """Brings the schema up to date, or refuses. One transaction; others that come at the same time wait.

    Raises ConfigError where a newer program wrote the store, where it is no store, or where it is older and
    ``migrate`` is False; EngineError where it is away or full.
    """
    where = shown(engine)
    with told_as_engine_error(where), _ONE_AT_A_TIME:
        try:
            with writing(engine).begin() as connection:
                _migrate(connection, where, migrate=migrate)
        except DatabaseError as error:
            if "not a database" in str(error.orig):
                raise ConfigError(
                    "not a database", where=where, hint="name another file, or remove this one"
                ) from error
            raise


def _migrate(connection: Connection, where: str, *, migrate: bool) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head()
    at = MigrationContext.configure(connection).get_current_heads()
    if at == (newest,):
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if not known.issuperset(at):
        hint = "install the version that wrote it, or a later one"
        raise ConfigError(f"written by a newer stillwatch (schema {', '.join(at)})", where=where, hint=hint)
    if not migrate:
        hint = "open it once with migrations allowed"
        raise ConfigError(f"its schema is {at[0] if at else 'missing'}, not {newest}", where=where, hint=hint)
    command.upgrade(config, "head")


def _url_of(where: str | Path) -> URL:
    named = str(where)
    if isinstance(where, Path) or "://" not in named:
        return URL.create("sqlite", database=named)
    try:
        url = make_url(named)
    except ArgumentError as error:
        raise ConfigError("not an address of a store", where="store", hint="a path, or postgresql://...") from error
    backend = {"postgres": "postgresql"}.get(url.get_backend_name(), url.get_backend_name())
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigError(f"no store speaks {backend}", where="store", hint="a path, sqlite:///... or postgresql://...")
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ConfigError("a store in memory forgets what it must keep", where="store", hint="name a file")
    return url.set(drivername="sqlite" if backend == "sqlite" else "postgresql+psycopg")


def _sqlite(url: URL) -> Engine:
    file = Path(str(url.database))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # digests of secrets lie in it: nobody else reads it, from its first moment
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(
            error.strerror or str(error), where=str(file), hint="name a file that can be written"
        ) from error
    arguments = {} if "timeout" in url.query else {"timeout": BUSY_S}
    engine = create_engine(url, connect_args=arguments, pool_size=8, max_overflow=24, pool_timeout=BUSY_S)

    def opened(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing and commits nothing on its own
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", opened)
    event.listen(engine, "begin", begun)
    return engine


def _postgresql(url: URL) -> Engine:
    if importlib.util.find_spec("psycopg") is None:  # an extra: only who has this store needs it
        hint = "pip install 'stillwatch[postgres]'"
        raise ConfigError("PostgreSQL needs the psycopg package", where="store", hint=hint)
    arguments = {
        "connect_timeout": CONNECT_S,
        "application_name": "stillwatch",
        "options": f"-c lock_timeout={LOCK_MS} -c idle_in_transaction_session_timeout={2 * LOCK_MS} -c timezone=UTC",
        # a server that vanished without a word is noticed in half a minute, not in a quarter of an hour
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    # what the address itself says wins
    arguments = {name: value for name, value in arguments.items() if name not in url.query}
    return create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_size=8, max_overflow=24, pool_timeout=15)
