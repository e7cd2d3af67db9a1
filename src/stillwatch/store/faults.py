"""What a database's errors mean to whoever asked: away or full is an EngineError, everything else is a bug and stays.

Knows the drivers' exceptions and nothing of the tables. Messages never hold a password.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import exc

from stillwatch.errors import EngineError

# a database is away, locked, full, broken or read-only: none of these is about what was asked
_AWAY = (exc.OperationalError, exc.InternalError, exc.InterfaceError)


@contextmanager
def told_as_engine_error(where: str) -> Generator[None]:
    """Raises EngineError for what the store suffers. ``where`` names the store, without its password."""
    try:
        yield
    except exc.TimeoutError as error:
        raise EngineError(f"the store {where} is too busy: no connection came free; try again") from error
    except exc.DBAPIError as error:
        if not isinstance(error, _AWAY) and type(error) is not exc.DatabaseError:
            raise
        raise EngineError(f"the store {where} cannot be used: {_line(error)}; {_hint(error)}") from error


def _line(error: exc.DBAPIError) -> str:
    """What the driver said, on one line."""
    return " ".join(str(error.orig).split())[:300]


def _hint(error: exc.DBAPIError) -> str:
    said = str(error.orig).lower()
    if "full" in said or "no space" in said:
        return "free space on its disk"
    if "locked" in said or "lock timeout" in said:
        return "another process holds it; try again"
    if "readonly" in said or "read-only" in said:
        return "make it writable"
    if "malformed" in said or "not a database" in said:
        return "restore it from a backup"
    if error.connection_invalidated:
        return "the connection broke, and what was under way may or may not have been kept; try again"
    return "check that it runs; try again"
