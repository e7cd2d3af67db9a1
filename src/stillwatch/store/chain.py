"""The digest that ties an audit entry to the one before it. Pure; ``access.audit`` verifies with it.

It knows neither where entries lie nor who may read them. A chain shows that a log was changed by somebody who did not
rewrite all that follows; against somebody who did, only a head kept elsewhere helps.
"""

from __future__ import annotations

import hashlib
import json

from stillwatch.store.columns import microseconds
from stillwatch.store.protocol import AuditEntry

GENESIS = "0" * 64


def chain_of(entry: AuditEntry, previous: str) -> str:
    """SHA-256, in hexadecimal, over the chain before and everything the entry says but its own chain.

    Written as JSON, so that no two different entries read alike (text moved from one field to the next, for example).
    """
    at_us = microseconds(entry.at)
    said = [previous, entry.number, at_us, entry.who, entry.what, entry.target, sorted(entry.detail.items())]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
