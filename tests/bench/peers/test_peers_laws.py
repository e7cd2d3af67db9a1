"""Laws of what the peers are built from: fast equals slow, cuts are the best there are, bounds hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components

pytest.importorskip("pyod", reason="needs the extra bench")

from stillwatch.bench.peers.fraudar import DEGREE_OFFSET, densest
from stillwatch.bench.peers.groups import codes, incidence, levels, shared
from stillwatch.bench.peers.mmd import mmd2
from stillwatch.bench.peers.prada import nearest_kept
from stillwatch.bench.peers.tuning import AIM, best_cut

scored = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=25)
edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=16)


@given(scored)
def test_the_chosen_threshold_is_the_best_of_all(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([float(score) for score, _ in pairs])
    guilty = np.array([truth for _, truth in pairs])
    cut = best_cut(scores, guilty)
    if not guilty.any() or len(set(scores)) == 1:
        assert not (scores >= cut.threshold).any()
        return
    ranks = []
    for threshold in np.unique(scores)[1:]:  # the lowest accuses everybody
        named = scores >= threshold
        precision = (named & guilty).sum() / named.sum()
        ranks.append((precision >= AIM, 2 * (named & guilty).sum() / (named.sum() + guilty.sum())))
    named = scores >= cut.threshold
    assert cut.rank == pytest.approx(max(ranks))
    assert cut.precision == pytest.approx((named & guilty).sum() / named.sum())
    assert cut.recall == pytest.approx((named & guilty).sum() / guilty.sum())


@given(edges, st.integers(2, 5))
def test_levels_are_the_cuts_at_which_components_are_large_enough(
    links: list[tuple[int, int, int]], smallest: int
) -> None:
    left, right, strength = (np.array(column) for column in zip(*links, strict=True))
    found = levels(left, right, strength.astype(float), 8, smallest)
    slow = np.zeros(8)
    for cut in np.unique(strength):
        kept = strength >= cut
        graph = sparse.coo_matrix((np.ones(kept.sum()), (left[kept], right[kept])), (8, 8))
        _, label = connected_components(graph, directed=False)
        large = np.bincount(label, minlength=8)[label] >= smallest
        slow[large] = np.maximum(slow[large], cut)
    assert found.tolist() == slow.tolist()


@given(st.integers(0, 2**32), st.integers(3, 7), st.integers(3, 9))
def test_mmd_of_many_splits_equals_the_plain_sums(seed: int, first: int, second: int) -> None:
    points = np.random.default_rng(seed).normal(size=(first + second, 3))
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / 2)
    split = np.zeros((1, first + second))
    split[0, :first] = 1
    one, two = range(first), range(first, first + second)
    plain = (
        np.mean([kernel[i, j] for i, j in itertools.permutations(one, 2)])
        + np.mean([kernel[i, j] for i, j in itertools.permutations(two, 2)])
        - 2 * np.mean([kernel[i, j] for i in one for j in two])
    )
    assert mmd2(kernel, split)[0] == pytest.approx(plain)


def test_unbiased_mmd_is_nothing_on_average_where_both_samples_are_of_one_kind() -> None:
    rng = np.random.default_rng(2)
    split = np.repeat([[1.0, 0.0]], 10, axis=1)
    found = []
    for _ in range(400):
        points = rng.normal(size=(20, 2))
        found.append(mmd2(np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / 2), split)[0])
    assert abs(np.mean(found)) < 3 * np.std(found) / 20


bipartite = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


def density(graph: sparse.csr_matrix, accounts: tuple[int, ...], values: tuple[int, ...]) -> float:
    degree = np.asarray(graph.sum(axis=0)).ravel()
    weight = np.where(degree >= 2, 1 / np.log(degree + DEGREE_OFFSET), 0.0)
    dense = np.asarray(graph.todense()) * weight
    return float(dense[np.ix_(accounts, values)].sum() / max(1, len(accounts) + len(values)))


@given(bipartite)
def test_the_peeled_block_is_at_least_half_as_dense_as_the_densest(pairs: list[tuple[int, int]]) -> None:
    owner, value = (np.array(column) for column in zip(*pairs, strict=True))
    graph = incidence(owner, value, 4)
    block, found = densest(graph)
    sets = [s for size in range(5) for s in itertools.combinations(range(4), size)]
    values = [s for s in sets if not s or max(s) < graph.shape[1]]
    best = max(density(graph, a, v) for a in sets for v in values)
    assert found >= best / 2 - 1e-9
    members = tuple(np.flatnonzero(block[:4])), tuple(np.flatnonzero(block[4:]))
    assert found == pytest.approx(density(graph, *members) if block.any() else 0.0)


def test_peeling_leaves_the_block_that_a_sparse_chain_hangs_on() -> None:
    block = [(account, value) for account in range(4) for value in range(4)]
    chain = [(account, value) for account in range(3, 10) for value in (account + 1, account + 2)]
    owner, value = (np.array(column) for column in zip(*block, *chain, strict=True))
    found, weight = densest(incidence(owner, value, 10))
    assert np.flatnonzero(found).tolist() == [0, 1, 2, 3, 10, 11, 12, 13]
    assert weight == pytest.approx(16 / np.log(4 + DEGREE_OFFSET) / 8)


@given(st.integers(0, 2**32), st.integers(1, 25))
def test_distances_to_kept_queries_are_those_of_the_method_in_plain_words(seed: int, count: int) -> None:
    stream = np.random.default_rng(seed).normal(size=(count, 3))
    stream /= np.linalg.norm(stream, axis=1, keepdims=True)
    kept, distances, threshold, slow = [stream[0]], [0.0], 0.0, []
    for query in stream[1:]:
        nearest = min(float(np.linalg.norm(query - other)) for other in kept)
        slow.append(nearest)
        if nearest > threshold:
            kept.append(query)
            distances.append(nearest)
            threshold = max(threshold, float(np.mean(distances) - np.std(distances)))
    assert nearest_kept(stream).tolist() == pytest.approx(slow, abs=1e-6)


@given(st.lists(st.sets(st.sampled_from("abcdef")), min_size=2, max_size=6))
def test_shared_counts_what_two_accounts_both_used(used: list[set[str]]) -> None:
    rows = [(i, value) for i, values in enumerate(used) for value in sorted(values)]
    owner = np.array([i for i, _ in rows], np.int64)
    left, right, count = shared(incidence(owner, codes([value for _, value in rows]), len(used)))
    found = {(a, b): n for a, b, n in zip(left.tolist(), right.tolist(), count.tolist(), strict=True)}
    pairs = itertools.combinations(range(len(used)), 2)
    assert found == {(a, b): len(used[a] & used[b]) for a, b in pairs if used[a] & used[b]}
