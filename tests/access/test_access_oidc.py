"""Logging in through a provider that really answers, and through one that lies."""

# ruff: noqa: S106 - the passwords of nobody

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from oidc_provider import BACK, CLIENT, SECRET, OidcProvider

from stillwatch.access.oidc import Departure, Oidc, begin_login, discover, finish_login, role_of
from stillwatch.access.passwords import Passwords
from stillwatch.access.refused import RefusedError
from stillwatch.access.sessions import add_person, caller_of_cookie, disable_person, log_in, open_session
from stillwatch.errors import ConfigError, EngineError
from stillwatch.store import Person, Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def idp() -> Iterator[OidcProvider]:
    provider = OidcProvider(NOON)
    yield provider
    provider.close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10, trust_env=False) as opened:
        yield opened


def configured(idp: OidcProvider, **changes: Any) -> Oidc:
    told = {"issuer": idp.issuer, "client_id": CLIENT, "client_secret": SECRET, "redirect_uri": BACK}
    return Oidc(**{**told, "roles": {"sec": "responder", "staff": "viewer", "root": "admin"}, **changes})


class Login:
    """One browser: begun at the provider, and come back with whatever the test makes of it."""

    def __init__(self, store: Store, idp: OidcProvider, client: httpx.Client, **changes: Any) -> None:
        self.store, self.idp, self.client, self.settings = store, idp, client, configured(idp, **changes)
        self.provider = discover(client, self.settings)
        self.left: Departure = begin_login(store, self.settings, self.provider, NOON)

    def back(self, *, query: str | None = None, cookie: str | None = "", now: datetime = NOON) -> Person:
        return finish_login(
            self.store,
            self.settings,
            self.provider,
            self.client,
            now,
            query=self.idp.visited(self.left.url) if query is None else query,
            cookie=self.left.cookie if cookie == "" else cookie,
        )

    def refused(self, **changes: Any) -> str:
        with pytest.raises(RefusedError) as told:
            self.back(**changes)
        assert str(told.value) == "not allowed"
        return told.value.because


@pytest.fixture
def login(store: Store, idp: OidcProvider, client: httpx.Client) -> Login:
    return Login(store, idp, client)


def test_whom_the_provider_vouches_for_gets_the_strongest_of_their_roles(login: Login, store: Store) -> None:
    person = login.back()
    assert (person.name, person.role, person.password) == ("ann", "responder", None)
    assert person.subject == f"{login.idp.issuer} 42"
    opened = open_session(store, person, NOON)
    assert caller_of_cookie(store, opened.cookie, NOON).role == "responder"


def test_who_comes_again_is_the_same_person_with_the_role_they_have_now(
    login: Login, store: Store, idp: OidcProvider, client: httpx.Client
) -> None:
    first = login.back()
    idp.claims |= {"preferred_username": "renamed", "groups": "staff"}
    again = Login(store, idp, client).back()
    assert again == msgspec.structs.replace(first, role="viewer")
    assert store.people() == [again]


def test_keys_may_change_between_two_logins(
    login: Login, store: Store, idp: OidcProvider, client: httpx.Client
) -> None:
    login.back()
    idp.rotate()
    assert Login(store, idp, client).back().name == "ann"


def test_an_answer_counts_once(login: Login) -> None:
    query = login.idp.visited(login.left.url)
    login.back(query=query)
    assert "no login was begun" in login.refused(query=query)


@pytest.mark.parametrize("cookie", [None, "x" * 43])
def test_an_answer_in_another_browser_is_refused(login: Login, cookie: str | None) -> None:
    assert "no login was begun" in login.refused(cookie=cookie)


def test_an_answer_to_somebody_elses_login_is_refused(
    login: Login, store: Store, idp: OidcProvider, client: httpx.Client
) -> None:
    theirs = idp.visited(Login(store, idp, client).left.url)
    assert "another login" in login.refused(query=theirs)


def test_an_answer_that_comes_too_late_is_refused(login: Login) -> None:
    assert "too long ago" in login.refused(now=NOON + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"state": "x"}, "another login"),
        ({"state": ""}, "another login"),
        ({"iss": "https://evil.example"}, "another provider"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"code": ""}, "no code"),
        ({"code": "", "error": "access_denied"}, "access_denied"),
    ],
)
def test_an_answer_with_anything_changed_is_refused(login: Login, changes: dict[str, str], because: str) -> None:
    assert because in login.refused(query=login.idp.visited(login.left.url, **changes))


