"""What Alembic runs: the scripts, on the connection it is handed, within the transaction that is open there."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from stillwatch.store.schema import METADATA


def run(connection: Connection) -> None:
    """Upgrades; whoever opened the transaction commits it."""
    context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
