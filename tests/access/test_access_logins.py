"""Logging in by name and password, staying logged in, and being kept out."""

# ruff: noqa: S106 - the passwords of nobody

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import pytest
from argon2 import PasswordHasher

from stillwatch.access.passwords import LONGEST, Passwords
from stillwatch.access.refused import RefusedError
from stillwatch.access.roles import caller_of_role
from stillwatch.access.sessions import (
    LASTS,
    LoggedIn,
    add_person,
    caller_of_cookie,
    csrf_matches,
    csrf_of,
    disable_person,
    log_in,
    log_out,
    open_session,
)
from stillwatch.access.throttle import Limits, count_attempt
from stillwatch.access.tokens import authenticate, make_token
from stillwatch.errors import InputError
from stillwatch.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RIGHT = "correct horse battery"
HOME = "192.0.2.7"


@pytest.fixture
def ann(store: Store, passwords: Passwords) -> str:
    add_person(store, passwords, NOON, name="ann", role="responder", password=RIGHT)
    return "ann"


def enter(store: Store, passwords: Passwords, **changes: object) -> LoggedIn:
    told = {"now": NOON, "name": "ann", "password": RIGHT, "address": HOME, **changes}
    return log_in(store, passwords, told.pop("now"), **told)


def refused(store: Store, passwords: Passwords, **changes: object) -> RefusedError:
    with pytest.raises(RefusedError) as told:
        enter(store, passwords, **changes)
    return told.value


def test_a_right_password_opens_a_session_until_it_expires_or_ends(
    store: Store, passwords: Passwords, ann: str
) -> None:
    login = enter(store, passwords)
    assert login.caller == caller_of_role(ann, "responder")
    assert caller_of_cookie(store, login.cookie, NOON + LASTS * 0.99) == login.caller
    assert caller_of_cookie(store, login.cookie, NOON + LASTS) is None
    log_out(store, login.cookie)
    assert caller_of_cookie(store, login.cookie, NOON) is None
    assert enter(store, passwords).cookie != login.cookie


@pytest.mark.parametrize("cookie", [None, "", "nobody's", "\ud800"])
def test_a_cookie_of_no_session_is_nobodys(store: Store, cookie: str | None) -> None:
    assert caller_of_cookie(store, cookie, NOON) is None


def test_the_cookie_itself_is_not_kept(store: Store, passwords: Passwords, ann: str) -> None:
    login = enter(store, passwords, name=ann)
    assert store.session(login.cookie) is None


def test_every_refusal_looks_the_same_to_who_tried(store: Store, passwords: Passwords, ann: str) -> None:
    add_person(store, passwords, NOON, name="oidc only", role="viewer", password=None)
    add_person(store, passwords, NOON, name="gone", role="viewer", password=RIGHT)
    disable_person(store, "gone", NOON)
    tries = [{"password": "wrong"}, {"name": "nobody"}, {"name": "oidc only"}, {"name": "gone"}, {"password": ""}]
    told = [refused(store, passwords, **changes) for changes in tries]
    assert {str(error) for error in told} == {"not allowed"}
    assert told[0].because == f"no login for {ann} from {HOME}"


def test_as_much_is_computed_for_a_name_that_does_not_exist(store: Store, ann: str) -> None:
    class Counting(PasswordHasher):
        checked: list[str]

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - its name there
            self.checked.append(str(hash).rpartition("$")[0].rpartition("$")[0])
            return super().verify(hash, password)

    hasher = Counting(time_cost=1, memory_cost=64, parallelism=1)
    hasher.checked = []
    for name in (ann, "nobody"):
        refused(store, Passwords(hasher), name=name, password="wrong")
    assert len(hasher.checked) == 2
    assert hasher.checked[0] == hasher.checked[1]  # same algorithm, same parameters


def test_a_digest_of_older_parameters_is_renewed_when_its_owner_comes(store: Store, ann: str) -> None:
    before = store.person(ann).password
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=128, parallelism=1))
    refused(store, stronger, password="wrong")
    assert store.person(ann).password == before
    enter(store, stronger)
    after = store.person(ann).password
    assert "m=128,t=2" in after
    enter(store, stronger)
    assert store.person(ann).password == after


@pytest.mark.parametrize("digest", ["", "plain text", "$argon2id$v=19$broken"])
def test_a_digest_that_is_none_lets_nobody_in(passwords: Passwords, digest: str) -> None:
    assert not passwords.check(digest, digest).right


