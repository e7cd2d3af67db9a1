from __future__ import annotations

import zlib
from datetime import timedelta

import pytest
from decided import NOON, NOON_US, decision, snapshot, table_of
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.gateway.publish import Publisher, tag_of
from stillwatch.gateway.snapshot import (
    Stamp,
    _Body,
    _pack,
    _sealed,
    decode,
    encode,
    encode_delta,
    rows_of,
    unpack_entries,
)
from stillwatch.gateway.table import Table
from stillwatch.model import ACTIONS, Decision

KEY = b"only the service knows"


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    action = draw(st.sampled_from(ACTIONS))
    start = draw(st.integers(-5, 5))
    return decision(
        draw(st.sampled_from(["a", "b", "c", "d\U0001f426"])),
        action,
        platform=draw(st.sampled_from(["api", "bedrock"])),
        value=draw(st.sampled_from([1.0, 60.0, 0.5])) if action == "throttle" else None,
        simulated=draw(st.booleans()),
        held=draw(st.booleans()),
        undone_at=draw(st.sampled_from([None, NOON])),
        starts_h=start,
        ends_h=start + draw(st.integers(0, 5)),
        decision_id=draw(st.sampled_from(["x", "y", "z"])),
    )


def plain(found: list[Decision], platform: str, account: str, at_us: int) -> tuple[bool, str | None, str | None]:
    """By the definition, over the decisions themselves: the strongest enforced one, else the strongest simulated."""
    live = [
        d
        for d in found
        if (d.platform, d.account_id) == (platform, account)
        and d.undone_at is None
        and not d.held
        and d.starts_at <= NOON + timedelta(microseconds=at_us - NOON_US) < d.expires_at
    ]
    enforced = [d.action for d in live if not d.simulated]
    shadow = [d.action for d in live if d.simulated]
    if enforced:
        action = max(enforced, key=ACTIONS.index)
        return action not in {"deny", "challenge"}, action, None
    return (True, "observe", max(shadow, key=ACTIONS.index)) if shadow else (True, None, None)


@given(found=st.lists(decisions(), max_size=8), hours=st.integers(0, 6))
def test_a_table_answers_as_the_decisions_themselves_say(found: list[Decision], hours: int) -> None:
    table = table_of(*found, stale_after_s=1e6)
    at_us = NOON_US + hours * 3_600_000_000
    for platform in ("api", "bedrock"):
        for account in ("a", "b", "c", "d\U0001f426", "nobody"):
            answer = table.decide(platform, account, at_us)
            assert (answer.passes, answer.action, answer.would) == plain(found, platform, account, at_us)


@given(found=st.lists(decisions(), max_size=8), key=st.sampled_from([None, KEY]), compressed=st.booleans())
def test_what_is_encoded_is_decoded(found: list[Decision], key: bytes | None, *, compressed: bool) -> None:
    rows = rows_of(found, NOON)
    read = decode(encode(rows, Stamp(3, 7), NOON, key=key, compressed=compressed), key=key)
    assert (read.rows, read.stamp, read.made_us, read.base) == (rows, Stamp(3, 7), NOON_US, None)


@given(before=st.lists(decisions(), max_size=6), after=st.lists(decisions(), max_size=6))
def test_a_delta_over_the_old_table_is_the_new_table(before: list[Decision], after: list[Decision]) -> None:
    old, new = rows_of(before, NOON), rows_of(after, NOON)
    delta = decode(encode_delta((1, old), new, Stamp(0, 2), NOON))
    table = Table()
    table.apply(decode(encode(old, Stamp(0, 1), NOON)), NOON_US)
    table.apply(delta, NOON_US)
    whole = Table()
    whole.apply(decode(encode(new, Stamp(0, 2), NOON)), NOON_US)
    for platform in ("api", "bedrock"):
        for account in ("a", "b", "c", "d\U0001f426"):
            assert table.decide(platform, account, NOON_US) == whole.decide(platform, account, NOON_US)
    assert table.status(NOON_US) == whole.status(NOON_US)


@given(turns=st.lists(st.lists(decisions(), max_size=4), min_size=1, max_size=6), keep=st.integers(1, 4))
def test_whatever_version_a_gateway_holds_the_publisher_brings_it_up_to_date(
    turns: list[list[Decision]], keep: int
) -> None:
    publisher = Publisher(keep=keep)
    tables: list[Table] = []
    for version, found in enumerate(turns, start=1):
        publisher.publish(found, version, NOON)
        table = Table()
        table.apply(decode(publisher.since(None, 0, NOON)), NOON_US)
        tables.append(table)
    for table in tables:
        payload = publisher.since(tag_of(table.stamp), table.stamp.version, NOON)
        if payload is not None:
            table.apply(decode(payload), NOON_US)
        for account in ("a", "b", "c"):
            assert table.decide("api", account, NOON_US) == tables[-1].decide("api", account, NOON_US)


