"""Exchanges on their way into the live service: bytes → rows, and where the bytes come from."""

from __future__ import annotations

from stillwatch.sources.bodies import Body
from stillwatch.sources.decode import Decoded, Reading, decode, decode_all
from stillwatch.sources.letters import Letter, dead_letters

__all__ = ["Body", "Decoded", "Letter", "Reading", "dead_letters", "decode", "decode_all"]
