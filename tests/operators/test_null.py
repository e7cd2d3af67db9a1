"""Permuted data gives nothing: what a permutation null keeps, it keeps for a reason."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import slow_null
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from written_views import NOWHERE, mask, view_of

from stillwatch.campaigns.suspects import _strata
from stillwatch.detectors.suspect import Scene
from stillwatch.operators.communities import candidates
from stillwatch.operators.null import _benjamini_yekutieli, _deal, _family_null, _groups, significance, strata
from stillwatch.operators.views import View

PERMUTATIONS = 20


def permuted(view: View, rng: np.random.Generator) -> View:
    """The view with whole rows dealt out anew: degrees and supports stay, who shares with whom does not."""
    order = rng.permutation(view.node_count)
    return View(
        name=view.name,
        family=view.family,
        matrix=sparse.csr_matrix(view.matrix[order]),
        support=view.support,
        informed=view.informed[order],
        row=NOWHERE,
        column=NOWHERE,
    )


def test_permuted_data_gives_nothing(tiny_scene: Scene) -> None:
    attributes = _strata(tiny_scene)
    kept = tested = 0
    for seed in range(PERMUTATIONS):
        rng = np.random.default_rng(seed)
        views = [permuted(view, rng) for view in tiny_scene.views]
        found = candidates(views)
        tested += len(found)
        kept += int(significance(views, found, attributes).kept.sum())
    assert tested > 500
    assert kept == 0, f"{kept} of {tested} candidates of {PERMUTATIONS} permutations were kept"


def test_nodes_called_otherwise_in_every_view_alike_keep_what_they_share(tiny_scene: Scene) -> None:
    """The control of the test above: one order for all views only renames the nodes: campaigns stay."""
    for seed in range(3):
        views = [permuted(view, np.random.default_rng(seed)) for view in tiny_scene.views]
        assert significance(views, candidates(views), _strata(tiny_scene)).kept.any()


def test_what_is_shared_in_two_families_is_kept() -> None:
    """Seventeen nodes in a crowd of 600 share an address pool and cards."""
    rng = np.random.default_rng(1)
    network = [{int(v) for v in rng.integers(0, 4, 2)} for _ in range(17)]
    network += [{int(v) for v in rng.integers(100, 500, 2)} for _ in range(600)]
    cards = [{i % 3} for i in range(17)] + [{int(rng.integers(100, 500))} for _ in range(600)]
    views = [view_of(network), view_of(cards, "payment", "payment")]
    found = [("network", mask(617, range(17))), ("network", mask(617, range(300, 317)))]
    result = significance(views, found, [])
    assert result.kept.tolist() == [True, False]
    assert np.isnan(result.p["network"]).all()  # never tested where it was found
    assert result.lift["payment"][0] > 2 > abs(result.lift["payment"][1])


def test_sharing_that_the_strata_explain_is_not_kept() -> None:
    """A class: everybody of one country and week shares the same few addresses."""
    rng = np.random.default_rng(2)
    network = [{int(v) for v in rng.integers(0, 5, 2)} for _ in range(40)]
    network += [{int(v) for v in rng.integers(100, 400, 2)} for _ in range(400)]
    views = [view_of(network), view_of([{7} if i < 20 else {100 + i // 2} for i in range(440)], "payment", "payment")]
    country = np.array([1] * 40 + [0] * 400)
    found = [("payment", mask(440, range(20)))]
    assert significance(views, found, []).kept.tolist() == [True]
    assert significance(views, found, [country]).kept.tolist() == [False]


def test_nothing_to_test_is_nothing_found() -> None:
    assert len(significance([view_of([{1}, {1}])], [], []).kept) == 0


def by_hand(p: list[float], q: float) -> list[bool]:
    """Benjamini and Yekutieli 2001, theorem 1.3: the largest k with p_(k) <= k q / (m sum 1/i)."""
    m = len(p)
    harmonic = sum(1 / i for i in range(1, m + 1))
    ranked = sorted(range(m), key=lambda i: p[i])
    passing = [k for k in range(1, m + 1) if p[ranked[k - 1]] <= k * q / (m * harmonic)]
    keep = set(ranked[: max(passing)]) if passing else set()
    return [i in keep for i in range(m)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1e-6, 1e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.3, 1.0]), min_size=1, max_size=12))
def test_false_discovery_control_is_that_of_the_paper(p: list[float]) -> None:
    kept = _benjamini_yekutieli(np.array(p), 0.05).tolist()
    expected = by_hand(p, 0.05)
    assert sum(kept) == sum(expected)
    assert sorted(np.array(p)[kept].tolist()) == sorted(np.array(p)[expected].tolist())


def test_false_discovery_control_on_numbers_worked_out_by_hand() -> None:
    # m = 4, sum 1/i = 25/12, limits at q = 0.05: 0.006, 0.012, 0.018, 0.024
    assert _benjamini_yekutieli(np.array([0.5, 0.0115, 0.0059, 0.03]), 0.05).tolist() == [False, True, True, False]
    # the last one lifts those before it
    assert _benjamini_yekutieli(np.array([0.007, 0.0121, 0.0179, 0.0239]), 0.05).all()
    assert not _benjamini_yekutieli(np.array([0.0061, 0.5, 0.5, 0.5]), 0.05).any()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 99))
def test_a_shuffle_stays_within_its_stratum_and_loses_nobody(stratum: list[int], seed: int) -> None:
    code, everyone = np.array(stratum), np.arange(len(stratum))
    order = np.zeros(len(code), dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(np.bincount(code))])
    _deal(order, code, first, everyone, np.argsort(np.random.default_rng(seed).random(len(code))))
    assert sorted(order.tolist()) == everyone.tolist()
    np.testing.assert_array_equal(code[order], code)
    np.testing.assert_array_equal(order, slow_null.shuffle_within(code, np.random.default_rng(seed)))


def test_the_compiled_null_equals_the_plain_one(tiny_scene: Scene) -> None:
    """To the last bit: a permutation that ties with what was observed must tie in both."""
    few = [mask for _, mask in candidates(tiny_scene.views)][::25]
    views = [view for view in tiny_scene.views if view.family in ("network", "payment")]
    attributes = _strata(tiny_scene)
    found = _family_null(views, _groups([np.flatnonzero(mask) for mask in few]), attributes)
    for one, other in zip(found, slow_null.family_null(views, few, attributes), strict=True):
        np.testing.assert_array_equal(one, other)


def test_strata_part_by_attribute_where_there_are_enough_and_by_degree_always() -> None:
    degree = np.array([1] * 60 + [9] * 40)
    attribute = np.array([0] * 30 + [1] * 25 + [2] * 5 + [0] * 40)
    code = strata([attribute], degree)
    assert len({*code[:30].tolist()}) == 1
    assert code[0] != code[30]  # enough of each
    assert len({*code[55:60].tolist()}) == 1
    assert code[55] not in (code[0], code[30])  # the sparse fall back to their degree
    assert not set(code[:60].tolist()) & set(code[60:].tolist())


@pytest.mark.parametrize("q", [0.01, 0.05])
def test_significance_is_deterministic(tiny_scene: Scene, q: float) -> None:
    found = candidates(tiny_scene.views)[:40]
    one, other = (significance(tiny_scene.views, found, _strata(tiny_scene), q) for _ in range(2))
    np.testing.assert_array_equal(one.kept, other.kept)
    assert msgspec.json.encode({k: v.tolist() for k, v in one.p.items()}) == msgspec.json.encode(
        {k: v.tolist() for k, v in other.p.items()}
    )
