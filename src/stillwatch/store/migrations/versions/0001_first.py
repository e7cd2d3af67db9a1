"""The first schema. Written out in full, because the tables of ``store.schema`` move on and this must not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GENESIS = "0" * 64


def upgrade() -> None:
    """From nothing."""
    _counters_and_exchanges()
    _campaigns()
    _decisions()
    _people()
    _audit()
    _first_rows()


def _counters_and_exchanges() -> None:
    op.create_table(
        "counters",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "segments",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("exchanges", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    op.create_index("segments_last_at", "segments", ["last_at"])
    op.create_table(
        "offsets",
        sa.Column("source", TEXT, primary_key=True),
        sa.Column("partition", TEXT, primary_key=True),
        sa.Column("position", TEXT, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("position", TEXT, nullable=False),
        sa.Column("because", TEXT, nullable=False),
        sa.Column("excerpt", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "accounts",
        sa.Column("platform", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def _campaigns() -> None:
    op.create_table(
        "minings",
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("summary", TEXT, nullable=False),
    )
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", TEXT, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("mined_at", sa.BigInteger, nullable=False),
        sa.Column("state", TEXT, nullable=False),
    )
    op.create_table(
        "campaign_events",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("mining_at", sa.BigInteger),
        sa.Column("campaign_id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("says", TEXT, nullable=False),
        sa.Column("others", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("campaign_events_campaign_id", "campaign_events", ["campaign_id"])
    op.create_table(
        "recognised",
        sa.Column("platform", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, primary_key=True),
        sa.Column("campaign_id", TEXT, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("bits", sa.Double, nullable=False),
        sa.Column("after_exchanges", sa.BigInteger, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
    )
    op.create_index("recognised_campaign_id", "recognised", ["campaign_id"])


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("decision_id", TEXT, primary_key=True),
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("campaign_id", TEXT),
        sa.Column("verdict", TEXT),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("rule_version", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("undone_at", sa.BigInteger),
        sa.Column("undone_by", TEXT),
        sa.Column("undone_because", TEXT),
        sa.Column("approved_at", sa.BigInteger),
        sa.Column("approved_by", TEXT),
    )
    op.create_index("decisions_campaign_id", "decisions", ["campaign_id"])
    op.create_index("decisions_expires_at", "decisions", ["expires_at"])
    op.create_table(
        "policies",
        sa.Column("digest", TEXT, primary_key=True),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("added_by", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )


def _people() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", TEXT, primary_key=True),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("made_by", TEXT, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.create_table(
        "people",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("password", TEXT),
        sa.Column("subject", TEXT),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        sa.UniqueConstraint("subject", name="people_subject"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_name", "sessions", ["name"])
    op.create_table(
        "pending_logins",
        sa.Column("digest", TEXT, primary_key=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("nonce", TEXT, nullable=False),
        sa.Column("verifier", TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "attempts",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("attempts_key_at", "attempts", ["key", "at"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("chain", TEXT, nullable=False),
    )
    op.create_table(
        "audit_ends",
        sa.Column("one", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.Column("before_chain", TEXT, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.Column("head_chain", TEXT, nullable=False),
    )


def _first_rows() -> None:
    counters = sa.table("counters", sa.column("name", sa.Text), sa.column("value", sa.BigInteger))
    op.bulk_insert(counters, [{"name": "decisions", "value": 0}, {"name": "policies", "value": 0}])
    names = ("one", "before", "before_chain", "head", "head_chain")
    ends = sa.table("audit_ends", *(sa.column(name) for name in names))
    op.bulk_insert(ends, [dict(zip(names, (1, 0, GENESIS, 0, GENESIS), strict=True))])
