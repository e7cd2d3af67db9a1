"""The tables, as the newest migration leaves them (a test compares the two). Columns are named as the structs' fields.

Knows nothing of how they are read or written. A change here needs a new script in ``migrations/versions``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from stillwatch.store.columns import ROW_NUMBER, Details, Several, Time, Words

METADATA = MetaData()

# ``decisions`` is the version of the decisions; ``policies`` only has its row locked, so that one version is active
COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("exchanges", BigInteger, nullable=False),
    Column("first_at", Time, nullable=False),
    Column("last_at", Time, nullable=False),
    Column("stored_at", Time, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Index("segments_last_at", "last_at"),
)

OFFSETS = Table(
    "offsets",
    METADATA,
    Column("source", Words, primary_key=True),
    Column("partition", Words, primary_key=True),
    Column("position", Words, nullable=False),
)

DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("source", Words, nullable=False),
    Column("position", Words, nullable=False),
    Column("because", Words, nullable=False),
    Column("excerpt", Words, nullable=False),
    Column("at", Time, nullable=False),
    sqlite_autoincrement=True,
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("platform", Words, primary_key=True),
    Column("account_id", Words, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

MININGS = Table(
    "minings",
    METADATA,
    Column("at", Time, primary_key=True, autoincrement=False),
    Column("summary", Words, nullable=False),
)

CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("campaign_id", Words, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("found_at", Time, nullable=False),
    Column("mined_at", Time, nullable=False),
    Column("state", Words, nullable=False),
)

# ``mining_at``: which mining told it, None where a person did
EVENTS = Table(
    "campaign_events",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("mining_at", Time),
    Column("campaign_id", Words, nullable=False),
    Column("at", Time, nullable=False),
    Column("kind", Words, nullable=False),
    Column("says", Words, nullable=False),
    Column("others", Several, nullable=False),
    Index("campaign_events_campaign_id", "campaign_id"),
    sqlite_autoincrement=True,
)

RECOGNISED = Table(
    "recognised",
    METADATA,
    Column("platform", Words, primary_key=True),
    Column("account_id", Words, primary_key=True),
    Column("campaign_id", Words, primary_key=True),
    Column("at", Time, primary_key=True, autoincrement=False),
    Column("probability", Double, nullable=False),
    Column("bits", Double, nullable=False),
    Column("after_exchanges", BigInteger, nullable=False),
    Column("because", Several, nullable=False),
    Index("recognised_campaign_id", "campaign_id"),
)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision_id", Words, primary_key=True),
    Column("platform", Words, nullable=False),
    Column("account_id", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("value", Double),
    Column("scope", Words, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("campaign_id", Words),
    Column("verdict", Words),
    Column("confidence", Double, nullable=False),
    Column("probability", Double, nullable=False),
    Column("rule", Words, nullable=False),
    Column("rule_version", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("made_at", Time, nullable=False),
    Column("starts_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("because", Several, nullable=False),
    Column("undone_at", Time),
    Column("undone_by", Words),
    Column("undone_because", Words),
    Column("approved_at", Time),
    Column("approved_by", Words),
    Index("decisions_expires_at", "expires_at"),
    Index("decisions_campaign_id", "campaign_id"),
)

POLICIES = Table(
    "policies",
    METADATA,
    Column("digest", Words, primary_key=True),
    Column("text", Words, nullable=False),
    Column("added_at", Time, nullable=False),
    Column("added_by", Words, nullable=False),
    Column("mode", Words, nullable=False),
    Column("active", Boolean, nullable=False),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token_id", Words, primary_key=True),
    Column("digest", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("scopes", Several, nullable=False),
    Column("made_by", Words, nullable=False),
    Column("made_at", Time, nullable=False),
    Column("expires_at", Time),
    Column("revoked_at", Time),
)

PEOPLE = Table(
    "people",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("role", Words, nullable=False),
    Column("password", Words),
    Column("subject", Words),
    Column("made_at", Time, nullable=False),
    Column("disabled_at", Time),
    UniqueConstraint("subject", name="people_subject"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("made_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Index("sessions_name", "name"),
)

PENDING_LOGINS = Table(
    "pending_logins",
    METADATA,
    Column("digest", Words, primary_key=True),
    Column("state", Words, nullable=False),
    Column("nonce", Words, nullable=False),
    Column("verifier", Words, nullable=False),
    Column("expires_at", Time, nullable=False),
)

# ``key`` is a digest: neither names nor addresses of who tried stay here
ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("key", Words, nullable=False),
    Column("at", Time, nullable=False),
    Index("attempts_key_at", "key", "at"),
    sqlite_autoincrement=True,
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Time, nullable=False),
    Column("who", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("target", Words, nullable=False),
    Column("detail", Details, nullable=False),
    Column("chain", Words, nullable=False),
)

# one row: what was purged of the log's beginning, and where it ends now
AUDIT_ENDS = Table(
    "audit_ends",
    METADATA,
    Column("one", BigInteger, primary_key=True, autoincrement=False),
    Column("before", BigInteger, nullable=False),
    Column("before_chain", Words, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("head_chain", Words, nullable=False),
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("key", Words, primary_key=True),
    Column("at", Time, nullable=False),
)
