"""Sentences that many different prompts share are a template; the fast miner says what the plain one says."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import slow_templates
from hypothesis import given, settings
from hypothesis import strategies as st

from built_scenes import exchange, facts_of
from stillwatch.tables import FINGERPRINTS
from stillwatch.tally.facts import Facts
from stillwatch.tally.templates import Templates, mine_templates

WRAPPER = "You are a careful and patient teacher of sums. {} Write down every step before the answer."
FIRST_KEY = (7 << 42) + 11  # sentences 2^40 apart share buckets, as hashes now and then do


def facts_with(rows: list[tuple[int, list[int]]]) -> Facts:
    columns = {field.name: pa.nulls(len(rows), field.type) for field in FINGERPRINTS}
    columns["text_key"] = pa.array([text + 1 for text, _ in rows], pa.uint64())
    keys = [[FIRST_KEY + (s << 40) for s in sentences] for _, sentences in rows]
    columns["sentence_keys"] = pa.array(keys, FINGERPRINTS.field("sentence_keys").type)
    return Facts(pa.table(columns, schema=FINGERPRINTS), np.zeros(len(rows), np.int64), 1)


def rows_by_template(found: Templates) -> set[frozenset[int]]:
    groups: dict[int, set[int]] = defaultdict(set)
    for row, template in zip(found.row.tolist(), found.template.tolist(), strict=True):
        groups[template].add(row)
    assert sorted(groups) == list(range(len(groups)))
    assert len(set(zip(found.row.tolist(), found.template.tolist(), strict=True))) == len(found.row)
    return {frozenset(own) for own in groups.values()}


SENTENCES = st.lists(st.integers(0, 9), max_size=6)
LOGS = st.lists(st.tuples(st.integers(0, 12), SENTENCES), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(LOGS)
def test_the_fast_miner_equals_the_plain_one(rows: list[tuple[int, list[int]]]) -> None:
    assert rows_by_template(mine_templates(facts_with(rows))) == slow_templates.mine(rows)


@settings(max_examples=60, deadline=None)
@given(LOGS, st.randoms(use_true_random=False))
def test_the_order_of_the_prompts_does_not_matter(rows: list[tuple[int, list[int]]], dice: object) -> None:
    order = list(range(len(rows)))
    dice.shuffle(order)
    one = rows_by_template(mine_templates(facts_with(rows)))
    other = rows_by_template(mine_templates(facts_with([rows[i] for i in order])))
    assert {frozenset(order[i] for i in own) for own in other} == one


def test_a_wrapper_with_a_varying_slot_is_one_template() -> None:
    rows = [exchange(i, f"a{i % 3}", i, prompt=WRAPPER.format(f"How much is {i} and {i * 7} put together?"))
            for i in range(8)]  # fmt: skip
    rows += [exchange(100 + i, "b", i, prompt=f"Tell me about the river number {i} in my town please.")
             for i in range(3)]  # fmt: skip
    facts = facts_of(rows)
    wrapped = facts.account < 3
    groups = rows_by_template(mine_templates(facts))
    assert frozenset(np.flatnonzero(wrapped).tolist()) in groups
    assert all(own <= set(np.flatnonzero(wrapped).tolist()) for own in groups)


def test_one_prompt_sent_often_is_no_template() -> None:
    """Repetition is resampling; a template needs different texts."""
    rows = [exchange(i, "a", i, prompt=WRAPPER.format("How much is one and one?")) for i in range(30)]
    assert not len(mine_templates(facts_of(rows)).row)


def test_a_log_without_text_has_no_templates() -> None:
    assert mine_templates(facts_of([exchange(i, "a", i) for i in range(30)])).count == 0
