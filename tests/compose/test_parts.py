"""The parts a world is made of obey their own laws."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.compose import World, network
from stillwatch.compose.calendar import DAY_S, level_slots, spread
from stillwatch.compose.clients import STACKS
from stillwatch.compose.dice import Dice, Names
from stillwatch.compose.text.grammar import fill
from stillwatch.compose.text.lists import ITEMS, item, recipe
from stillwatch.compose.text.replies import CUT_CHARS, LENGTHS, Replies
from stillwatch.compose.text.wrappers import BANKS, dress

SEEDS = st.integers(0, 2**31)
OPEN_SLOT = re.compile(r"\{(topic2?|n2?|name2?|thing|op|symbol|file|role|place|lang|record|more|opener|snippet)\}")


@given(SEEDS, st.text(min_size=1, max_size=8))
def test_a_named_stream_repeats_itself_and_differs_from_its_siblings(seed: int, name: str) -> None:
    one, two, other = Dice(seed, name), Dice(seed, name), Dice(seed, name + "x")
    drawn = [one.token() for _ in range(4)]
    assert drawn == [two.token() for _ in range(4)]
    assert drawn != [other.token() for _ in range(4)]


@given(SEEDS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_identifiers_differ_where_their_numbers_do(seed: int, one: int, two: int) -> None:
    names = Names(seed)
    assert (names.of("account", one) == names.of("account", two)) == (one == two)
    assert names.of("account", one) != names.of("key", one)


@given(
    SEEDS,
    st.integers(1, 200),
    st.sampled_from(("office", "evening", "mixed", "flat")),
    st.floats(0, 12),
    st.floats(0.5, 9),
)
def test_moments_are_sorted_and_inside_their_window(
    seed: int, count: int, curve: str, first: float, length: float
) -> None:
    low, high = first * DAY_S, min(14.0, first + length) * DAY_S
    times = spread(Dice(seed), count, 14, 2.0, curve, low, high)
    assert len(times) == count
    assert (np.diff(times) >= 0).all()
    assert times[0] >= low
    assert times[-1] <= high


@given(SEEDS, st.integers(1, 300))
def test_level_slots_are_even(seed: int, count: int) -> None:
    slots = level_slots(Dice(seed), count, 100.0, 100.0 + count * 60.0)
    assert len(slots) == count
    assert np.abs(slots - (100.0 + 60.0 * np.arange(count))).max() <= 160.0


@given(SEEDS)
def test_every_way_out_gives_real_public_addresses(seed: int) -> None:
    dice = Dice(seed)
    code = network.country(dice)
    ways = [
        network.home(dice, code),
        network.office(dice, code),
        network.campus(dice, code),
        network.server(dice),
        network.proxy_line(dice, code),
    ]
    for way in ways:
        address = ipaddress.ip_address(way.address(7, 3_600.0, 0))
        assert address.is_global, address
        assert way.address(7, 3_600.0, 0) == way.address(7, 3_600.0, 0)


@given(SEEDS, st.sampled_from(sorted(ITEMS)))
def test_no_slot_is_left_open(seed: int, capability: str) -> None:
    dice = Dice(seed)
    for text in (
        item(dice, recipe(dice, capability)),
        dress(dice, capability, bank="b").put_on("x"),
        dress(dice, capability).put_on("x"),
    ):
        assert text.strip()
        assert not OPEN_SLOT.search(text), text


def test_both_banks_know_the_same_capabilities() -> None:
    assert BANKS["a"].keys() == BANKS["b"].keys()
    said = [
        {sentence for slots in bank.values() for slot in slots for sentence in slot if sentence}
        for bank in BANKS.values()
    ]
    assert not said[0] & said[1]


def test_every_client_s_parts_agree() -> None:
    assert len(STACKS) >= 40
    prints: dict[str, set[str]] = defaultdict(set)
    for stack in STACKS:
        assert len(stack.user_agents) == len(stack.days), stack.name
        assert list(stack.days) == sorted(stack.days)
        prints[stack.name].add(stack.ja4)
    assert len(prints) == len(STACKS)
    assert len({stack.ja4 for stack in STACKS}) < len(STACKS)  # popular TLS stacks serve several clients


def test_a_reply_has_about_the_length_asked_for() -> None:
    replies = Replies(Dice(1))
    for task in LENGTHS:
        assert 0 < len(replies.text(task, 50, 0.3)) <= 240
        assert len(replies.text(task, 100_000, 0.99)) == CUT_CHARS


def test_doubled_braces_become_single_ones() -> None:
    assert fill(Dice(1), "{{x}} {n}").startswith("{x} ")


def test_address_as_and_country_always_agree(demo: World) -> None:
    seen: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    columns = ("client_address", "client_asn", "client_country", "client_network")
    for address, *rest in zip(*(demo.exchanges[name].to_pylist() for name in columns), strict=True):
        seen[address].add(tuple(rest))
    torn = [address for address, rest in seen.items() if len(rest) > 1]
    assert len(torn) <= len(seen) * 0.002


def test_popular_clients_serve_both_sides(small: World) -> None:
    truth = small.truth_accounts
    kinds = dict(zip(truth["account_id"].to_pylist(), truth["kind"].to_pylist(), strict=True))
    sides: dict[str, set[str]] = defaultdict(set)
    for account, agent in zip(
        small.exchanges["account_id"].to_pylist(), small.exchanges["user_agent"].to_pylist(), strict=True
    ):
        sides[kinds[account]].add(agent)
    assert len(sides["campaign"] - sides["honest"]) <= 0.1 * len(sides["campaign"])
    assert len(sides["campaign"] & sides["honest"]) >= 12
