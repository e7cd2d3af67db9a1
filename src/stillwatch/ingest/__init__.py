"""Traffic sources → the exchange table: reads what gateways and providers log, says what it could not use."""

from __future__ import annotations

from stillwatch.ingest.accounts import read_accounts
from stillwatch.ingest.options import Options
from stillwatch.ingest.quarantine import Quarantine, Rejected
from stillwatch.ingest.stream import ExchangeStream, open_exchanges

__all__ = ["ExchangeStream", "Options", "Quarantine", "Rejected", "open_exchanges", "read_accounts"]
