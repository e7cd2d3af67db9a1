"""Whom an exchange counts as: the same (platform, account) that the logs of the same gateway are read under.

What a client may write itself (a header, ``user`` in the body) names nobody unless something in front has checked it.
Returns None where nobody is named: such an exchange passes, because nothing can be decided about nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Who = tuple[str, str] | None
_PLATFORM = "api"  # what ingest calls exchanges of a log that names no platform
# in the order that the maps of Envoy's and Portkey's logs read them
_HEADERS = ("x-account-id", "x-tenant-id")
_METADATA = ("account_id", "tenant_id", "customer_id", "_user")


def from_headers(headers: Mapping[str, str], *, names: tuple[str, ...] = _HEADERS, platform: str = _PLATFORM) -> Who:
    """The first of these headers (lower-case names). Whatever stands in front must set or strip them."""
    named = next((headers[name] for name in names if headers.get(name)), None)
    return (platform, named) if named else None


def from_metadata(metadata: Mapping[str, Any], *, names: tuple[str, ...] = _METADATA, platform: str = _PLATFORM) -> Who:
    """The first of these keys of a request's metadata, as Portkey's log export is read."""
    named = next((metadata[name] for name in names if metadata.get(name)), None)
    return (platform, str(named)) if named else None


def from_litellm(user_id: object, key_hash: object, *, salt: bytes, platform: str = _PLATFORM) -> Who:
    """As LiteLLM's log is read: the key's user, else the key itself under the deployment's salt (``ingest.salt``)."""
    if isinstance(user_id, str) and user_id:
        return platform, user_id
    named = _keyed(key_hash, salt) if isinstance(key_hash, str) else None
    return (platform, f"key:{named}") if named else None


@lru_cache(maxsize=65_536)
def _keyed(key_hash: str, salt: bytes) -> str | None:
    from stillwatch.ingest.credentials import key_id  # noqa: PLC0415 - brings Arrow along: only for keys without users

    return key_id(key_hash, salt)
