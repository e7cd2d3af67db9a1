"""Each peer finds what it was made for in a small planted log, and stays quiet on the innocent twin."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyod", reason="needs the extra bench")

from planted import all_honest, by_account, chatter, log_of, request, sentence

from stillwatch.bench.peers.cosine import Cosine
from stillwatch.bench.peers.evilcohort import EvilCohort
from stillwatch.bench.peers.fraudar import Fraudar
from stillwatch.bench.peers.honeypot import Honeypot
from stillwatch.bench.peers.isolation import Isolation
from stillwatch.bench.peers.minhash import MinHashes
from stillwatch.bench.peers.mmd import Mmd, MmdPermuted
from stillwatch.bench.peers.prada import Prada
from stillwatch.bench.peers.protocol import Peer

TOPICS = ("garden", "kitchen")


def limit(peer: Peer) -> float:
    assert peer.published is not None
    return peer.published


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_honeypot_flags_a_key_that_enumerates_at_speed_and_not_one_that_asks_the_same_in_a_day() -> None:
    prompts = [f"what is the capital city of country number {i}" for i in range(60)]
    hasty = [request("hasty", 0.1 * i, text) for i, text in enumerate(prompts)]
    patient = [request("patient", 1_200.0 * i, " ".join(reversed(f"{i} {i * 7} apples".split()))) for i in range(60)]
    found = by_account(log := log_of(hasty + patient), Honeypot().score(log))
    assert found["hasty"] >= limit(Honeypot()) > found["patient"]


def test_honeypot_does_not_see_the_same_enumeration_shared_among_many_keys() -> None:
    prompts = [f"what is the capital city of country number {i}" for i in range(60)]
    rows = [request(f"hydra-{i % 30}", 0.1 * i, text) for i, text in enumerate(prompts)]
    assert Honeypot().score(log_of(rows)).max() < limit(Honeypot())


def test_isolation_finds_the_odd_account_and_scores_its_ordinary_twin_low(rng: np.random.Generator) -> None:
    people = chatter(rng, [f"p{i}" for i in range(60)], 20, TOPICS)
    odd = [request("odd", 50_000 + i, "x", output_tokens=90_000, client_address=f"203.0.113.{i}") for i in range(200)]
    found = by_account(log := log_of(people + odd), Isolation().score(log))
    assert max(found, key=lambda name: found[name]) == "odd"
    twin = by_account(log := log_of(people + chatter(rng, ["odd"], 20, TOPICS)), Isolation().score(log))
    assert twin["odd"] < limit(Isolation()) < found["odd"]


def test_prada_alarms_on_jittered_seeds_and_not_on_a_person_of_as_many_queries(rng: np.random.Generator) -> None:
    seeds = [sentence(rng, "harbour", 20) for _ in range(40)]
    jittered = [request("jitter", 60.0 * i, f"{seeds[i % 40]} {'again ' * (i // 40)}") for i in range(160)]
    person = [request("person", 60.0 * i, sentence(rng, "garden", int(rng.integers(15, 25)))) for i in range(160)]
    found = by_account(log := log_of(jittered + person), Prada().score(log))
    assert found["jitter"] >= limit(Prada()) > found["person"]


def test_prada_says_nothing_of_accounts_with_few_queries(rng: np.random.Generator) -> None:
    seeds = [sentence(rng, "harbour", 20) for _ in range(10)]
    rows = [request(f"a{i % 4}", 60.0 * i, f"{seeds[i % 10]} {'again ' * (i // 10)}") for i in range(160)]
    assert Prada().score(log_of(rows)).tolist() == [0.0] * 4


@pytest.mark.parametrize("peer", [Mmd(), MmdPermuted()], ids=lambda peer: peer.name)
def test_mmd_finds_an_account_off_the_history_and_not_one_that_asks_like_everyone(
    peer: Mmd, rng: np.random.Generator
) -> None:
    history = all_honest(log_of(chatter(rng, [f"p{i}" for i in range(20)], 40, TOPICS)))
    rows = chatter(rng, ["usual"], 40, TOPICS) + chatter(rng, ["foreign"], 40, ["harbour"])
    log = log_of([*rows, request("new", 0.0, "anchor rope")])
    found = by_account(log, peer.learn([history]).score(log))
    assert found["foreign"] >= 1 > found["usual"]
    assert found["new"] == 0  # too few prompts to tell


def test_fraudar_finds_a_ring_behind_its_camouflage_and_nothing_where_nothing_is_shared(
    rng: np.random.Generator,
) -> None:
    people = [f"p{i}" for i in range(60)]
    crowd = chatter(rng, people, 4, TOPICS)
    ring = [
        request(f"ring{i}", 100.0 * i + k, sentence(rng, "harbour"), client_address=f"203.0.113.{k}")
        for i in range(12)
        for k in range(8)
    ]
    disguise = [
        request(f"ring{i}", 9_000.0 + i, sentence(rng, "garden"), client_address="198.51.0.1") for i in range(12)
    ]
    cards = {**{name: f"card-{name}" for name in people}, **{f"ring{i}": f"card-{i % 2}" for i in range(12)}}
    found = by_account(log := log_of(crowd + ring + disguise, cards), Fraudar().score(log))
    assert {name for name, score in found.items() if score >= limit(Fraudar())} == {f"ring{i}" for i in range(12)}
    assert Fraudar().score(log_of(crowd, {name: f"card-{name}" for name in people})).max() == 0


def test_evilcohort_finds_a_pool_of_addresses_and_lets_an_office_with_one_address_go() -> None:
    pool = [
        request(f"bot{i}", 60.0 * i + k, "hi", client_address=f"203.0.113.{k}") for i in range(8) for k in range(12)
    ]
    office = [request(f"desk{i}", 60.0 * i, "hi", client_address="198.51.100.1") for i in range(8)]
    found = by_account(log := log_of(pool + office), EvilCohort().score(log))
    assert {name for name, size in found.items() if size >= limit(EvilCohort())} == {f"bot{i}" for i in range(8)}
    assert found["bot0"] == 8


def test_cosine_joins_accounts_of_one_script_and_not_people_with_words_of_their_own(rng: np.random.Generator) -> None:
    own = [[f"{prefix}{i}word{k}" for k in range(30)] for prefix, i in (("p", n) for n in range(40))]
    people = [
        request(f"p{i}", 60.0 * k, " ".join([*rng.choice(words, 8), *rng.choice(own[(i + 1) % 40], 2)]))
        for i, words in enumerate(own)
        for k in range(12)
    ]
    script = [request(f"s{i}", 60.0 * k, sentence(rng, "harbour", 14)) for i in range(3) for k in range(12)]
    found = by_account(log := log_of(people + script), Cosine().score(log))
    linked = {name for name, level in found.items() if level >= limit(Cosine())}
    assert linked <= {"s0", "s1", "s2"}
    assert max(found, key=lambda name: found[name]) in linked
    tuned = Cosine(smallest=3).score(log)
    assert {name for name, level in by_account(log, tuned).items() if level >= 0.95} == {"s0", "s1", "s2"}


def test_minhash_joins_accounts_with_near_duplicates_and_not_those_with_different_questions(
    rng: np.random.Generator,
) -> None:
    stems = [sentence(rng, "kitchen", 60) for _ in range(5)]
    copies = [request(f"c{i}", 60.0 * k, f"{stem} {i}") for i in range(4) for k, stem in enumerate(stems)]
    people = [request(f"p{i}", 60.0 * k, sentence(rng, "garden", 60)) for i in range(10) for k in range(5)]
    found = by_account(log := log_of(copies + people), MinHashes().score(log))
    assert {name for name, count in found.items() if count >= limit(MinHashes())} == {f"c{i}" for i in range(4)}
    assert found["c0"] == 5
