"""Routes of who may do what: logging in and out, tokens, people, the audit log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import ClientException, NotFoundException, TooManyRequestsException
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Redirect

from stillwatch.access.oidc import begin_login, finish_login
from stillwatch.access.refused import RefusedError
from stillwatch.access.sessions import LoggedIn as Opened
from stillwatch.access.sessions import add_person, disable_person, log_in, log_out, open_session
from stillwatch.access.tokens import make_token, revoke_token
from stillwatch.clock import now
from stillwatch.errors import InputError
from stillwatch.serve.asking import Ask, caller_of, doors_of, note, parts_of
from stillwatch.serve.guard import COOKIE, PUBLIC
from stillwatch.serve.wire import (
    LoggedIn,
    Login,
    MadeToken,
    Me,
    NewPassword,
    NewPerson,
    NewToken,
    PersonLine,
    TokenLine,
)
from stillwatch.store.protocol import AuditEntry, Person, Token

ADMIN, OPEN = {"scope": "admin"}, {"scope": PUBLIC}
PENDING_COOKIE = "stillwatch_login"


def _cookie(request: Ask, name: str, value: str, seconds: int) -> Cookie:
    secure = parts_of(request).config.serve.secure_cookies
    return Cookie(key=name, value=value, max_age=seconds, httponly=True, secure=secure, samesite="lax", path="/")


def _opened(request: Ask, opened: Opened) -> Response[LoggedIn]:
    hours = parts_of(request).config.serve.session_h
    said = LoggedIn(
        name=opened.caller.name,
        role=opened.caller.role or "",
        scopes=tuple(sorted(opened.caller.scopes)),
        csrf_token=opened.csrf,
    )
    return Response(said, cookies=[_cookie(request, COOKIE, opened.cookie, int(hours * 3600))])


@post("/v1/login", opt=OPEN, status_code=200, summary="Log in with name and password")
async def login(request: Ask, data: JSONBody[Login]) -> Response[LoggedIn]:
    """Sets the session's cookie. Too many attempts for a name or from an address are refused for a while."""
    parts, doors = parts_of(request), doors_of(request)
    address = request.client.host if request.client else ""
    try:
        opened = await asyncio.to_thread(
            log_in,
            parts.store,
            doors.passwords,
            now(),
            name=data.name,
            password=data.password,
            address=address,
            lasts=timedelta(hours=parts.config.serve.session_h),
        )
    except RefusedError as error:
        retry = getattr(error, "retry_after_s", None)
        if retry:
            raise TooManyRequestsException(str(error), headers={"Retry-After": str(int(retry))}) from error
        raise ClientException("name or password are not right", status_code=401) from error
    await asyncio.to_thread(parts.store.append_audit, now(), data.name, "login", data.name, {"address": address})
    return _opened(request, opened)


@get("/v1/oidc/login", opt=OPEN, summary="Log in through the identity provider")
async def oidc_login(request: Ask) -> Redirect:
    """Sends the browser to the provider; 404 where none is configured."""
    doors = doors_of(request)
    if doors.oidc is None:
        raise NotFoundException("no identity provider is configured")
    provider = await asyncio.to_thread(doors.provider)
    away = await asyncio.to_thread(begin_login, parts_of(request).store, doors.oidc, provider, now())
    return Redirect(away.url, status_code=302, cookies=[_cookie(request, PENDING_COOKIE, away.cookie, 600)])


@get("/v1/oidc/callback", opt=OPEN, summary="Back from the identity provider")
async def oidc_callback(request: Ask) -> Redirect:
    """Opens the session and goes to the console."""
    parts, doors = parts_of(request), doors_of(request)
    if doors.oidc is None:
        raise NotFoundException("no identity provider is configured")
    try:
        person = await asyncio.to_thread(
            finish_login,
            parts.store,
            doors.oidc,
            await asyncio.to_thread(doors.provider),
            doors.client,
            now(),
            query=request.url.query,
            cookie=request.cookies.get(PENDING_COOKIE),
        )
    except RefusedError as error:
        raise ClientException(str(error), status_code=401) from error
    lasts = timedelta(hours=parts.config.serve.session_h)
    opened = await asyncio.to_thread(lambda: open_session(parts.store, person, now(), lasts=lasts))
    await asyncio.to_thread(parts.store.append_audit, now(), person.name, "login", person.name, {"by": "oidc"})
    cookie = _cookie(request, COOKIE, opened.cookie, int(lasts.total_seconds()))
    return Redirect("/", status_code=302, cookies=[cookie])


