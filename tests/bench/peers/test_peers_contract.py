"""What holds for every peer: one finite number an account, the same each time, whatever the order of the log."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

pytest.importorskip("pyod", reason="needs the extra bench")

from planted import all_honest, chatter, exchanges_of, log_of

from stillwatch.bench.peers.log import make_log
from stillwatch.bench.peers.protocol import BUDGET, Peer
from stillwatch.bench.peers.registry import BUILTIN
from stillwatch.bench.peers.tuning import tune

ROWS = chatter(np.random.default_rng(3), [f"p{i}" for i in range(12)], 30, ["garden", "kitchen", "harbour"])

every_peer = pytest.mark.parametrize("peer", BUILTIN, ids=lambda peer: peer.name)


@every_peer
def test_it_gives_every_account_one_finite_number_the_same_each_time(peer: Peer) -> None:
    ready = peer.learn([all_honest(log_of(ROWS))])
    first, again = ready.score(log_of(ROWS)), ready.score(log_of(ROWS))
    assert first.shape == (12,)
    assert first.dtype == np.float64
    assert np.isfinite(first).all()
    assert first.tobytes() == again.tobytes()


@every_peer
def test_the_order_of_the_file_does_not_matter(peer: Peer) -> None:
    table = exchanges_of(ROWS)
    shuffled = table.take(np.random.default_rng(1).permutation(table.num_rows))
    ready = peer.learn([all_honest(make_log(table))])
    assert ready.score(make_log(shuffled)).tolist() == ready.score(make_log(table)).tolist()


@every_peer
def test_an_empty_log_has_nobody_in_it(peer: Peer) -> None:
    assert peer.learn([all_honest(log_of(ROWS))]).score(log_of([])).shape == (0,)


@every_peer
def test_a_log_without_prompts_addresses_and_side_table_is_scored_too(peer: Peer) -> None:
    bare = exchanges_of(ROWS).select(["exchange_id", "started_at", "platform", "account_id", "request_model"])
    assert np.isfinite(peer.learn([all_honest(log_of(ROWS))]).score(make_log(bare))).all()


@every_peer
def test_it_has_the_same_budget_as_all_others_and_starts_from_its_published_settings(peer: Peer) -> None:
    candidates = peer.candidates()
    assert candidates[0] == peer
    assert len(candidates) == BUDGET
    assert len({msgspec.json.encode(candidate) for candidate in candidates}) == BUDGET


@every_peer
def test_it_says_where_it_comes_from_and_what_was_put_in_place_of_what(peer: Peer) -> None:
    assert any(character.isdigit() for character in peer.source)  # a year
    assert peer.replaces
    assert "|" not in peer.name + peer.source + peer.replaces  # they stand in a table


def test_peers_have_names_of_their_own_that_can_be_listed_with_commas() -> None:
    assert not [peer.name for peer in BUILTIN if "," in peer.name]
    assert len({peer.name for peer in BUILTIN}) == len(BUILTIN)


def test_tuning_tries_every_candidate_and_keeps_the_best() -> None:
    peer = next(peer for peer in BUILTIN if peer.name == "TF-IDF cosine")
    world = all_honest(log_of(ROWS), harvesting=["p0", "p1"])
    tuned = tune(peer, [world])
    assert len(tuned.trials) == BUDGET
    assert tuned.cut.rank == max(trial.cut.rank for trial in tuned.trials)
    assert tuned.any_precision.f1 == max(trial.any_precision.f1 for trial in tuned.trials) >= tuned.cut.f1
