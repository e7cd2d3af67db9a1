"""The contract of a channel, and the one way an alert is posted over HTTP.

A channel is handed its address already resolved from ``env:NAME`` or ``file:PATH`` and never shows it: addresses hold
tokens, so errors and logs name the host alone. Addresses come from the configuration and nowhere else; no redirect is
followed, no proxy or password is taken from the environment, and an answer is read for its status only.
"""

from __future__ import annotations

import asyncio
import email.utils
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from stillwatch import __version__
from stillwatch.alerts.alert import Alert
from stillwatch.errors import ConfigError, StillwatchError

TIMEOUT_S = 20.0  # Standard Webhooks recommends 15 to 30 seconds
LONGEST_WAIT_S = 3600.0  # a receiver may ask for patience, not for oblivion
# what a later attempt can mend; any other answer but 2xx says that this very alert will never be taken
_PASSING = frozenset({408, 409, 421, 425, 429})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class UndeliveredError(StillwatchError):
    """An alert was not taken. ``again``: a later attempt may help; ``after_s``: not before that, by the receiver."""

    def __init__(self, says: str, *, again: bool, after_s: float | None = None) -> None:
        self.again, self.after_s = again, after_s
        super().__init__(says)


class Channel(Protocol):
    """Somewhere alerts go. ``send`` returns once the alert was taken and raises ``UndeliveredError`` otherwise."""

    async def send(self, alert: Alert) -> None: ...


class Target:
    """One HTTP address alerts are posted to. ``url`` is a secret; ``host`` is what may be shown of it."""

    def __init__(self, url: str, *, proxy: str | None = None, timeout_s: float = TIMEOUT_S, where: str = "") -> None:
        """Raises ConfigError at ``where`` unless it is https (or http to this machine)."""
        self._url, self._proxy, self._timeout_s = checked_url(url, where), proxy, timeout_s
        self.host = urlsplit(self._url).hostname or ""

    async def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """One attempt, no longer than the timeout however slowly an answer drips. Raises ``UndeliveredError``."""
        _quieten()
        try:
            async with asyncio.timeout(self._timeout_s):
                status, wait = await self._answer(body, headers)
        except TimeoutError:
            raise UndeliveredError(f"{self.host}: no answer within {self._timeout_s:g} s", again=True) from None
        except httpx.HTTPError as error:  # its text may hold the address
            raise UndeliveredError(f"{self.host}: {type(error).__name__}", again=True) from None
        if 200 <= status < 300:
            return
        again = status in _PASSING or status >= 500
        says = "redirects are not followed" if 300 <= status < 400 else "refused" if not again else "not now"
        after_s = retry_after(wait, clock()) if again else None
        raise UndeliveredError(f"{self.host}: HTTP {status}, {says}", again=again, after_s=after_s)

    async def _answer(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str | None]:
        agent = {"user-agent": f"stillwatch/{__version__}", **headers}
        async with (
            httpx.AsyncClient(timeout=self._timeout_s, trust_env=False, proxy=self._proxy) as client,
            client.stream("POST", self._url, content=body, headers=agent) as answer,
        ):
            return answer.status_code, answer.headers.get("retry-after")


def checked_url(url: str, where: str = "") -> str:
    """The address, stripped; ConfigError where it is not one that alerts may be posted to. Never shows the address."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        _ = parts.port
    except ValueError:
        raise ConfigError("not an address", where=where) from None
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable() or " " in url:
        raise ConfigError("not an http(s) address", where=where)
    if not secure and host not in _LOOPBACK:
        raise ConfigError("has to be https:// unless it is this machine", where=where)
    if "@" in parts.netloc:
        hint = "put the credentials into `authorization`"
        raise ConfigError("an address must not hold a user or a password", where=where, hint=hint)
    return url


def retry_after(value: str | None, at: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait (it holds seconds or a date), at most an hour; else None."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_WAIT_S)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max((when - at).total_seconds(), 0.0), LONGEST_WAIT_S)


class _HostOnly(logging.Filter):
    """httpx logs every address it asks for, and ours hold tokens: what it says keeps scheme and host alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                f"{part.scheme}://{part.host}/..." if isinstance(part, httpx.URL) else part for part in record.args
            )
        return True


_HOST_ONLY = _HostOnly()


def _quieten() -> None:
    logging.getLogger("httpx").addFilter(_HOST_ONLY)  # a second time changes nothing
