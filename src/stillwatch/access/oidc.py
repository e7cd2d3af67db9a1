"""Logging in through an OIDC provider: authorization code with PKCE, one state and nonce a login, keys from its JWKS.

What is trusted: the issuer that the configuration names, over https (or loopback). What a browser brings is trusted
only where it matches the login that this browser began. HTTP goes through a client that is handed in.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from stillwatch.access.refused import RefusedError
from stillwatch.access.roles import ROLES, Role
from stillwatch.access.tokens import Random, digest_of, new_secret
from stillwatch.errors import ConfigError, EngineError
from stillwatch.store.protocol import PendingLogin, Person, Store

# signatures only the provider can make; never "none", never one that our own secret could make
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
LASTS = timedelta(minutes=10)  # from being sent away to being back
LEEWAY_S = 60  # how far the provider's clock may be off
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Oidc(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``roles``: a value of the claim ``role_claim`` to a role; who has none of them is refused, unless ``otherwise``.

    ``client_secret`` is the secret itself, resolved; None for a public client. ``name_claim`` gives a person's name
    the first time they come; afterwards they are known by issuer and subject, whatever they are called.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    roles: dict[str, Role]
    client_secret: str | None = None
    role_claim: str = "groups"
    name_claim: str = "preferred_username"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    otherwise: Role | None = None


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the browser, and the cookie to give it (HttpOnly, Secure, SameSite=Lax) until it is back."""

    url: str
    cookie: str
    expires_at: datetime


