"""Passwords by Argon2id: slow to guess, and as slow for a name that does not exist.

Knows no sessions and no store. The parameters are those of argon2-cffi (RFC 9106, low memory); a digest made with
others still verifies and is then made anew.
"""

from __future__ import annotations

import secrets

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from stillwatch.errors import InputError

SHORTEST, LONGEST = 12, 1024  # characters; the upper end keeps nobody from a sentence, and a flood from costing much


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """``renewed``: the digest to keep from now on, where the one checked was made with other parameters."""

    right: bool
    renewed: str | None = None


class Passwords:
    """Makes and checks digests. 64 MiB and about 50 ms each: callers run it outside an event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # checked where there is no such person, so that names cannot be told by the time it takes
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    def digest(self, password: str) -> str:
        """Raises InputError where it is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InputError(f"a password has {SHORTEST} to {LONGEST} characters", hint="choose another")
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def check(self, digest: str | None, password: str) -> Checked:
        """``digest`` None for nobody, or who has no password: never right, and as slow."""
        given = password[: LONGEST + 1].encode("utf-8", "surrogatepass")
        try:
            self._hasher.verify(digest or self._nobody, given)
        except (VerificationError, InvalidHashError):
            return Checked(right=False)
        if digest is None:
            return Checked(right=False)
        stale = self._hasher.check_needs_rehash(digest)
        return Checked(right=True, renewed=self._hasher.hash(given) if stale else None)
