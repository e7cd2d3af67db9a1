"""Alerts as signed webhooks, by the Standard Webhooks specification (standardwebhooks.com): symmetric, ``v1``.

The signature is HMAC-SHA256 over ``id.timestamp.body``. The id is the same however often an alert is sent, so that a
receiver can drop repeats; the timestamp is the attempt's. ``verify`` is for receivers. It does not know what a body
says.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from stillwatch import clock
from stillwatch.alerts.alert import Alert
from stillwatch.alerts.channel import Target
from stillwatch.errors import ConfigError, InputError

TOLERANCE_S = 300  # how far the sender's clock may be from the receiver's, as in the specification's libraries
_ENCODER = msgspec.json.Encoder(order="sorted")
Render = Callable[[Alert, str], dict[str, object]]


def plain(alert: Alert, console: str) -> dict[str, object]:
    """The project's own shape: ``type``, ``timestamp`` and ``data``, as the specification recommends."""
    data = msgspec.to_builtins(alert)
    return {
        "type": f"stillwatch.{alert.matter}",
        "timestamp": alert.at.isoformat().replace("+00:00", "Z"),
        "data": {**data, "link": console_link(alert, console)},
    }


def console_link(alert: Alert, console: str) -> str:
    """The alert's page below ``console``; the bare path where no address of the console is configured."""
    return f"{console.rstrip('/')}{alert.link}"


def message_id(alert: Alert) -> str:
    """``msg_`` and 32 hex digits, the same for every attempt at the same alert; never holds a full stop."""
    return f"msg_{hashlib.sha256(alert.key.encode()).hexdigest()[:32]}"


def signing_key(secret: str, where: str = "") -> bytes:
    """The bytes of a secret written ``whsec_`` + base64; ConfigError unless they are 24 to 64, as specified."""
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError("not base64", where=where, hint="write it as whsec_ and base64 of 24 to 64 bytes") from None
    if not 24 <= len(key) <= 64:
        raise ConfigError(f"{len(key)} bytes long", where=where, hint="24 to 64 random bytes are asked for")
    return key


def sign(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the base64 of the signature."""
    signed = b".".join((identity.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def signed_headers(keys: Iterable[bytes], identity: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; several keys sign while a secret is being replaced."""
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(key, identity, timestamp, body) for key in keys),
    }


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], at: datetime, tolerance_s: float = TOLERANCE_S
) -> str:
    """The message's id if it was signed with one of ``secrets`` not longer ago than ``tolerance_s``; else InputError.

    ``body``: the bytes as they came, not parsed and written again. Keep the ids you have seen: a repeat within the
    tolerance verifies again. Cost: one HMAC per secret and signature.
    """
    given = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not given.get(name)]
    if missing:
        raise InputError(f"no {missing[0]} header", source="webhook")
    identity, stamp = given["webhook-id"], given["webhook-timestamp"]
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 15):
        raise InputError("webhook-timestamp is not a number of seconds", source="webhook")
    if abs(at.timestamp() - int(stamp)) > tolerance_s:
        raise InputError("signed too long ago or in the future", source="webhook")
    offered = [part.encode() for part in given["webhook-signature"].split(" ") if part.startswith("v1,")]
    for secret in secrets:
        expected = sign(signing_key(secret, "webhook secret"), identity, int(stamp), body).encode()
        if sum(hmac.compare_digest(expected, signature) for signature in offered):  # all of them, in constant time
            return identity
    raise InputError("no signature fits", source="webhook")


class Webhook:
    """Posts alerts as JSON in one format, signed where there are keys, with an Authorization header if it is set."""

    def __init__(
        self,
        target: Target,
        *,
        keys: Sequence[bytes] = (),
        authorization: str | None = None,
        render: Render = plain,
        console: str = "",
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._target, self._keys, self._authorization = target, tuple(keys), authorization
        self._render, self._console, self._now = render, console, now

    async def send(self, alert: Alert) -> None:
        body = _ENCODER.encode(self._render(alert, self._console))
        headers = {"content-type": "application/json"}
        if self._keys:
            headers |= signed_headers(self._keys, message_id(alert), int(self._now().timestamp()), body)
        if self._authorization:
            headers["authorization"] = self._authorization
        await self._target.post(body, headers, clock=self._now)