def test_a_gateway_that_is_one_version_behind_gets_only_the_change() -> None:
    publisher = Publisher()
    many = [decision(f"a{n}") for n in range(2_000)]
    publisher.publish(many, 1, NOON)
    publisher.publish([*many, decision("news")], 2, NOON)
    read = decode(publisher.since(tag_of(Stamp(0, 1)), 1, NOON))
    assert (read.base, read.rows.keys(), list(read.rows["api"])) == (1, {"api"}, ["news"])
    assert publisher.since(tag_of(Stamp(0, 2)), 2, NOON) is None


def test_a_gateway_of_another_epoch_gets_everything_though_the_version_is_known() -> None:
    publisher = Publisher(epoch=2)
    publisher.publish([decision("a")], 5, NOON)
    publisher.publish([decision("b")], 6, NOON)
    assert decode(publisher.since(tag_of(Stamp(1, 5)), 5, NOON)).base is None
    assert decode(publisher.since(tag_of(Stamp(1, 6)), 6, NOON)).base is None


def test_decisions_that_go_back_need_a_new_epoch() -> None:
    publisher = Publisher()
    publisher.publish([], 5, NOON)
    with pytest.raises(InputError, match="epoch"):
        publisher.publish([], 4, NOON)


@settings(max_examples=300)
@given(data=st.data(), key=st.sampled_from([None, KEY]), compressed=st.booleans())
def test_a_snapshot_with_any_byte_changed_or_missing_is_refused(
    data: st.DataObject, key: bytes | None, *, compressed: bool
) -> None:
    payload = encode(rows_of([decision("a"), decision("b")], NOON), Stamp(0, 1), NOON, key=key, compressed=compressed)
    at = data.draw(st.integers(0, len(payload) - 1))
    damaged = bytearray(payload)
    damaged[at] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(damaged), payload[:at], payload + b"\x00"):
        with pytest.raises(InputError):
            decode(broken, key=key)


@settings(max_examples=300)
@given(payload=st.binary(max_size=400))
def test_noise_is_refused_also_under_a_right_seal(payload: bytes) -> None:
    with pytest.raises(InputError):
        decode(payload)
    for flags in (0, 1):
        head = b"SWD\x01" + bytes([flags])
        seal = __import__("hashlib").sha256(head + payload).digest()
        with pytest.raises(InputError):
            decode(head + seal + payload)


@pytest.mark.parametrize(
    "chunk",
    [
        _pack(("api", {"a": b"\xc1"})),
        _pack(("api", {"a": _pack([["burn", False, 1, 2, "d", None]])})),
        _pack(("api", {"a": _pack([["throttle", False, 1, 2, "d", None]])})),
        _pack(("api", {"a": _pack([["deny", False, "now", 2, "d", None]])})),
        _pack(("api", {1: b""})),
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 100_000,
    ],
    ids=["no message", "unknown action", "throttle without value", "time as text", "number as account", "huge", "deep"],
)
def test_rows_that_no_service_would_write_are_refused_when_read_and_not_when_asked(chunk: bytes) -> None:
    with pytest.raises(InputError):
        decode(_sealed(_Body(Stamp(0, 1), 0, None, [chunk], ()), None))


def test_only_the_holder_of_the_key_is_believed() -> None:
    rows = rows_of([decision()], NOON)
    for payload in (encode(rows, Stamp(0, 1), NOON), encode(rows, Stamp(0, 1), NOON, key=b"another")):
        with pytest.raises(InputError, match="sign"):
            decode(payload, key=KEY)
    with pytest.raises(InputError, match="no key is set"):
        decode(encode(rows, Stamp(0, 1), NOON, key=KEY))


def test_an_older_snapshot_is_refused_and_the_same_or_one_of_a_later_epoch_is_not() -> None:
    payload = encode({}, Stamp(1, 5), NOON)
    for known in (Stamp(1, 6), Stamp(2, 0)):
        with pytest.raises(InputError, match="older"):
            decode(payload, known=known)
    for known in (Stamp(1, 5), Stamp(0, 9)):
        assert decode(payload, known=known).stamp == Stamp(1, 5)


def test_a_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillwatch.gateway.snapshot._LIMIT_BYTES", 1_000_000)
    body = zlib.compress(bytes(10_000_000))
    head = b"SWD\x01\x01"
    with pytest.raises(InputError, match="larger"):
        decode(head + __import__("hashlib").sha256(head + body).digest() + body)


def test_a_throttle_without_a_value_is_never_sent() -> None:
    for value in (None, 0.0, -1.0):
        with pytest.raises(InputError, match="throttles"):
            rows_of([decision(action="throttle", value=value)], NOON)


def test_undone_held_and_expired_decisions_stay_at_home() -> None:
    gone = [decision(undone_at=NOON), decision(held=True), decision(starts_h=-2, ends_h=-1), decision(ends_h=0)]
    assert rows_of(gone, NOON) == {}


def test_a_weaker_decision_travels_only_where_it_outlasts_the_stronger() -> None:
    deny, short, long = decision(ends_h=2), decision(action="observe", ends_h=1), decision(action="challenge", ends_h=3)
    rows = rows_of([short, long, deny], NOON)
    assert [entry.action for entry in unpack_entries(rows["api"]["crow"])] == ["deny", "challenge"]
    assert snapshot(short, long, deny).rows == rows
