"""Both axes or no accusation; checked organisations are nobody's campaign; no account is in two campaigns."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from written_suspects import crowd, judged, of_odds

from stillwatch.campaigns.judge import LEAST_BITS, Judged, judge
from stillwatch.campaigns.members import Membership
from stillwatch.campaigns.opinions import AXIS_OF, context
from stillwatch.campaigns.select import LEAST_MARGIN_BITS, VOUCHED_SHARE, openly, select, verdict
from stillwatch.campaigns.weights import load_weights, probability
from stillwatch.config import Detection
from stillwatch.detectors import BUILTIN, Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis, Verdict

SCENE = crowd()
SETTINGS = Detection(min_confidence=0.9, min_alone=0.97, min_coordinated=0.97)  # whatever the defaults are
ODDS = st.floats(-30, 30)


def same_again(suspect: Suspect) -> Judged:
    """What is left of a cluster looks as bad as the whole."""
    return of_odds(suspect, 20, 20, -20)


def all_of_them(item: Judged, kind: Verdict) -> Membership:
    """Every account belongs, as surely as the verdict on the weaker axis is right."""
    accounts = item.suspect.accounts
    sure = item.confidence[kind] if kind in item.confidence else probability(item.operator)
    return Membership(
        accounts=accounts, probability=np.full(len(accounts), max(sure, 0.9)), accused=np.ones(len(accounts), bool),
        bits={}, harvest_rows=np.zeros(len(accounts), np.int64),
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(ODDS, ODDS, ODDS)
def test_extraction_needs_both_axes(operator: float, harvest: float, resale: float) -> None:
    found = verdict(judged(SCENE, range(6), operator, harvest, resale), SETTINGS)
    if found is not None and found[0] == "extraction":
        assert probability(operator) >= SETTINGS.min_confidence
        assert probability(harvest) >= SETTINGS.min_confidence
        assert found[1] <= min(probability(operator), probability(harvest)) + 1e-12
    if probability(operator) < SETTINGS.min_confidence:
        assert found is None


@pytest.mark.parametrize(
    ("operator", "harvest", "resale", "expected"),
    [
        (20, 20, -20, "extraction"),
        (20, -20, 20, "resale"),
        (20, -20, -20, "coordinated"),
        (-20, 20, -20, None),
        (-20, -20, 20, None),
        (-20, 20, 20, None),
        (3.3, 3.3, -20, "extraction"),
        (3.0, 20, -20, None),
        (20, 3.0, -20, "coordinated"),
    ],
)
def test_what_each_pair_of_axes_comes_to(operator: float, harvest: float, resale: float, expected: str | None) -> None:
    found = verdict(judged(SCENE, range(6), operator, harvest, resale), SETTINGS)
    assert (found and found[0]) == expected


@settings(max_examples=200, deadline=None)
@given(ODDS, ODDS, ODDS)
def test_a_group_of_checked_organisations_is_nobody_s_campaign(operator: float, harvest: float, resale: float) -> None:
    item = judged(VOUCHED, range(6), operator, harvest, resale)
    assert item.suspect.vouched_share >= VOUCHED_SHARE
    assert verdict(item, SETTINGS) is None


VOUCHED = crowd(plans={f"a{i:02d}": "enterprise" for i in range(3)})


def test_one_vouched_account_among_many_shields_nobody() -> None:
    scene = crowd(plans={"a00": "enterprise"})
    assert verdict(judged(scene, range(6), 20, 20), SETTINGS) is not None


def test_one_account_alone_needs_more_certainty_and_can_only_be_accused_of_extraction() -> None:
    between = float(np.log2(0.95 / 0.05))
    assert SETTINGS.min_confidence < probability(between) < SETTINGS.min_alone
    assert verdict(judged(SCENE, [0], 0.0, between, -60), SETTINGS) is None
    assert verdict(judged(SCENE, [0], 20.0, -20, 20), SETTINGS) is None
    assert verdict(judged(SCENE, [0], 0.0, 12, -60), SETTINGS) == ("extraction", probability(12))


def test_accounts_that_are_openly_of_one_organisation_need_more_certainty_to_be_a_harvest() -> None:
    low = Detection(min_confidence=0.7, min_operator=0.7)
    apart, together = (crowd(organisation=own) for own in ((), range(6)))
    for odds, expected in ((2.0, None), (4.0, "extraction")):
        strangers = verdict(judged(apart, range(9), odds, odds, -20), low)
        found = verdict(judged(together, range(9), odds, odds, -20), low)
        assert strangers is not None
        assert strangers[0] == "extraction"
        assert (found and found[0]) == expected
    assert openly(judged(apart, range(9)).suspect) == 0.0
    assert openly(judged(together, range(9)).suspect) == pytest.approx(6 / 9)


def test_an_organisation_that_is_a_small_part_of_a_group_changes_nothing() -> None:
    low = Detection(min_confidence=0.7, min_operator=0.7)
    assert verdict(judged(crowd(organisation=range(4)), range(12), 2.0, 2.0, -20), low) is not None


def test_what_may_as_well_be_a_pool_is_not_called_a_harvest() -> None:
    low = Detection(min_confidence=0.7, min_operator=0.7)
    assert verdict(judged(SCENE, range(6), 5, 5, 5 - LEAST_MARGIN_BITS - 0.1), low) is not None
    assert verdict(judged(SCENE, range(6), 5, 5, 5 - LEAST_MARGIN_BITS + 0.1), low) is None
    coordinated = verdict(judged(SCENE, range(6), 20, 5, 4.5), low)
    assert coordinated is not None
    assert coordinated[0] == "coordinated"


def test_a_group_in_which_hardly_anybody_is_accused_is_not_named() -> None:
    def only(count: int) -> int:
        def belong(item: Judged, kind: Verdict) -> Membership:
            everyone = all_of_them(item, kind)
            few = np.arange(len(everyone.accounts)) < count
            return Membership(
                accounts=everyone.accounts, probability=everyone.probability, accused=few, bits={},
                harvest_rows=everyone.harvest_rows,
            )  # fmt: skip

        return len(select([judged(SCENE, range(8), 20, 20, -20)], SETTINGS, same_again, belong))

    assert [only(count) for count in (1, 2, 3)] == [0, 0, 1]


@settings(max_examples=100, deadline=None)
@given(ODDS, ODDS, ODDS, st.floats(0.5, 1), st.floats(0.5, 1))
def test_raising_the_bar_never_accuses_more(operator: float, harvest: float, resale: float, a: float, b: float) -> None:
    low, high = (Detection(min_confidence=v, min_coordinated=1.0) for v in sorted((a, b)))
    item = judged(SCENE, range(6), operator, harvest, resale)
    if verdict(item, low) is None:
        assert verdict(item, high) is None


CLUSTERS = st.lists(
    st.tuples(st.frozensets(st.integers(0, 23), min_size=1, max_size=12), ODDS, ODDS, ODDS),
    min_size=1,
    max_size=8,
    unique_by=lambda cluster: cluster[0],  # a cluster is judged once
)


@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(CLUSTERS)
@example([(frozenset([1]), 0.0, 9.0, 0.0), (frozenset(range(10)), 9.0, 0.0, 0.0)])
def test_no_account_is_in_two_campaigns(clusters: list[tuple[frozenset[int], float, float, float]]) -> None:
    items = [judged(SCENE, sorted(own), o, h, r) for own, o, h, r in clusters]
    chosen = select(items, SETTINGS, same_again, all_of_them)
    accounts = np.concatenate([item.suspect.accounts for item, *_ in chosen] or [np.zeros(0, int)])
    assert len(np.unique(accounts)) == len(accounts)


@settings(max_examples=50, deadline=None)
@given(CLUSTERS, st.randoms(use_true_random=False))
def test_the_order_of_the_suspects_does_not_matter(
    clusters: list[tuple[frozenset[int], float, float, float]], dice: object
) -> None:
    items = [judged(SCENE, sorted(own), o, h, r) for own, o, h, r in clusters]
    shuffled = list(items)
    dice.shuffle(shuffled)

    def summary(found: list[Judged]) -> list[tuple[list[int], str, float]]:
        return [
            (one.item.suspect.nodes.tolist(), one.kind, one.confidence)
            for one in select(found, SETTINGS, same_again, all_of_them)
        ]

    assert summary(items) == summary(shuffled)


def test_the_most_certain_takes_its_accounts_and_the_rest_is_judged_again() -> None:
    asked: list[list[int]] = []

    def again(suspect: Suspect) -> Judged:
        asked.append(suspect.nodes.tolist())
        return same_again(suspect)

    items = [judged(SCENE, range(4, 14), 20, 4), judged(SCENE, range(8), 20, 20)]
    chosen = select(items, SETTINGS, again, all_of_them)
    assert [item.suspect.nodes.tolist() for item, *_ in chosen] == [list(range(8)), list(range(8, 14))]
    assert asked == [list(range(8, 14))]


def test_what_is_left_is_let_go_when_it_no_longer_looks_bad() -> None:
    def innocent(suspect: Suspect) -> Judged:
        return of_odds(suspect, -20, -20, -20)

    items = [judged(SCENE, range(4, 14), 20, 4), judged(SCENE, range(8), 20, 20)]
    assert len(select(items, SETTINGS, innocent, all_of_them)) == 1


def test_probability_is_that_of_log_odds() -> None:
    assert probability(0) == 0.5
    assert probability(np.log2(9)) == pytest.approx(0.9)
    assert probability(1e9) <= 1
    assert probability(-1e9) >= 0


def test_a_detector_that_no_tree_reads_weighs_nothing() -> None:
    """A weight that nobody measured is not a weight."""

    class Unheard(msgspec.Struct, frozen=True, kw_only=True):
        name: str = "unheard"
        family: str = "quota"
        axis: Axis = "operator"
        needs: Sequence[str] = ()

        def measure(self, suspect: Suspect) -> Measurement | None:
            return Measurement(x=1e6, says=suspect.found_in)

    suspect = judged(SCENE, range(8)).suspect
    with_it, without = (judge(suspect, d, load_weights()) for d in ((*BUILTIN, Unheard()), BUILTIN))
    assert (with_it.operator, with_it.harvest) == (without.operator, without.harvest)
    assert with_it.evidence() == without.evidence() != ()


def test_a_detector_that_breaks_is_left_out_and_takes_none_along(caplog: pytest.LogCaptureFixture) -> None:
    class Breaking(msgspec.Struct, frozen=True, kw_only=True):
        name: str = "breaking"
        family: str = "quota"
        axis: Axis = "operator"
        needs: Sequence[str] = ()

        def measure(self, suspect: Suspect) -> Measurement | None:
            raise ZeroDivisionError(suspect.found_in)

    suspect = judged(SCENE, range(8)).suspect
    assert (
        judge(suspect, (*BUILTIN, Breaking()), load_weights()).evidence()
        == judge(suspect, BUILTIN, load_weights()).evidence()
    )
    assert "breaking" in caplog.text


def test_what_is_shown_adds_up_to_the_odds() -> None:
    weights = load_weights()
    item = judge(judged(SCENE, range(8)).suspect, BUILTIN, weights)
    for axis, forest, odds in (
        ("operator", weights.operator, item.operator),
        ("harvest", weights.harvest, item.harvest),
        ("resale", weights.resale, item.resale),
    ):
        shown = sum(e.bits for e in item.evidence() if e.axis == axis)
        base = 0.0 if axis == "resale" else forest.base  # there it is one of the reasons
        assert base + shown == pytest.approx(odds, abs=LEAST_BITS * len(BUILTIN))


def test_every_shipped_tree_reads_detectors_that_exist() -> None:
    weights = load_weights()
    names = {detector.name for detector in BUILTIN}
    for forest in (weights.operator, weights.harvest, weights.resale, weights.solo):
        assert set(forest.features) <= names
    assert weights.provenance


def test_a_group_of_which_nothing_is_known_is_nobodys_campaign() -> None:
    weights = load_weights()
    for kind, axis in (("extraction", weights.harvest), ("resale", weights.resale)):
        odds = {"operator": weights.operator.base, AXIS_OF[kind]: axis.base}
        assert probability(weights.confidence[kind](context(odds, kind, 100, {}))) < Detection().min_confidence
