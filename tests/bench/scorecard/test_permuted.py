"""What the permutation control keeps and what it destroys."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.bench.scorecard.ablations import GROUPS, ablation_tasks, hidden_sets, without
from stillwatch.bench.scorecard.permuted import (
    BLOCKS,
    FRAME,
    SIDE_FRAME,
    SIDES,
    Permuted,
    permutation_figures,
    permutation_tasks,
    permute,
)
from stillwatch.bench.scorecard.tasks import Task
from stillwatch.bench.scorecard.worlds import SALT, Prepared, prepared
from stillwatch.compose import SUITES, compose
from stillwatch.pipeline import fingerprints
from stillwatch.tables import ACCOUNTS, EXCHANGES, FINGERPRINTS
from stillwatch.text import load_model


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    task = Task(kind="permutation", name="small", suite=SUITES["small"], seed=510, exchanges=1_500)
    return prepared(task, None, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def shuffled(world: Prepared) -> Prepared:
    prints, side = permute(world.prints, world.side, np.random.default_rng(3))
    return Prepared(folder=world.folder, prints=prints, side=side)


def test_every_column_is_dealt_out_or_stays_and_none_is_both() -> None:
    assert sorted([*FRAME, *(name for own in BLOCKS.values() for name in own)]) == sorted(FINGERPRINTS.names)
    assert sorted([*SIDE_FRAME, *(name for own in SIDES.values() for name in own)]) == sorted(ACCOUNTS.names)


def test_every_account_keeps_its_number_of_exchanges_and_when_they_were(world: Prepared, shuffled: Prepared) -> None:
    def calls(prints: pa.Table) -> Counter:
        return Counter(zip(prints["account_id"].to_pylist(), prints["at"].to_pylist(), strict=True))

    assert calls(world.prints) == calls(shuffled.prints)


@pytest.mark.parametrize("family", BLOCKS)
def test_the_values_of_a_family_stay_together_and_keep_their_numbers(
    world: Prepared, shuffled: Prepared, family: str
) -> None:
    columns = [name for name in BLOCKS[family] if name not in ("sentence_keys", "near_keys", "gist")]
    before, after = (
        Counter(tuple(row.values()) for row in prints.select(columns).to_pylist())
        for prints in (world.prints, shuffled.prints)
    )
    assert before == after


def owners(prints: pa.Table, column: str) -> set[tuple[str, int]]:
    return set(zip(prints["account_id"].to_pylist(), prints[column].to_pylist(), strict=True))


@pytest.mark.parametrize("column", ["address_key", "credential_key", "text_key", "params_key"])
def test_hardly_an_account_keeps_its_own_values(world: Prepared, shuffled: Prepared, column: str) -> None:
    before, after = owners(world.prints, column), owners(shuffled.prints, column)
    assert len(before & after) < 0.2 * len(before)


def test_two_families_of_one_account_part_company(world: Prepared, shuffled: Prepared) -> None:
    def pairs(prints: pa.Table) -> set[tuple[int, int]]:
        return set(zip(prints["credential_key"].to_pylist(), prints["address_key"].to_pylist(), strict=True))

    before, after = pairs(world.prints), pairs(shuffled.prints)
    assert len(before & after) < 0.2 * len(before)


def test_the_same_number_permutes_alike_and_another_differently(world: Prepared, shuffled: Prepared) -> None:
    again = permute(world.prints, world.side, np.random.default_rng(3))[0]
    other = permute(world.prints, world.side, np.random.default_rng(4))[0]
    assert again.equals(shuffled.prints)
    assert not other["address_key"].equals(shuffled.prints["address_key"])


def test_tasks_make_up_the_number_of_permutations() -> None:
    tasks = permutation_tasks(SUITES["small"], 510, 12, None)
    assert [(task.first, task.count) for task in tasks] == [(0, 5), (5, 5), (10, 2)]


def test_what_is_named_on_permuted_worlds_is_counted_and_what_is_named_on_the_real_one_is_not() -> None:
    real = Permuted(number=-1, verdicts=("extraction", "resale"), alone=0, accused=9)
    clean = [Permuted(number=i, verdicts=(), alone=0, accused=0) for i in range(3)]
    wrong = Permuted(number=3, verdicts=("extraction",), alone=1, accused=1)
    found = permutation_figures([(real, *clean), (wrong,)])
    assert found is not None
    assert (found.permutations, found.with_campaign, found.campaigns, found.unpermuted) == (4, 1, 1, 2)
    assert found.by_verdict == {"extraction": 1}
    assert found.with_campaign_at_most == pytest.approx(0.7514, abs=1e-3)
    assert permutation_figures([]) is None


COLUMNS = {
    "network": ("client_address", "client_asn", "client_country", "client_network", "ja4", "header_signature",
                "user_agent"),
    "content": ("prompt", "system_prompt", "tool_names", "image_count", "response", "reasoning"),
    "session": ("key_id", "end_user_id", "conversation_id"),
    "params": ("max_tokens", "temperature", "top_p", "stream", "reasoning_effort"),
}  # fmt: skip


@pytest.mark.parametrize("group", COLUMNS)
def test_hiding_a_group_is_a_log_that_never_had_its_columns(group: str) -> None:
    exchanges = compose("small", 511, exchanges=400).exchanges.cast(EXCHANGES)
    blind = exchanges
    for name in COLUMNS[group]:
        place = blind.schema.get_field_index(name)
        blind = blind.set_column(place, blind.schema.field(name), pa.nulls(len(blind), blind.schema.field(name).type))
    seen, unseen = (fingerprints(table.to_batches(), load_model(), SALT) for table in (exchanges, blind))
    hidden = without(seen, GROUPS[group].columns)
    for name in FINGERPRINTS.names:
        assert hidden[name].to_pylist() == unseen[name].to_pylist(), name


def test_each_group_is_hidden_alone_and_in_pairs_that_mean_something() -> None:
    assert len(list(hidden_sets(pairs=False))) == 1 + len(GROUPS)
    pairs = [hidden for hidden in hidden_sets(pairs=True) if len(hidden) == 2]
    assert len(pairs) == len(GROUPS) * (len(GROUPS) - 1) // 2 - 1
    assert len({task.name for task in ablation_tasks(SUITES["small"], 1, None)}) == 1 + len(GROUPS) + len(pairs)


def test_a_world_is_prepared_once(world: Prepared) -> None:
    store = Path(world.folder).parent
    task = Task(kind="ablation", name="other", suite=SUITES["small"], seed=510, exchanges=1_500)
    stamp = (world.folder / "prints.arrow").stat().st_mtime_ns
    assert prepared(task, None, store).prints.equals(world.prints)
    assert (world.folder / "prints.arrow").stat().st_mtime_ns == stamp
