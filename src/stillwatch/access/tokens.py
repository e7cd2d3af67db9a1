"""API tokens, ``sw_<id>_<secret>``: made once, shown once, and known afterwards by a digest alone.

The secret has 256 bits, so a plain SHA-256 needs no salt and no slowness. Time and randomness are handed in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime

import msgspec

from stillwatch.access.refused import RefusedError
from stillwatch.access.roles import Caller, known_scopes
from stillwatch.errors import InputError
from stillwatch.store.protocol import Store, Token

Random = Callable[[int], bytes]

SECRET_BYTES, ID_BYTES = 32, 6
_TOKEN = re.compile(r"sw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_NOBODY = "0" * 64


def new_secret(random: Random = secrets.token_bytes) -> str:
    """256 bits as 43 characters that need no quoting in a header, a cookie or an address."""
    return base64.urlsafe_b64encode(random(SECRET_BYTES)).rstrip(b"=").decode()


def digest_of(secret: str) -> str:
    """SHA-256 in hexadecimal: all that is ever kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def make_token(
    store: Store,
    maker: Caller,
    now: datetime,
    *,
    name: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None = None,
    random: Random = secrets.token_bytes,
) -> tuple[str, Token]:
    """The token as its user will send it, and what is kept of it.

    Raises InputError where the scopes do not exist or it would expire at once, RefusedError where the maker would
    hand out more than they have.
    """
    wanted = known_scopes(scopes)
    beyond = sorted(set(wanted) - maker.scopes)
    if beyond:
        raise RefusedError(f"{maker.name} may not hand out {', '.join(beyond)}")
    if expires_at is not None and expires_at <= now:
        raise InputError("the token would have expired already", hint="name a time to come")
    secret, token_id = new_secret(random), random(ID_BYTES).hex()
    kept = Token(
        token_id=token_id,
        digest=digest_of(secret),
        name=name,
        scopes=wanted,
        made_by=maker.name,
        made_at=now,
        expires_at=expires_at,
    )
    store.put_token(kept)
    return f"sw_{token_id}_{secret}", kept


def revoke_token(store: Store, token_id: str, now: datetime) -> bool:
    """False where there is none, or it was revoked before."""
    token = store.token(token_id)
    if token is None or token.revoked_at is not None:
        return False
    store.put_token(msgspec.structs.replace(token, revoked_at=now))
    return True


def authenticate(store: Store, header: str | None, now: datetime) -> Caller | None:
    """Whom an ``Authorization`` header names; None for every reason it does not. One look-up; EngineError passes."""
    kind, _, given = (header or "").partition(" ")
    found = _TOKEN.fullmatch(given.strip(" ")) if kind.lower() == "bearer" else None
    if found is None:
        return None
    token = store.token(found[1])
    # compared whether there is such a token or not, so that ids cannot be told by the time it takes
    same = hmac.compare_digest(digest_of(found[2]), token.digest if token else _NOBODY)
    if token is None or not same or token.revoked_at is not None:
        return None
    if token.expires_at is not None and token.expires_at <= now:
        return None
    return Caller(name=f"token:{token.name}", kind="token", scopes=frozenset(token.scopes))
