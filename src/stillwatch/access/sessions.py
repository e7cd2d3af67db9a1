"""People logging in and being known by their cookie, and what a form must bring along (CSRF).

A person's role is looked up at every request: who is disabled or demoted is so at once, whatever cookie they hold.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec

from stillwatch.access.passwords import Passwords
from stillwatch.access.refused import RefusedError
from stillwatch.access.roles import Caller, caller_of_role
from stillwatch.access.throttle import Limits, count_attempt, forgive
from stillwatch.access.tokens import Random, digest_of, new_secret, revoke_token
from stillwatch.errors import InputError
from stillwatch.store.protocol import Person, Session, Store

LASTS = timedelta(hours=12)


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """``cookie`` goes to the browser (HttpOnly, Secure, SameSite=Lax) and nowhere else; ``csrf`` into its forms."""

    cookie: str
    csrf: str
    expires_at: datetime
    caller: Caller


def log_in(  # noqa: PLR0913 - what a login is made of
    store: Store,
    passwords: Passwords,
    now: datetime,
    *,
    name: str,
    password: str,
    address: str,
    lasts: timedelta = LASTS,
    limits: Limits = Limits(),  # noqa: B008 - a frozen struct
    random: Random = secrets.token_bytes,
) -> LoggedIn:
    """By name and password. Raises RefusedError: who tried cannot tell why. One Argon2 check, whoever it is."""
    count_attempt(store, name, address, now, limits)
    person = store.person(name)
    checked = passwords.check(person.password if person else None, password)
    if person is None or not checked.right or person.disabled_at is not None:
        raise RefusedError(f"no login for {name} from {address}")
    if checked.renewed is not None:
        store.put_person(msgspec.structs.replace(person, password=checked.renewed))
    forgive(store, name, address)
    return open_session(store, person, now, lasts=lasts, random=random)


def open_session(
    store: Store, person: Person, now: datetime, *, lasts: timedelta = LASTS, random: Random = secrets.token_bytes
) -> LoggedIn:
    """For somebody whose identity was just shown; a new secret every time."""
    if person.disabled_at is not None:
        raise RefusedError(f"{person.name} is disabled")
    cookie = new_secret(random)
    store.put_session(Session(digest=digest_of(cookie), name=person.name, made_at=now, expires_at=now + lasts))
    caller = caller_of_role(person.name, person.role)
    return LoggedIn(cookie=cookie, csrf=csrf_of(cookie), expires_at=now + lasts, caller=caller)


def caller_of_cookie(store: Store, cookie: str | None, now: datetime) -> Caller | None:
    """Who holds this cookie; None for every reason nobody does."""
    session = store.session(digest_of(cookie)) if cookie else None
    if session is None or session.expires_at <= now:
        return None
    person = store.person(session.name)
    if person is None or person.disabled_at is not None:
        return None
    return caller_of_role(person.name, person.role)


def log_out(store: Store, cookie: str) -> None:
    """The cookie is worth nothing from here on."""
    store.end_session(digest_of(cookie))


def csrf_of(cookie: str) -> str:
    """What a page of this session puts into its forms. It follows from the cookie, and the cookie not from it."""
    return hmac.new(cookie.encode("utf-8", "surrogatepass"), b"stillwatch csrf", hashlib.sha256).hexdigest()


def csrf_matches(cookie: str, given: str | None) -> bool:
    """Whether a form that changes something came from a page of ours."""
    return hmac.compare_digest(csrf_of(cookie).encode(), (given or "").encode("utf-8", "surrogatepass"))


def add_person(
    store: Store, passwords: Passwords, now: datetime, *, name: str, role: str, password: str | None
) -> Person:
    """Raises InputError where the name is taken or empty, the role unknown, or the password too short."""
    if not name or name != name.strip() or not name.isprintable() or len(name) > 200:
        raise InputError("a name is 1 to 200 printable characters, without spaces around it", hint="choose another")
    if store.person(name) is not None:
        raise InputError(f"there is a {name} already", hint="choose another name")
    try:
        known = msgspec.convert({"name": name, "role": role, "password": None, "subject": None, "made_at": now}, Person)
    except msgspec.ValidationError as error:
        raise InputError(f"no role {role}", hint="viewer, analyst, responder or admin") from error
    person = msgspec.structs.replace(known, password=passwords.digest(password) if password is not None else None)
    store.put_person(person)
    return person


def disable_person(store: Store, name: str, now: datetime) -> int:
    """Their logins end and the tokens they made are revoked. How many tokens. Raises InputError where nobody is."""
    person = store.person(name)
    if person is None:
        raise InputError(f"nobody is named {name}", hint="names are exact")
    store.put_person(msgspec.structs.replace(person, disabled_at=person.disabled_at or now))
    store.end_sessions(name)
    return sum(revoke_token(store, token.token_id, now) for token in store.tokens() if token.made_by == name)
