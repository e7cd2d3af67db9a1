"""Who a token or a cookie names, remembered for a moment so that a busy gateway does not ask the store every time.

A revoked token or an ended session stops within ``REMEMBERED_S``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

from stillwatch.access.oidc import Oidc, Provider, discover
from stillwatch.access.passwords import Passwords
from stillwatch.access.roles import Caller
from stillwatch.access.sessions import caller_of_cookie, csrf_matches
from stillwatch.access.tokens import authenticate, digest_of
from stillwatch.clock import now
from stillwatch.store.protocol import Store

REMEMBERED_S = 2.0
MOST_REMEMBERED = 10_000


class Doors:
    """One per process. ``oidc``: None where people log in with passwords alone."""

    def __init__(self, store: Store, oidc: Oidc | None = None) -> None:
        self._store = store
        self._known: dict[str, tuple[float, Caller | None]] = {}
        self._provider: Provider | None = None
        self.oidc = oidc
        self.passwords = Passwords()
        self.client = httpx.Client(timeout=10.0)

    async def by_token(self, header: str) -> Caller | None:
        """The caller of an ``Authorization`` header; None for one that names nobody."""
        return await self._remembered("token:" + digest_of(header), lambda: authenticate(self._store, header, now()))

    async def by_cookie(self, cookie: str, csrf: str | None, *, changes: bool) -> Caller | None:
        """The caller of a session's cookie; for what changes something only with its CSRF token."""
        if changes and not csrf_matches(cookie, csrf):
            return None
        name = "cookie:" + digest_of(cookie)
        return await self._remembered(name, lambda: caller_of_cookie(self._store, cookie, now()))

    async def _remembered(self, name: str, ask: Callable[[], Caller | None]) -> Caller | None:
        at = time.monotonic()
        found = self._known.get(name)
        if found is not None and at - found[0] < REMEMBERED_S:
            return found[1]
        caller = await asyncio.to_thread(ask)
        if len(self._known) >= MOST_REMEMBERED:  # a flood of made-up tokens must not fill the memory
            self._known.clear()
        self._known[name] = at, caller
        return caller

    def forget(self) -> None:
        """After a log-out or a revocation here."""
        self._known.clear()

    def provider(self) -> Provider:
        """What the OIDC provider says of itself, asked once. Raises EngineError while it is away."""
        assert self.oidc is not None
        if self._provider is None:
            self._provider = discover(self.client, self.oidc)
        return self._provider

    def close(self) -> None:
        self.client.close()
