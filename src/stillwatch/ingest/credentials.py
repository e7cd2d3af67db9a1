"""Credentials become keyed hashes here and go no further; header names become a signature.

The hash of a credential is keyed with the deployment's salt, so it links within one deployment and tells nobody
else anything. The signature of header names is not keyed: it identifies software, not people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

CREDENTIAL_HEADERS = (
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "proxy-authorization",
    "cookie",
)
_ADDED_ON_THE_WAY = ("x-forwarded-", "x-envoy-", "cf-", "x-amzn-", "x-kong-", "x-b3-", "x-datadog-")
_ADDED_NAMES = (
    "via",
    "forwarded",
    "x-real-ip",
    "x-request-id",
    "traceparent",
    "tracestate",
    "true-client-ip",
    "cdn-loop",
)
_HIDDEN = ("", "[present]", "[redacted]", "***")


def key_id(credential: object, salt: bytes) -> str | None:
    """The keyed hash of a credential (32 hex digits), or None where there is none or only a placeholder."""
    if not isinstance(credential, str):
        return None
    secret = credential.strip()
    for scheme in ("bearer ", "basic "):
        if secret.lower().startswith(scheme):
            secret = secret[len(scheme) :].strip()
    if secret.lower() in _HIDDEN:
        return None
    return hashlib.blake2b(secret.encode("utf-8", "replace"), key=salt[:64], digest_size=16, person=b"key").hexdigest()


def pairs(headers: Any) -> Iterator[tuple[str, str]]:
    """Header names and values in the order given: from an object, pairs, or objects with name and value."""
    if isinstance(headers, dict):
        for name, value in headers.items():
            yield str(name), _one(value)
    elif isinstance(headers, list):
        for item in headers:
            if isinstance(item, list | tuple) and len(item) == 2:
                yield str(item[0]), _one(item[1])
            elif isinstance(item, dict) and "name" in item:
                yield str(item["name"]), _one(item.get("value"))


def _one(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def header_signature(headers: Any, http2_settings: Any = None, *, in_wire_order: bool = True) -> str | None:
    """Hash of the client's header names in wire order, and HTTP/2 settings (32 hex digits); None without headers.

    Headers that proxies add are left out, so that the same client looks the same behind every edge. Where a source
    does not keep order and case, only the set of names counts (and such a hash never equals an ordered one).
    """
    names = [name for name, _ in pairs(headers) if not _added(name.lower())]
    if not names:
        return None
    if not in_wire_order:
        names = ["set:", *sorted(name.lower() for name in names)]
    seen = "\n".join(names) + ("" if http2_settings is None else f"\n\n{http2_settings}")
    return hashlib.blake2b(seen.encode("utf-8", "replace"), digest_size=16, person=b"headers").hexdigest()


def _added(name: str) -> bool:
    return name in _ADDED_NAMES or name.startswith(_ADDED_ON_THE_WAY)


def header_fields(
    headers: Any, salt: bytes, http2_settings: Any = None, *, in_wire_order: bool = True
) -> dict[str, Any]:
    """The columns that headers fill: key_id, org_id, user_agent, client_address, ja4, header_signature."""
    values = {name.lower(): value for name, value in pairs(headers)}
    credential = next((values[name] for name in CREDENTIAL_HEADERS if values.get(name)), None)
    address = next(
        (values[name] for name in ("cf-connecting-ip", "true-client-ip", "x-real-ip") if values.get(name)), None
    )
    forwarded = values.get("x-forwarded-for", "").split(",")[0].strip()
    return {
        "key_id": key_id(credential, salt),
        "org_id": values.get("openai-organization") or values.get("anthropic-organization-id") or None,
        "user_agent": values.get("user-agent") or None,
        "client_address": shown(address) or shown(forwarded),
        "ja4": shown(values.get("x-ja4") or values.get("cf-ja4") or values.get("x-ja4-fingerprint")),
        "header_signature": header_signature(headers, http2_settings, in_wire_order=in_wire_order),
    }


def shown(value: str | None) -> str | None:
    """A header's value, unless a gateway replaced it with a placeholder."""
    return value if value and value.lower() not in _HIDDEN else None
