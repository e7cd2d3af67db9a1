"""Kinds of traffic depend on the prompts, never on the order they came in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from built_scenes import exchange, facts_of, roster_of
from stillwatch.tally.facts import build_facts
from stillwatch.tally.kinds import KIND_COUNT, kinds


def labels(prints: pa.Table) -> dict[str, int]:
    facts = build_facts(prints, roster_of(prints))
    return dict(zip(facts.table.column("exchange_id").to_pylist(), kinds(facts).tolist(), strict=True))


def test_the_order_of_the_input_does_not_change_kinds(tiny_prints: pa.Table) -> None:
    order = np.random.default_rng(5).permutation(tiny_prints.num_rows)
    assert labels(tiny_prints) == labels(tiny_prints.take(pa.array(order)))


def test_the_same_text_and_layout_is_always_the_same_kind(tiny_prints: pa.Table) -> None:
    facts = build_facts(tiny_prints, roster_of(tiny_prints))
    kind = kinds(facts)
    known = kind >= 0
    assert (known == facts.has_prompt).all()
    columns = ("prompt_chars", "prompt_lines", "starts_lower", "has_code", "digit_share")
    looks = [tuple(float(facts.number(name)[row]) for name in columns) for row in np.flatnonzero(known)]
    of: dict[object, set[int]] = {}
    for text, look, own in zip(facts.key("text_key")[known].tolist(), looks, kind[known].tolist(), strict=True):
        of.setdefault((text, look), set()).add(own)
    assert {len(own) for own in of.values()} == {1}
    assert len(of) < known.sum()  # some were sent twice
    assert len(np.unique(kind[known])) > KIND_COUNT // 4


def test_too_few_prompts_have_no_kinds() -> None:
    rows = [exchange(i, "a", i, prompt=f"Question {i} about the weather today?") for i in range(KIND_COUNT - 1)]
    assert (kinds(facts_of(rows)) == -1).all()


def test_two_ways_of_asking_fall_into_different_kinds() -> None:
    towns = ("Oslo", "Lima", "Quito", "Dakar", "Hanoi", "Perth", "Turin", "Kyoto")
    sums = [f"Compute the integral of x^{i} from 0 to {i + 2} and show all the algebra." for i in range(120)]
    trips = [f"what should i pack for {i} days in {towns[i % 8]} with my two kids" for i in range(120)]
    facts = facts_of([exchange(i, "a", i, prompt=text) for i, text in enumerate(sums + trips)])
    kind = kinds(facts)
    assert not set(kind[:120].tolist()) & set(kind[120:].tolist())
