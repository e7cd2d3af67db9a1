"""Splits, merges and the assignment of found campaigns to planned ones."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from stillwatch.bench.scorecard.matching import match
from stillwatch.bench.scorecard.truth import Account


def people(name: str, first: int, last: int) -> frozenset[Account]:
    return frozenset((name, str(i)) for i in range(first, last))


RED, BLUE = people("red", 0, 20), people("blue", 0, 30)


def test_a_campaign_found_as_it_is_has_no_split_and_no_merge() -> None:
    found = match({"red": RED, "blue": BLUE}, [BLUE, RED])
    assert found.found_for == {"blue": 0, "red": 1}
    assert found.jaccard == {"blue": 1.0, "red": 1.0}
    assert (found.splits, found.merges) == (0, 0)


def test_a_campaign_in_two_pieces_is_one_split_and_the_larger_piece_is_its_match() -> None:
    found = match({"red": RED}, [people("red", 0, 5), people("red", 5, 20)])
    assert found.splits == 1
    assert found.split_into == {"red": 2}
    assert found.found_for == {"red": 1}
    assert found.jaccard == {"red": 0.75}


def test_two_campaigns_in_one_are_one_merge_and_only_one_of_them_has_it() -> None:
    found = match({"red": RED, "blue": BLUE}, [RED | BLUE])
    assert found.merges == 1
    assert found.holds == (("blue", "red"),)
    assert found.found_for == {"blue": 0}


def test_a_stray_account_is_no_part_of_a_campaign() -> None:
    found = match({"red": RED, "blue": BLUE}, [RED | people("blue", 0, 1), BLUE])
    assert (found.splits, found.merges) == (0, 0)


def test_a_campaign_of_one_account_is_held_by_the_campaign_that_has_it() -> None:
    alone = people("alone", 0, 1)
    assert match({"alone": alone}, [alone]).split_into == {"alone": 1}
    assert match({"alone": alone, "red": RED}, [alone | people("red", 0, 8)]).merges == 1


def test_a_found_campaign_of_the_innocent_holds_nothing() -> None:
    found = match({"red": RED}, [people("honest", 0, 9)])
    assert found.holds == ((),)
    assert found.found_for == {}
    assert found.split_into == {}


def test_nothing_found_and_nothing_planned_is_no_error() -> None:
    assert match({"red": RED}, []).splits == 0
    assert match({}, [RED]).merges == 0


sets = st.lists(st.frozensets(st.tuples(st.just("api"), st.sampled_from("abcdefghijklmnop"))), max_size=5)


@given(sets, sets, st.randoms())
def test_the_order_of_what_was_found_changes_no_count(
    planned: list[frozenset[Account]], found: list[frozenset[Account]], random: Random
) -> None:
    named = {str(i): own for i, own in enumerate(planned) if own}
    found = [own for own in found if own]
    shuffled = list(found)
    random.shuffle(shuffled)
    one, other = match(named, found), match(named, shuffled)
    assert (one.splits, one.merges) == (other.splits, other.merges)
    assert sum(one.jaccard.values()) - sum(other.jaccard.values()) < 1e-3
