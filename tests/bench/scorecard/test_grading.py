"""Hand-made scans of a hand-made world: every count is known beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade_worlds import campaign, honest, member, pivot, planned, report, ring, write_world

from stillwatch.bench.scorecard.assemble import calibration_figures, suite_figures
from stillwatch.bench.scorecard.grading import WorldGrade, distance, grade_world
from stillwatch.model import Campaign


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    accounts = [
        *ring("red", "coding_sweep", "extraction", 10),
        *ring("blue", "slow_thin", "extraction", 6),
        *ring("pool", "resale", "resale", 4),
        *honest("campus", 10, "university"),
        *honest("script_user", 5),
        *honest("individual", 65),
    ]
    plans = [
        planned("red", "coding_sweep", "extraction", pivots=True),
        planned("blue", "slow_thin", "extraction"),
        planned("pool", "resale", "resale"),
    ]
    return write_world(tmp_path_factory.mktemp("world") / "world", accounts, plans)


def members(name: str, count: int) -> list:
    return [member(f"{name}-{i}") for i in range(count)]


def graded(world: Path, *found: Campaign) -> WorldGrade:
    return grade_world("hand", 1, report(*found), world)


def test_a_perfect_scan_has_perfect_figures(world: Path) -> None:
    found = graded(
        world,
        campaign("extraction", members("red", 10), model_pivots=(pivot(),)),
        campaign("extraction", members("blue", 6)),
        campaign("resale", members("pool", 4)),
    )
    assert (found.grade.recall, found.grade.precision, found.f1) == (1.0, 1.0, 1.0)
    assert (found.splits, found.merges, found.strays) == (0, 0, 0)
    assert found.confusion["extraction"] == {"extraction": 16}
    assert found.confusion["resale"] == {"resale": 4}
    assert found.confusion["honest"] == {"none": 80}
    by_name = {c.name: c for c in found.campaigns}
    assert by_name["red"].f1 == 1.0
    assert by_name["pool"].f1 == 1.0
    assert (by_name["red"].pivots_planned, by_name["red"].pivots_found) == (1, 1)
    assert (found.pivots_stated, found.pivots_right) == (1, 1)
    assert by_name["red"].capability_right is True
    assert by_name["red"].capability_off == 0.25
    assert (by_name["red"].harvest_stated, by_name["red"].harvest_done) == (10, 10)


def test_a_wrong_class_is_counted_where_it_belongs(world: Path) -> None:
    found = graded(world, campaign("resale", members("red", 10)), campaign("extraction", members("pool", 4)))
    assert found.grade.recall == 0.0
    assert found.confusion["extraction"] == {"none": 6, "resale": 10}
    assert found.confusion["resale"] == {"extraction": 4}
    by_name = {c.name: c for c in found.campaigns}
    assert by_name["red"].found_as == "resale"
    assert by_name["red"].named == 0
    assert by_name["blue"].found_as == ""
    assert by_name["pool"].f1 == 0.0


def test_a_split_and_a_merge_are_seen_on_the_campaigns_they_happened_to(world: Path) -> None:
    split = graded(world, campaign("extraction", members("red", 5)), campaign("extraction", members("red", 10)[5:]))
    assert split.splits == 1
    assert next(c for c in split.campaigns if c.name == "red").split_into == 2
    merged = graded(world, campaign("extraction", [*members("red", 10), *members("blue", 6)]))
    assert (merged.splits, merged.merges) == (0, 1)
    assert next(c for c in merged.campaigns if c.name == "red").precision == 0.625


def test_the_innocent_are_counted_by_class_organisation_and_trade(world: Path) -> None:
    wrong = [member("campus-0"), member("campus-1"), member("script_user-0")]
    found = graded(world, campaign("extraction", wrong), campaign("coordinated", members("individual", 3)))
    assert found.classes["campus"].accused == 2
    assert found.classes["individual"].accused == 0
    assert found.classes["individual"].elsewhere == 3
    assert (found.organisations, found.organisations_accused) == (1, 1)
    assert (found.solo_developers, found.solo_developers_accused) == (5, 1)
    assert found.strays == 1


def test_possible_members_are_accused_of_nothing_but_their_probability_counts(world: Path) -> None:
    found = graded(world, campaign("extraction", [*members("red", 10), member("individual-0", 0.55)]))
    assert found.grade.precision == 1.0
    assert found.classes["individual"].accused == 0
    assert next(c for c in found.campaigns if c.name == "red").jaccard == 1.0
    assert sum(b.count for b in found.member_bins) == 11
    assert sum(b.count for b in found.account_bins) == 100
    (wrong,) = [b for b in found.member_bins if b.count == 1]
    assert wrong.squares == pytest.approx(0.55**2)


def test_a_campaign_is_right_to_the_extent_that_its_accounts_are(world: Path) -> None:
    found = graded(world, campaign("extraction", [*members("red", 3), member("campus-0")], 0.9))
    (one,) = [b for b in found.confidence_bins if b.count]
    assert (one.stated, one.right) == (0.9, 0.75)


def test_a_pivot_to_another_model_or_a_day_too_late_is_not_right(world: Path) -> None:
    late = campaign("extraction", members("red", 10), model_pivots=(pivot(hours=25), pivot("other")))
    found = graded(world, late)
    assert (found.pivots_stated, found.pivots_right) == (2, 0)
    assert next(c for c in found.campaigns if c.name == "red").pivots_found == 0


def test_mixes_with_nothing_in_common_are_one_apart() -> None:
    assert distance({"coding": 1.0}, {"reasoning": 1.0}) == 1.0
    assert distance({"coding": 1.0}, {"coding": 1.0}) == 0.0


def test_figures_of_a_run_pool_counts_and_spread_shares(world: Path) -> None:
    good = graded(world, campaign("extraction", members("red", 10)))
    bad = graded(world, campaign("extraction", [*members("red", 2), member("campus-0")]))
    found = suite_figures("hand", [good, bad])
    assert found.recall is not None
    assert (found.recall.least, found.recall.most) == (0.125, 0.625)
    assert (found.honest_accused.hits, found.honest_accused.trials) == (1, 160)
    (tactic,) = [t for t in found.tactics if t.tactic == "coding_sweep"]
    assert (tactic.campaigns, tactic.accounts, tactic.found) == (2, 20, 1)
    assert found.classes[0].name == "campus"
    assert found.classes[0].worlds_hit == 1
    assert found.harvest_of_found is not None
    assert calibration_figures([good, bad]).accounts.count == 200