def test_a_state_given_twice_is_refused(login: Login) -> None:
    query = login.idp.visited(login.left.url)
    assert "another login" in login.refused(query=f"{query}&state=x")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": ["another client", CLIENT], "azp": "another client"},
        {"aud": ["another client", CLIENT]},
        {"exp": int(NOON.timestamp()) - 61},
        {"iat": int(NOON.timestamp()) + 120},
        {"nbf": int(NOON.timestamp()) + 120},
        {"nonce": "of another login"},
        {"nonce": None},
        {"sub": None},
        {"exp": None},
        {"aud": None},
        {"iss": None},
        {"at_hash": "of another token"},
    ],
    ids=repr,
)
def test_a_token_that_says_anything_else_is_refused(login: Login, claims: dict[str, Any]) -> None:
    login.idp.claims |= claims
    assert "does not hold" in login.refused()
    assert login.store.people() == []


def test_a_token_signed_by_another_key_of_the_same_name_is_refused(login: Login) -> None:
    from joserfc.jwk import RSAKey

    login.idp.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})
    assert "does not hold" in login.refused()


def test_a_token_without_a_signature_is_refused(login: Login) -> None:
    login.idp.signs_with, login.idp.header = None, {"alg": "none"}
    assert "does not hold" in login.refused()


def test_a_token_signed_with_our_own_secret_is_refused(login: Login) -> None:
    from joserfc.jwk import OctKey

    login.idp.signs_with = OctKey.import_key(SECRET * 3, {"kid": "k1"})
    login.idp.header = {"alg": "HS256", "kid": "k1"}
    assert "does not hold" in login.refused()


def test_who_has_no_role_is_refused_unless_there_is_one_for_everybody(
    store: Store, idp: OidcProvider, client: httpx.Client
) -> None:
    idp.claims |= {"groups": ["sales", 7, None]}
    assert "has no role" in Login(store, idp, client).refused()
    assert Login(store, idp, client, otherwise="viewer").back().role == "viewer"


def test_nobody_walks_into_a_local_account_by_its_name(login: Login, store: Store, passwords: Passwords) -> None:
    local = add_person(store, passwords, NOON, name="ann", role="admin", password="correct horse battery")
    assert "somebody else is already" in login.refused()
    assert store.people() == [local]


def test_who_is_disabled_here_stays_out(login: Login, store: Store, idp: OidcProvider, client: httpx.Client) -> None:
    login.back()
    disable_person(store, "ann", NOON)
    assert Login(store, idp, client).refused() == "ann is disabled"


def test_who_comes_through_a_provider_has_no_password_to_guess(
    login: Login, store: Store, passwords: Passwords
) -> None:
    login.back()
    for password in ("", "None"):
        with pytest.raises(RefusedError):
            log_in(store, passwords, NOON, name="ann", password=password, address="192.0.2.1")


@pytest.mark.parametrize("name", [None, "", " ", "a\nb", 7, "x" * 201])
def test_a_name_that_cannot_be_shown_is_refused(login: Login, name: object) -> None:
    login.idp.claims |= {"preferred_username": name}
    assert "no usable preferred_username" in login.refused()


def test_a_wrong_client_secret_is_refused(store: Store, idp: OidcProvider, client: httpx.Client) -> None:
    assert "invalid_client" in Login(store, idp, client, client_secret="wrong").refused()


def test_a_provider_that_fails_or_is_gone_may_be_tried_again(
    login: Login, store: Store, idp: OidcProvider, client: httpx.Client
) -> None:
    idp.status = 503
    with pytest.raises(EngineError, match="503; try again"):
        login.back()
    with pytest.raises(EngineError, match="503"):
        discover(client, login.settings)
    idp.status = 200
    nowhere = configured(idp, issuer="http://127.0.0.1:1/realm")
    with pytest.raises(EngineError, match="does not answer"):
        discover(client, nowhere)
    assert store.people() == []


def test_a_provider_that_is_another_than_configured_is_refused(idp: OidcProvider, client: httpx.Client) -> None:
    idp.description = {"issuer": "https://evil.example"}
    with pytest.raises(ConfigError, match=r"calls itself https://evil"):
        discover(client, configured(idp))
    idp.description = {"token_endpoint": "http://evil.example/token"}
    with pytest.raises(ConfigError, match=r"token_endpoint: .* not an https address"):
        discover(client, configured(idp))
    idp.description = {"jwks_uri": None}
    with pytest.raises(ConfigError, match="lacks something"):
        discover(client, configured(idp))
    with pytest.raises(ConfigError, match=r"issuer: .* not an https address"):
        discover(client, configured(idp, issuer="http://idp.example"))


def test_roles_come_from_a_list_or_a_word(idp: OidcProvider) -> None:
    settings = configured(idp)
    cases = {"root": "admin", "nothing": None}
    assert {word: role_of(settings, {"groups": word}) for word in cases} == cases
    assert role_of(settings, {"groups": ["staff", "root", "sec"]}) == "admin"
    assert role_of(settings, {}) is None
    assert role_of(settings, {"groups": {"root": 1}}) is None