def discover(client: httpx.Client, settings: Oidc) -> Provider:
    """Raises ConfigError where the provider is another than configured, EngineError where it does not answer."""
    _only_https(settings.issuer, "issuer")
    said = _get_json(client, settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
    try:
        provider = msgspec.convert(said, Provider, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the provider's description lacks something: {error}", where=settings.issuer) from error
    if provider.issuer != settings.issuer:
        hint = f"write issuer = {provider.issuer!r} if that is the one you mean"
        raise ConfigError(f"the provider calls itself {provider.issuer}", where=settings.issuer, hint=hint)
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _only_https(getattr(provider, name), name)
    return provider


def begin_login(
    store: Store, settings: Oidc, provider: Provider, now: datetime, *, random: Random = secrets.token_bytes
) -> Departure:
    """Keeps state, nonce and verifier under a digest of the cookie, for one return within ten minutes."""
    cookie, state, nonce, verifier = (new_secret(random) for _ in range(4))
    expires_at = now + LASTS
    store.put_pending_login(
        PendingLogin(digest=digest_of(cookie), state=state, nonce=nonce, verifier=verifier, expires_at=expires_at)
    )
    url = prepare_grant_uri(
        provider.authorization_endpoint,
        client_id=settings.client_id,
        response_type="code",
        redirect_uri=settings.redirect_uri,
        scope=" ".join(settings.scopes),
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return Departure(url=url, cookie=cookie, expires_at=expires_at)


def finish_login(
    store: Store,
    settings: Oidc,
    provider: Provider,
    client: httpx.Client,
    now: datetime,
    *,
    query: str,
    cookie: str | None,
) -> Person:
    """The person whom the provider vouches for, written to the store; ``sessions.open_session`` comes next.

    ``query``: what follows the question mark of the address the browser came back to. Raises RefusedError where
    anything does not fit, EngineError where the provider does not answer.
    """
    pending = store.take_pending_login(digest_of(cookie)) if cookie else None
    if pending is None or pending.expires_at <= now:
        raise RefusedError("no login was begun in this browser, or too long ago")
    code = _code(query, pending, provider)
    said = _exchange(client, settings, provider, code, pending.verifier)
    claims = _claims(client, settings, provider, said, pending.nonce, now)
    return _person(store, settings, claims, now)


def role_of(settings: Oidc, claims: Mapping[str, Any]) -> Role | None:
    """The strongest role that any value of the claim maps to; ``otherwise`` where none does."""
    value = claims.get(settings.role_claim)
    values: list[Any] = value if isinstance(value, list) else [value]
    found: set[Role] = {settings.roles[each] for each in values if isinstance(each, str) and each in settings.roles}
    strongest: list[Role] = [role for role in ROLES if role in found]
    return strongest[-1] if strongest else settings.otherwise


def _code(query: str, pending: PendingLogin, provider: Provider) -> str:
    try:
        given = {name: values[0] for name, values in parse_qs(query, max_num_fields=20).items() if len(values) == 1}
    except ValueError as error:
        raise RefusedError("the provider's answer cannot be read") from error
    state = given.get("state", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(state, pending.state.encode()):
        raise RefusedError("the answer belongs to another login")
    if given.get("iss", provider.issuer) != provider.issuer:  # RFC 9207: answers of two providers mixed up
        raise RefusedError("the answer comes from another provider")
    if "code" not in given:
        raise RefusedError(f"the provider refused: {given.get('error', 'no code')[:100]}")
    return given["code"]


def _exchange(client: httpx.Client, settings: Oidc, provider: Provider, code: str, verifier: str) -> dict[str, Any]:
    body = prepare_token_request(
        "authorization_code",
        code=code,
        redirect_uri=settings.redirect_uri,
        client_id=settings.client_id,
        code_verifier=verifier,
    )
    auth = ClientAuth(settings.client_id, settings.client_secret, _auth_method(settings, provider))
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    url, headers, body = auth.prepare("POST", provider.token_endpoint, headers, body)
    try:
        answer = client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise EngineError(f"the login provider {settings.issuer} does not answer: {error!r}; try again") from error
    if answer.status_code >= 500:
        raise EngineError(f"the login provider {settings.issuer} answers {answer.status_code}; try again")
    said = _object(answer, settings.issuer)
    if answer.status_code != 200 or not isinstance(said.get("id_token"), str):
        raise RefusedError(f"the provider did not accept the code: {str(said.get('error', answer.status_code))[:100]}")
    return said


def _auth_method(settings: Oidc, provider: Provider) -> str:
    if settings.client_secret is None:
        return "none"
    known = provider.token_endpoint_auth_methods_supported
    return "client_secret_post" if "client_secret_basic" not in known else "client_secret_basic"


def _claims(
    client: httpx.Client, settings: Oidc, provider: Provider, said: dict[str, Any], nonce: str, now: datetime
) -> CodeIDToken:
    try:
        # fetched at every login: logins are rare, and a key that was withdrawn is withdrawn
        keys = KeySet.import_key_set(cast("Any", _get_json(client, provider.jwks_uri)))
        token = jwt.decode(said["id_token"], keys, algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": settings.client_id},
            },
            params={"nonce": nonce, "client_id": settings.client_id, "access_token": said.get("access_token")},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise RefusedError(f"the provider's token does not hold: {str(error)[:200] or type(error).__name__}") from error
    return claims


def _person(store: Store, settings: Oidc, claims: Mapping[str, Any], now: datetime) -> Person:
    subject = f"{settings.issuer} {claims['sub']}"
    role = role_of(settings, claims)
    known = next((person for person in store.people() if person.subject == subject), None)
    if role is None:
        raise RefusedError(f"{subject} has no role here")
    if known is not None:
        if known.disabled_at is not None:
            raise RefusedError(f"{known.name} is disabled")
        person = msgspec.structs.replace(known, role=role)
    else:
        name = claims.get(settings.name_claim)
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 200:
            raise RefusedError(f"{subject} has no usable {settings.name_claim}")
        if store.person(name.strip()) is not None:  # a name is no proof: nobody walks into another's account by it
            raise RefusedError(f"{subject} is called {name.strip()}, and somebody else is already")
        person = Person(name=name.strip(), role=role, password=None, subject=subject, made_at=now)
    store.put_person(person)
    return person


def _get_json(client: httpx.Client, url: str) -> dict[str, Any]:
    try:
        answer = client.get(url, headers={"Accept": "application/json"})
    except httpx.HTTPError as error:
        raise EngineError(f"the login provider at {url} does not answer: {error!r}; try again") from error
    if answer.status_code != 200:
        raise EngineError(f"the login provider at {url} answers {answer.status_code}; check the issuer, or try again")
    return _object(answer, url)


def _object(answer: httpx.Response, url: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise EngineError(f"the login provider at {url} answers no JSON object; check the issuer") from error


def _only_https(url: str, what: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigError(f"{url} is not an https address", where=what, hint="logins need an encrypted provider")
