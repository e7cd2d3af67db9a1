"""Facts merge by concatenation: any split and any order of the fingerprints gives the same facts, byte for byte."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from built_scenes import exchange, exchanges_of, facts_of, prints_of, roster_of
from stillwatch.tally.facts import Facts, build_facts

TEXTS = ("How do tides form?", "List the primes below 50.", None, "translate this: good morning")


def rows_with_ties(count: int = 60) -> list[dict[str, object]]:
    """Few accounts and few instants, so that most rows tie with another."""
    return [
        exchange(
            (i * 37) % count,
            f"a{i % 4}",
            float(i % 5),
            prompt=TEXTS[i % len(TEXTS)],
            client_address=f"203.0.113.{i % 7}",
            request_model=f"m{i % 3}",
            conversation_id=f"c{i % 11}" if i % 3 else None,
        )
        for i in range(count)
    ]


PRINTS = prints_of(exchanges_of(rows_with_ties()))


def plain(facts: Facts) -> pa.Table:
    """Without dictionary codes, which depend on who came first."""
    return pa.table(
        {f.name: facts.table.column(f.name).cast(pa.string()) if pa.types.is_dictionary(f.type)
         else facts.table.column(f.name) for f in facts.table.schema}
    )  # fmt: skip


def bytes_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()


REFERENCE = bytes_of(plain(build_facts(PRINTS, roster_of(PRINTS))))


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(PRINTS.num_rows)))
def test_any_order_of_the_input_gives_the_same_facts(order: list[int]) -> None:
    shuffled = PRINTS.take(pa.array(order))
    assert bytes_of(plain(build_facts(shuffled, roster_of(shuffled)))) == REFERENCE


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, PRINTS.num_rows), max_size=6))
def test_any_split_of_the_input_gives_the_same_facts(cuts: list[int]) -> None:
    """Each part is fingerprinted by itself, so each brings its own dictionaries."""
    exchanges = exchanges_of(rows_with_ties())
    edges = [0, *sorted(cuts), exchanges.num_rows]
    parts = [prints_of(exchanges.slice(a, b - a)) for a, b in itertools.pairwise(edges) if b > a]
    merged = pa.concat_tables(parts[::-1])
    assert bytes_of(plain(build_facts(merged, roster_of(merged)))) == REFERENCE


def test_rows_stand_by_account_then_time_then_exchange_id() -> None:
    facts = build_facts(PRINTS, roster_of(PRINTS))
    ids = facts.table.column("exchange_id").to_pylist()
    order = list(zip(facts.account.tolist(), facts.at_us.tolist(), ids, strict=True))
    assert order == sorted(order)
    assert len(set(zip(facts.account.tolist(), facts.at_us.tolist(), strict=True))) < len(order)  # there were ties


def test_counts_per_account_and_first_uses_of_a_model_are_those_of_the_rows() -> None:
    facts = build_facts(PRINTS, roster_of(PRINTS))
    assert facts.per_account.tolist() == [15, 15, 15, 15]
    model = np.array([facts.words("model")[i] for i in facts.word_codes("model")])
    for i, word in enumerate(facts.words("model")):
        assert facts.model_first_us[i] == facts.at_us[model == word].min()


def test_unknown_is_not_zero() -> None:
    facts = facts_of([exchange(0, "a", 0), exchange(1, "a", 1, max_tokens=0, prompt="Why is the sky blue?")])
    assert np.isnan(facts.number("max_tokens")).tolist() == [True, False]
    assert facts.key("text_key")[0] == 0
    assert facts.key("text_key")[1] > 0
    assert facts.has_prompt.tolist() == [False, True]
    assert not facts.has("temperature")
    assert facts.has("max_tokens")


def test_an_opening_is_the_first_turn_where_the_log_counts_messages() -> None:
    facts = facts_of([exchange(i, "a", i, message_count=count) for i, count in enumerate((1, 3, 2, 7))])
    assert facts.opening.tolist() == [True, False, True, False]
    assert facts.followed_up.tolist() == [False, True, False, True]


def test_an_opening_is_the_first_row_of_its_conversation_where_it_does_not() -> None:
    rows = [exchange(i, "a", i, conversation_id=key) for i, key in enumerate(("x", "x", "y", None, None))]
    facts = facts_of(rows)
    assert facts.opening.tolist() == [True, False, True, True, True]
    assert facts.followed_up.tolist() == [True, True, False, False, False]


def test_a_refused_request_is_known_by_its_status_and_an_unknown_status_is_no_refusal() -> None:
    facts = facts_of([exchange(i, "a", i, status_code=code) for i, code in enumerate((200, 429, 500, None))])
    assert facts.failed.tolist() == [False, True, True, False]


def test_gist_vectors_have_unit_length_or_are_nothing() -> None:
    facts = build_facts(PRINTS, roster_of(PRINTS))
    norm = np.linalg.norm(facts.gist, axis=1)
    np.testing.assert_allclose(norm[facts.has_prompt], 1.0, atol=1e-5)
    assert (norm[~facts.has_prompt] == 0).all()


def test_shares_of_a_day_add_up() -> None:
    facts = build_facts(PRINTS, roster_of(PRINTS))
    np.testing.assert_allclose(facts.daily_model_share.sum(axis=1), 1.0)
