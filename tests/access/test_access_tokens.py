"""Tokens: who has one is known, who changed a letter of it is not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.access.refused import RefusedError
from stillwatch.access.roles import ROLE_SCOPES, ROLES, SCOPES, caller_of_role
from stillwatch.access.tokens import authenticate, digest_of, make_token, revoke_token
from stillwatch.errors import InputError
from stillwatch.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADMIN = caller_of_role("ann", "admin")


def test_who_brings_a_token_is_known_by_its_name_and_scopes(store: Store) -> None:
    shown, kept = make_token(store, ADMIN, NOON, name="ingest", scopes=("ingest:write", "ingest:write"))
    assert re.fullmatch(r"sw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", shown)
    caller = authenticate(store, f"Bearer {shown}", NOON)
    assert (caller.name, caller.kind, caller.scopes) == ("token:ingest", "token", frozenset({"ingest:write"}))
    assert caller.may("ingest:write")
    assert not caller.may("decisions:read")
    assert store.tokens() == [kept]


def test_of_the_secret_only_a_digest_is_kept(store: Store) -> None:
    shown, kept = make_token(store, ADMIN, NOON, name="t", scopes=("metrics:read",), random=lambda n: b"\x07" * n)
    secret = shown.split("_", 2)[2]
    assert kept.digest == digest_of(secret)
    assert secret not in repr(store.tokens())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_token_with_one_character_changed_is_nobodys(store: Store, data: st.DataObject) -> None:
    shown, _ = make_token(store, ADMIN, NOON, name="t", scopes=("admin",))
    at = data.draw(st.integers(0, len(shown) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != shown[at]))
    assert authenticate(store, f"Bearer {shown[:at]}{other}{shown[at + 1 :]}", NOON) is None


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic sw_x", "sw_", "Bearer sw_0_0", "Bearer \ud800", "Bearer " * 2]
)
def test_a_header_that_holds_no_token_is_nobodys(store: Store, header: str | None) -> None:
    assert authenticate(store, header, NOON) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.text())
def test_no_header_is_an_error(store: Store, header: str) -> None:
    assert authenticate(store, header, NOON) is None


def test_the_secret_of_one_token_does_not_open_another(store: Store) -> None:
    one, _ = make_token(store, ADMIN, NOON, name="one", scopes=("metrics:read",))
    _, two = make_token(store, ADMIN, NOON, name="two", scopes=("admin",))
    assert authenticate(store, f"Bearer sw_{two.token_id}_{one.split('_', 2)[2]}", NOON) is None


def test_a_token_ends_when_it_expires_and_when_it_is_revoked(store: Store) -> None:
    one, _ = make_token(store, ADMIN, NOON, name="one", scopes=("metrics:read",), expires_at=NOON + HOUR)
    two, kept = make_token(store, ADMIN, NOON, name="two", scopes=("metrics:read",))
    assert authenticate(store, f"bearer {one}", NOON + HOUR * 0.99) is not None
    assert authenticate(store, f"Bearer {one}", NOON + HOUR) is None
    assert revoke_token(store, kept.token_id, NOON)
    assert not revoke_token(store, kept.token_id, NOON)
    assert not revoke_token(store, "nobody", NOON)
    assert authenticate(store, f"Bearer {two}", NOON) is None


def test_nobody_hands_out_more_than_they_have(store: Store) -> None:
    viewer = caller_of_role("vic", "viewer")
    with pytest.raises(RefusedError) as refused:
        make_token(store, viewer, NOON, name="t", scopes=("campaigns:read", "admin"))
    assert refused.value.because == "vic may not hand out admin"
    assert str(refused.value) == "not allowed"
    assert store.tokens() == []


@pytest.mark.parametrize("scopes", [(), ("campaigns:reed",)])
def test_a_token_for_nothing_or_for_what_does_not_exist_is_not_made(store: Store, scopes: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="known: metrics:read"):
        make_token(store, ADMIN, NOON, name="t", scopes=scopes)


def test_a_token_that_has_expired_already_is_not_made(store: Store) -> None:
    with pytest.raises(InputError, match="expired already"):
        make_token(store, ADMIN, NOON, name="t", scopes=("admin",), expires_at=NOON)


def test_every_role_may_what_the_one_before_may_and_only_admins_everything() -> None:
    bundles = [ROLE_SCOPES[role] for role in ROLES]
    assert all(less < more for less, more in pairwise(bundles))
    assert bundles[-1] == set(SCOPES)
    assert "prompts:read" not in ROLE_SCOPES["viewer"]
    assert not any("write" in scope or scope == "policy:approve" for scope in ROLE_SCOPES["viewer"])
    assert not ROLE_SCOPES["responder"] & {"admin", "ingest:write"}
