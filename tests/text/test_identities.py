"""Keys of identities: keyed by the salt, apart by purpose, equal for equal values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stillwatch.text import plain
from stillwatch.text.addresses import address_keys
from stillwatch.text.keys import keys_of, secret, set_keys

SALT = b"salt"
OCTETS = st.integers(0, 255)
ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda a: a.exploded.upper()),
    st.tuples(OCTETS, OCTETS).map(lambda p: f"::ffff:10.{p[0]}.0.{p[1]}"),
    st.text("0123456789abcdefF:.% ", max_size=24),
    st.text(max_size=8),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=6), st.binary(max_size=4))
def test_keys_are_siphash_of_the_text(texts: list[str | None], salt: bytes) -> None:
    key = secret(salt, "purpose")
    keys, null = keys_of(pa.array(texts, pa.string()), key)
    assert null.tolist() == [text is None for text in texts]
    assert keys.tolist() == [0 if text is None else plain.siphash(text.encode(), key.tolist()) for text in texts]


def test_siphash_gives_the_published_vector() -> None:
    # Aumasson and Bernstein, "SipHash: a fast short-input PRF", appendix A: key 00..0f, message 00..0e
    low, high = (int.from_bytes(bytes(range(start, start + 8)), "little") for start in (0, 8))
    assert plain.siphash(bytes(range(15)), [low, high]) == 0xA129CA6149BE45E5


def test_salt_and_purpose_keep_keys_apart() -> None:
    column = pa.array(["same"])
    keys = {int(keys_of(column, secret(salt, purpose))[0][0]) for salt in (b"a", b"b") for purpose in ("x", "y")}
    assert len(keys) == 4


@settings(max_examples=400, deadline=None)
@given(ADDRESSES)
@example("1.2.3.04")
@example("1.2.3.4.5")
@example("::")
@example("1::2::3")
@example("fe80::1%eth0")
@example("fe80::1%")
@example("1:2:3:4:5:6:7:8:9")
@example("1:2:3:4:5:6:7::")
@example("::1:2:3:4:5:6:7:8")
@example("::1.2.3.4")
@example("1:2:3:4:5:6:7:1.2.3.4")
@example("1.2.3.4:80")
@example("12345::")
@example(":1")
@example("1:")
@example(" 10.0.0.1 ")
def test_addresses_are_read_as_the_standard_library_reads_them(text: str) -> None:
    keys, prefixes, _ = address_keys(pa.array([text]), SALT)
    assert (int(keys[0]), int(prefixes[0])) == plain.address(text, secret(SALT, "address"), secret(SALT, "prefix"))


@given(OCTETS, OCTETS)
@settings(max_examples=30, deadline=None)
def test_a_mapped_address_is_its_ipv4(third: int, last: int) -> None:
    keys, prefixes, _ = address_keys(pa.array([f"192.0.{third}.{last}", f"::ffff:192.0.{third}.{last}"]), SALT)
    assert keys[0] == keys[1]
    assert prefixes[0] == prefixes[1]


def test_networks_are_the_first_24_or_48_bits() -> None:
    texts = [
        "10.1.2.3",
        "10.1.2.250",
        "10.1.3.3",
        "2001:db8:1:2::3",
        "2001:db8:1:ffff::9",
        "2001:db8:2::3",
        "nonsense",
        None,
    ]
    _, prefixes, null = address_keys(pa.array(texts), SALT)
    assert prefixes[0] == prefixes[1] != prefixes[2]
    assert prefixes[3] == prefixes[4] != prefixes[5]
    assert prefixes[6] == prefixes[7] == 0
    assert null.tolist() == [False] * 7 + [True]


def test_tool_sets_ignore_order_and_repeats() -> None:
    lists = [["a", "b"], ["b", "a", "a"], ["a"], [], None, ["ab"]]
    keys, null, counts = set_keys(pa.array(lists, pa.list_(pa.string())), secret(b"", "t"))
    assert keys[0] == keys[1]
    assert len(set(keys[[0, 2, 5]].tolist())) == 3
    assert null.tolist() == [False, False, False, True, True, False]
    assert counts.tolist() == [2, 3, 1, 0, 0, 1]


@pytest.mark.parametrize("start", [0, 1, 3])
def test_tool_sets_of_a_slice_are_those_of_its_rows(start: int) -> None:
    lists = [["x", "y"], None, [], ["z"], ["y", "x"]]
    column = pa.array(lists, pa.list_(pa.string()))
    whole, _, _ = set_keys(column, secret(b"", "t"))
    part, _, counts = set_keys(column.slice(start), secret(b"", "t"))
    np.testing.assert_array_equal(part, whole[start:])
    assert counts.tolist() == [len(row or []) for row in lists[start:]]
