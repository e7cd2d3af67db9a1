"""What a format may know besides the record: the salt, where the record stood, and a name for records without one."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from stillwatch.ingest.credentials import key_id


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Handed to ``Format.parse`` with each record."""

    salt: bytes
    source: str = ""
    line: int | None = None

    def key_id(self, credential: object) -> str | None:
        """The keyed hash of a credential."""
        return key_id(credential, self.salt)

    def made_up_id(self, record: Any, part: int = 0) -> str:
        """An exchange id for a record without one: the same record at the same place always gets the same.

        What came by wire has no place (``source`` is empty): sent again, it is the same exchange again.
        """
        content = msgspec.json.encode(record, enc_hook=str)
        at = f"{self.source.rsplit('/', 1)[-1]}:{self.line}" if self.source else ""
        place = f"{at}:{part}:".encode()
        return "x" + hashlib.blake2b(place + content, digest_size=12).hexdigest()