def test_passwords_are_neither_short_nor_endless(passwords: Passwords) -> None:
    for password in ("x" * 11, "x" * (LONGEST + 1)):
        with pytest.raises(InputError, match="12 to 1024"):
            passwords.digest(password)
    assert passwords.check(passwords.digest("x" * LONGEST), "x" * LONGEST).right
    assert not passwords.check(passwords.digest("x" * LONGEST), "x" * (LONGEST + 5)).right
    assert passwords.check(passwords.digest("\ud800" * 12), "\ud800" * 12).right


def test_who_is_disabled_is_out_at_once_with_the_tokens_they_made(store: Store, passwords: Passwords, ann: str) -> None:
    login = enter(store, passwords)
    shown, _ = make_token(store, login.caller, NOON, name="t", scopes=("audit:read",))
    assert disable_person(store, ann, NOON) == 1
    assert caller_of_cookie(store, login.cookie, NOON) is None
    assert authenticate(store, f"Bearer {shown}", NOON) is None
    with pytest.raises(RefusedError):
        open_session(store, store.person(ann), NOON)
    with pytest.raises(InputError, match="nobody is named eve"):
        disable_person(store, "eve", NOON)


def test_a_role_taken_away_is_gone_at_the_next_request(store: Store, passwords: Passwords, ann: str) -> None:
    login = enter(store, passwords)
    store.put_person(msgspec.structs.replace(store.person(ann), role="viewer"))
    assert not caller_of_cookie(store, login.cookie, NOON).may("decisions:write")


def test_a_form_of_another_session_does_not_match(store: Store, passwords: Passwords, ann: str) -> None:
    one, two = enter(store, passwords, name=ann), enter(store, passwords)
    assert one.csrf == csrf_of(one.cookie)
    assert csrf_matches(one.cookie, one.csrf)
    for given in (two.csrf, "", None, one.cookie, "é", "\ud800"):
        assert not csrf_matches(one.cookie, given)


@pytest.mark.parametrize("name", ["", " ann", "a\nb", "x" * 201])
def test_a_name_that_cannot_be_told_from_another_is_refused(store: Store, passwords: Passwords, name: str) -> None:
    with pytest.raises(InputError, match="printable"):
        add_person(store, passwords, NOON, name=name, role="viewer", password=None)


def test_a_name_is_given_once_and_a_role_must_exist(store: Store, passwords: Passwords, ann: str) -> None:
    with pytest.raises(InputError, match="there is a ann"):
        add_person(store, passwords, NOON, name=ann, role="admin", password=None)
    with pytest.raises(InputError, match="no role root"):
        add_person(store, passwords, NOON, name="eve", role="root", password=None)
    assert [person.role for person in store.people()] == ["responder"]


def test_after_too_many_wrong_ones_even_the_right_password_waits(store: Store, passwords: Passwords, ann: str) -> None:
    for _ in range(5):
        refused(store, passwords, password="wrong")
    told = refused(store, passwords)
    assert (told.retry_after_s, str(told)) == (900, "too many attempts; try again later")
    assert enter(store, passwords, address="198.51.100.1").caller.name == ann  # its owner, from elsewhere
    refused(store, passwords, name="bob")
    assert enter(store, passwords, now=NOON + timedelta(seconds=901)).caller.name == ann


def test_a_right_password_forgives_the_mistakes_before_it(store: Store, passwords: Passwords, ann: str) -> None:
    for _ in range(4):
        for _ in range(4):
            refused(store, passwords, password="wrong")
        assert enter(store, passwords).caller.name == ann


def test_one_address_cannot_try_many_names(store: Store) -> None:
    limits = Limits(by_address=10)
    for n in range(10):
        count_attempt(store, f"name {n}", "2001:db8::1", NOON, limits)
    with pytest.raises(RefusedError):  # another address of the same /64
        count_attempt(store, "name 11", "2001:db8::ffff", NOON, limits)
    count_attempt(store, "name 11", "2001:db8:0:1::1", NOON, limits)


def test_one_name_cannot_be_tried_from_everywhere(store: Store) -> None:
    limits = Limits(by_name=10)
    for n in range(10):
        count_attempt(store, "ann", f"192.0.2.{n}", NOON, limits)
    with pytest.raises(RefusedError):
        count_attempt(store, "ann", "192.0.2.200", NOON, limits)
    count_attempt(store, "bob", "::ffff:192.0.2.200", NOON, limits)


def test_attempts_at_the_same_time_are_all_counted(store: Store) -> None:
    def tried(_: int) -> bool:
        try:
            count_attempt(store, "ann", HOME, NOON, Limits())
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(tried, range(24))) == 5
