"""How a source is to be read: the caller's choices, and the clock's reading, as plain values.

Knows nothing of files. ``now`` comes in from outside so that reading the same input twice gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

Content = Literal["full", "redacted", "features", "none"]
Progress = Callable[[int, int], None]

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
MAX_PROMPT_BYTES = 32 << 20
MAX_ROW_BYTES = 64 << 20
BATCH_ROWS = 32_768  # a batch of prompts in some 15 MB: larger ones are handed back to the system and faulted in anew
# text columns whose values repeat enough for a dictionary
ENCODED_COLUMNS = (
    "platform",
    "account_id",
    "key_id",
    "org_id",
    "end_user_id",
    "client_address",
    "client_country",
    "client_network",
    "ja4",
    "header_signature",
    "user_agent",
    "operation",
    "request_model",
    "system_prompt",
    "reasoning_effort",
    "finish_reason",
)
TEXT_COLUMNS = ("system_prompt", "prompt", "response", "reasoning")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Choices of one read.

    ``format`` names a format instead of detecting one per file (``mapped:FILE`` reads a map of your own).
    ``join`` is a table of account identity keyed by request id. ``salt`` keys every hash of a credential or of an
    exchange id. ``max_bad_share`` is the share of rows that may be rejected before the run stops; raising it hides
    more broken input. ``content`` says how far text may travel: ``full`` to the fingerprints, ``redacted`` with
    addresses, digits and keys masked, ``features`` and ``none`` not at all. ``now`` bounds how late a row may be
    (one day of clock skew is allowed). ``encoded`` hands text columns that a file holds as dictionaries on as such:
    several times cheaper for whoever reads both forms. ``progress(done_bytes, total_bytes)`` is called after every
    batch.
    """

    format: str | None = None
    join: Path | None = None
    salt: bytes = b"stillwatch"
    max_bad_share: float = 0.05
    content: Content = "full"
    now: datetime | None = None
    batch_rows: int = BATCH_ROWS
    encoded: bool = False
    progress: Progress | None = None
    default_platform: str = "api"


def latest_allowed(options: Options) -> datetime | None:
    """One day past ``now``: clocks of gateways drift, rows from next week are wrong."""
    if options.now is None:
        return None
    return datetime.fromtimestamp(options.now.timestamp() + 86_400, UTC)
