"""What detectors measure by a short cut is what the long way gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import slow_measurements as slow

from stillwatch.campaigns.suspects import find_suspects
from stillwatch.detectors import BUILTIN
from stillwatch.detectors.people import COLUMNS, _distinct_per_account
from stillwatch.detectors.succession import failovers
from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.operators.affinity import affinity

SLOW: dict[str, Callable[[Suspect], float | None]] = {
    "interchangeable_accounts": slow.interchangeable,
    "address_pool": slow.address_pool,
    "no_rephrasing": slow.rephrasing,
    "synchrony": slow.synchrony,
    "swept_template": slow.swept_template,
}


def clusters(scene: Scene) -> Iterator[Suspect]:
    """What is really judged, random handfuls, and nobody."""
    yield from find_suspects(scene)
    rng, count = np.random.default_rng(4), len(scene.roster.node_size)
    for share in (0.0, 0.02, 0.1, 0.5, 1.0):
        members = rng.random(count) < share
        yield Suspect(
            scene=scene, members=members, affinity=affinity(scene.views, members), found_in="network", held_out_p={}
        )


@pytest.mark.parametrize("name", SLOW)
def test_a_detector_measures_what_the_long_way_gives(tiny_scene: Scene, name: str) -> None:
    detector = next(one for one in BUILTIN if one.name == name)
    measured = 0
    for suspect in clusters(tiny_scene):
        found, expected = detector.measure(suspect), SLOW[name](suspect)
        assert (found is None) == (expected is None)
        if found is not None:
            assert found.x == pytest.approx(expected, abs=2e-7)  # the short way adds some of it in single precision
            measured += 1
    assert measured > 5


def test_harvest_rows_are_those_that_carry_enriched_content(tiny_scene: Scene) -> None:
    purposes = set[bool]()
    for suspect in clusters(tiny_scene):
        rows, purpose = slow.harvest(suspect)
        assert suspect.harvest_rows.tolist() == rows.tolist()
        assert suspect.has_purpose == purpose
        purposes.add(purpose)
    assert purposes == {True, False}


def test_items_are_counted_as_one_by_one(tiny_scene: Scene) -> None:
    for suspect in clusters(tiny_scene):
        for found, expected in zip(suspect.item_counts, slow.item_counts(suspect), strict=True):
            assert found.tolist() == expected.tolist()


def test_diversity_of_accounts_is_that_of_their_rows(tiny_scene: Scene) -> None:
    facts = tiny_scene.facts
    for suspect in clusters(tiny_scene):
        for name in COLUMNS:
            expected = slow.distinct_per_account(suspect, facts.key(name))
            assert _distinct_per_account(suspect, facts.diversity(name)) == pytest.approx(expected)
        for diversity, values in (
            (facts.script_diversity, facts.script_key),
            (tiny_scene.kind_diversity, tiny_scene.kind_key),
        ):
            expected = slow.distinct_per_account(suspect, values)
            assert _distinct_per_account(suspect, diversity) == pytest.approx(expected)


def test_failovers_are_found_among_refused_texts_alone(tiny_scene: Scene) -> None:
    moved = 0
    for suspect in clusters(tiny_scene):
        found = failovers(suspect)
        assert found.tolist() == slow.failovers(suspect).tolist()
        moved += len(found)
    assert moved


def test_own_bits_are_the_members_share_of_everybody_s(tiny_scene: Scene) -> None:
    for suspect in clusters(tiny_scene):
        for family, bits in suspect.affinity.by_family.items():
            np.testing.assert_array_equal(suspect.own_bits[family], bits[suspect.members])


def test_harvest_rows_are_counted_by_account(tiny_scene: Scene) -> None:
    for suspect in clusters(tiny_scene):
        found = np.bincount(tiny_scene.facts.account[suspect.harvest_rows], minlength=len(tiny_scene.roster))
        assert suspect.harvest_counts.tolist() == found[suspect.accounts].tolist()


def test_a_forgetful_suspect_works_out_the_same_again(tiny_scene: Scene) -> None:
    for suspect in clusters(tiny_scene):
        before = [detector.measure(suspect) for detector in BUILTIN]
        suspect.forget()
        assert not {"rows", "_harvest"} & set(vars(suspect))
        assert [detector.measure(suspect) for detector in BUILTIN] == before
