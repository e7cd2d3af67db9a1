"""Chance that is none: drawn from a key and a name, so that a replay draws what was drawn live."""

from __future__ import annotations

import hashlib

import msgspec

_WHOLE = 2.0**64


def share_of(key: bytes, *name: str) -> float:
    """A number in [0, 1), the same for the same key and name, spread evenly over names.

    Who does not know the key cannot tell it: an attacker must not see who is enforced, or how late.
    """
    drawn = hashlib.blake2b(msgspec.json.encode(name), digest_size=8, key=key[:64]).digest()
    return int.from_bytes(drawn, "big") / _WHOLE


def id_of(*parts: str | int | bool | None) -> str:
    """A short name for the parts: the same parts, the same name, on every machine."""
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=10).hexdigest()