@post("/v1/logout", opt={"scope": "campaigns:read"}, status_code=204, summary="End the session")
async def logout(request: Ask) -> None:
    """The cookie is worth nothing from here on."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        await asyncio.to_thread(log_out, parts_of(request).store, cookie)
        doors_of(request).forget()


@post("/v1/password", opt={"scope": "campaigns:read"}, status_code=204, summary="Change one's own password")
async def change_password(request: Ask, data: JSONBody[NewPassword]) -> None:
    """Every login of the person ends, this one too."""
    parts, doors, caller = parts_of(request), doors_of(request), caller_of(request)
    person = await asyncio.to_thread(parts.store.person, caller.name) if caller.kind == "person" else None
    if person is None:
        raise ClientException("only a person has a password", status_code=403)
    checked = await asyncio.to_thread(doors.passwords.check, person.password, data.old)
    if not checked.right:
        raise ClientException("the old password is not right", status_code=401)
    try:
        digest = await asyncio.to_thread(doors.passwords.digest, data.new)
    except InputError as error:
        raise ClientException(str(error)) from error
    await asyncio.to_thread(parts.store.put_person, msgspec.structs.replace(person, password=digest))
    await asyncio.to_thread(parts.store.end_sessions, person.name)
    doors.forget()
    await note(request, "person.password", person.name)


@get("/v1/me", opt={"scope": "campaigns:read"}, summary="Who asks")
async def me(request: Ask) -> Me:
    """Name, kind (person or token) and scopes."""
    caller = caller_of(request)
    return Me(name=caller.name, kind=caller.kind, scopes=tuple(sorted(caller.scopes)))


@get("/v1/tokens", opt=ADMIN, summary="API tokens, without their secrets")
async def tokens(request: Ask) -> list[TokenLine]:
    """Revoked and expired ones too."""
    return [_token(token) for token in await asyncio.to_thread(parts_of(request).store.tokens)]


def _token(token: Token) -> TokenLine:
    return TokenLine(
        token_id=token.token_id,
        name=token.name,
        scopes=token.scopes,
        made_by=token.made_by,
        made_at=token.made_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )


@post("/v1/tokens", opt=ADMIN, status_code=201, summary="Make an API token")
async def add_token(request: Ask, data: JSONBody[NewToken]) -> MadeToken:
    """The secret is shown once, here."""
    at = now()
    try:
        secret, token = await asyncio.to_thread(
            lambda: make_token(
                parts_of(request).store,
                caller_of(request),
                at,
                name=data.name,
                scopes=data.scopes,
                expires_at=at + timedelta(days=data.days),
            )
        )
    except (InputError, RefusedError) as error:
        raise ClientException(str(error)) from error
    await note(request, "token.make", token.token_id, name=data.name, scopes=" ".join(token.scopes))
    return MadeToken(token_id=token.token_id, secret=secret, expires_at=token.expires_at)


@delete("/v1/tokens/{token_id:str}", opt=ADMIN, status_code=204, summary="Revoke a token")
async def end_token(request: Ask, token_id: FromPath[str]) -> None:
    """Refused within seconds everywhere."""
    if not await asyncio.to_thread(revoke_token, parts_of(request).store, token_id, now()):
        raise NotFoundException(f"no token {token_id} stands")
    doors_of(request).forget()
    await note(request, "token.revoke", token_id)


@get("/v1/people", opt=ADMIN, summary="Who may log in")
async def people(request: Ask) -> list[PersonLine]:
    """Disabled ones too."""
    return [_person(person) for person in await asyncio.to_thread(parts_of(request).store.people)]


def _person(person: Person) -> PersonLine:
    return PersonLine(
        name=person.name,
        role=person.role,
        by_password=person.password is not None,
        by_oidc=person.subject is not None,
        made_at=person.made_at,
        disabled_at=person.disabled_at,
    )


@post("/v1/people", opt=ADMIN, status_code=201, summary="Let somebody log in")
async def new_person(request: Ask, data: JSONBody[NewPerson]) -> PersonLine:
    """Without a password they come through the identity provider alone."""
    parts, doors = parts_of(request), doors_of(request)
    try:
        person = await asyncio.to_thread(
            lambda: add_person(
                parts.store, doors.passwords, now(), name=data.name, role=data.role, password=data.password
            )
        )
    except InputError as error:
        raise ClientException(str(error)) from error
    await note(request, "person.add", data.name, role=data.role)
    return _person(person)


@delete("/v1/people/{name:str}", opt=ADMIN, status_code=204, summary="Disable a person")
async def end_person(request: Ask, name: FromPath[str]) -> None:
    """Their logins end and the tokens they made are revoked."""
    try:
        await asyncio.to_thread(disable_person, parts_of(request).store, name, now())
    except InputError as error:
        raise NotFoundException(str(error)) from error
    doors_of(request).forget()
    await note(request, "person.disable", name)


@get("/v1/audit", opt={"scope": "audit:read"}, summary="The audit log, oldest first")
async def audit(
    request: Ask,
    after: Annotated[int, QueryParameter(ge=0, le=2**62)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1000,
) -> list[AuditEntry]:
    """Each entry carries the digest over itself and the one before; ``stillwatch audit verify`` checks them."""
    return await asyncio.to_thread(parts_of(request).store.audit, after, limit)


HANDLERS = (
    login,
    oidc_login,
    oidc_callback,
    logout,
    change_password,
    me,
    tokens,
    add_token,
    end_token,
    people,
    new_person,
    end_person,
    audit,
)
