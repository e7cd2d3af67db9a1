"""A composed world: exact tables, consistent truth, the same for the same seed, and no hints."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.compose import SUITES, World, compose, write_world
from stillwatch.compose.honest.registry import BUILTIN as LOOK_ALIKES
from stillwatch.compose.knobs import NETWORK
from stillwatch.errors import ConfigError, InputError
from stillwatch.tables import ACCOUNTS, EXCHANGES

LITTLE = 3_000


def _kinds(world: World) -> dict[str, str]:
    truth = world.truth_accounts
    return dict(zip(truth["account_id"].to_pylist(), truth["kind"].to_pylist(), strict=True))


def test_tables_have_exactly_the_contract_s_columns_and_types(demo: World) -> None:
    assert demo.exchanges.schema.equals(EXCHANGES)
    assert demo.accounts is not None
    assert demo.accounts.schema.equals(ACCOUNTS)
    for name in ("exchange_id", "started_at", "platform", "account_id", "request_model"):
        assert demo.exchanges[name].null_count == 0


def test_exchanges_are_sorted_and_their_ids_are_unique(demo: World) -> None:
    at = demo.exchanges["started_at"].cast(pa.int64()).to_numpy()
    assert (np.diff(at) >= 0).all()
    ids = demo.exchanges["exchange_id"].to_pylist()
    assert len(set(ids)) == len(ids)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_world(compose("demo", 4, exchanges=LITTLE), tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 6
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_another_seed_gives_another_world() -> None:
    one, two = compose("demo", 1, exchanges=LITTLE), compose("demo", 2, exchanges=LITTLE)
    assert one.about["start"] != two.about["start"] or one.about["releases"] != two.about["releases"]
    assert not set(one.exchanges["account_id"].to_pylist()) & set(two.exchanges["account_id"].to_pylist())
    axes = [[campaign["axes"] for campaign in world.campaigns] for world in (one, two)]
    assert axes[0] != axes[1]


def test_truth_speaks_of_every_account_and_exchange_once(small: World) -> None:
    assert small.truth_exchanges["exchange_id"].to_pylist() == small.exchanges["exchange_id"].to_pylist()
    pairs = list(zip(small.exchanges["platform"].to_pylist(), small.exchanges["account_id"].to_pylist(), strict=True))
    truth = list(
        zip(small.truth_accounts["platform"].to_pylist(), small.truth_accounts["account_id"].to_pylist(), strict=True)
    )
    assert sorted(set(pairs)) == sorted(truth)
    assert small.accounts is not None
    assert sorted(small.accounts["account_id"].to_pylist()) == sorted(account for _, account in truth)


def test_campaigns_name_their_own_accounts_and_count_their_own_harvest(small: World) -> None:
    owner = dict(
        zip(small.truth_accounts["account_id"].to_pylist(), small.truth_accounts["campaign"].to_pylist(), strict=True)
    )
    calls = Counter(owner[account] for account in small.exchanges["account_id"].to_pylist())
    harvest = small.truth_exchanges.filter(small.truth_exchanges["harvest"])
    harvested = Counter(harvest["campaign"].to_pylist())
    assert None not in harvested
    for campaign in small.campaigns:
        named = [account for _, account in campaign["accounts"]]  # type: ignore[attr-defined]
        assert named
        assert {owner[account] for account in named} == {campaign["name"]}
        assert calls[campaign["name"]] == campaign["exchanges"]
        assert harvested[campaign["name"]] == campaign["harvest_exchanges"]
        if campaign["verdict"] == "extraction":
            assert campaign["top_capability"] is not None
    assert {campaign["name"] for campaign in small.campaigns} == set(owner.values()) - {None}


def test_a_stated_pivot_is_there_within_a_day_of_the_release() -> None:
    suite = msgspec.structs.replace(SUITES["small"], tactics=("bulk_agentic",), campaigns=(2, 2))
    worlds = [compose(suite, seed, exchanges=12_000) for seed in (5, 6)]
    found = [(world, item) for world in worlds for item in world.campaigns if item["pivots"]]
    assert any(item["tactic"] == "bulk_agentic" for _, item in found)
    world, campaign = found[0]
    pivots = campaign["pivots"]
    members = pa.array([account for _, account in campaign["accounts"]])  # type: ignore[attr-defined]
    for pivot in pivots:  # type: ignore[attr-defined]
        ours = world.exchanges.filter(pc.is_in(world.exchanges["account_id"], members))
        first = pc.min(ours.filter(pc.equal(ours["request_model"], pivot["to_model"]))["started_at"]).as_py()
        assert first.isoformat() == pivot["at"]
        released = world.about["releases"][pivot["to_model"]]  # type: ignore[index]
        assert first.isoformat() >= released
        assert 0.33 <= pivot["share"] <= 1.0


def test_a_succession_closes_one_account_and_goes_on_with_a_later_one() -> None:
    suite = msgspec.structs.replace(SUITES["small"], tactics=("bulk_agentic",), campaigns=(1, 1))
    campaign = next(item for item in compose(suite, 5, exchanges=12_000).campaigns if item["tactic"] == "bulk_agentic")
    successions = campaign["successions"]
    assert successions
    for row in successions:  # type: ignore[attr-defined]
        assert row["closed"] != row["successor"]
        assert row["closed_at"] < row["resumed_at"]


def test_no_call_succeeds_before_its_account_existed_or_after_it_was_closed(small: World) -> None:
    assert small.accounts is not None
    born = dict(zip(small.accounts["account_id"].to_pylist(), small.accounts["created_at"].to_pylist(), strict=True))
    closed = dict(zip(small.accounts["account_id"].to_pylist(), small.accounts["closed_at"].to_pylist(), strict=True))
    late = 0
    rows = (small.exchanges[name].to_pylist() for name in ("account_id", "started_at", "status_code"))
    for account, at, status in zip(*rows, strict=True):
        assert at >= born[account]
        if closed[account] is not None and at > closed[account]:
            assert status in (401, 403)
            late += 1
    assert late > 0


def test_an_honest_world_holds_no_campaign() -> None:
    world = compose("honest", 2, exchanges=6_000)
    assert world.campaigns == []
    assert set(_kinds(world).values()) == {"honest"}
    assert not any(world.truth_exchanges["harvest"].to_pylist())


def test_every_look_alike_class_appears_in_a_full_world() -> None:
    world = compose("full", 1, exchanges=9_000)
    assert len(LOOK_ALIKES) >= 17
    assert {item.name for item in LOOK_ALIKES} <= set(world.truth_accounts["look_alike_class"].to_pylist())


def test_ids_are_hashes_that_do_not_order_by_side(small: World) -> None:
    kinds = _kinds(small)
    ids = sorted(kinds)
    assert all(len(account) == 20 and int(account, 16) >= 0 for account in ids)
    place = np.array([kinds[account] == "campaign" for account in ids])
    halves = place[: len(ids) // 2].mean(), place[len(ids) // 2 :].mean()
    assert abs(halves[0] - halves[1]) < 0.08
    for column in ("key_id", "conversation_id", "exchange_id"):
        lengths = {len(value) for value in small.exchanges[column].to_pylist() if value is not None}
        assert len(lengths) == 1


def test_truth_words_never_stand_in_the_tables(small: World) -> None:
    words = {str(campaign["name"]) for campaign in small.campaigns} | {
        item.name for item in LOOK_ALIKES if "_" in item.name
    }
    for name in (
        "account_id",
        "key_id",
        "org_id",
        "end_user_id",
        "user_agent",
        "system_prompt",
        "prompt",
        "tool_names",
        "response",
    ):
        text = " ".join(
            str(value)
            for value in pc.unique(
                small.exchanges[name].cast(pa.string()) if name != "tool_names" else pa.array([])
            ).to_pylist()
        )
        assert not [word for word in words if word in text], name


def test_answers_do_not_depend_on_the_side(small: World) -> None:
    kinds = _kinds(small)
    sides = np.array([kinds[account] == "campaign" for account in small.exchanges["account_id"].to_pylist()])
    responses = small.exchanges["response"].to_pylist()
    openings = [
        {(text or "")[:12] for text, side in zip(responses, sides, strict=True) if side == wanted}
        for wanted in (True, False)
    ]
    shared = len(openings[0] & openings[1]) / len(openings[0])
    assert shared > 0.7


def test_network_columns_can_be_withheld_together() -> None:
    world = compose("no_network", 1, exchanges=LITTLE)
    assert all(world.exchanges[name].null_count == world.exchanges.num_rows for name in NETWORK)
    assert world.exchanges.schema.equals(EXCHANGES)


def test_features_only_accounts_keep_their_counts_and_lose_their_text() -> None:
    world = compose("features_only", 1, exchanges=LITTLE)
    silent: dict[str, bool] = {}
    rows = (world.exchanges[name].to_pylist() for name in ("account_id", "prompt", "response", "input_tokens"))
    for account, prompt, response, tokens in zip(*rows, strict=True):
        assert tokens is not None
        if prompt is None:
            assert response is None
        assert silent.setdefault(account, prompt is None) == (prompt is None)
    assert 0.35 < np.mean(list(silent.values())) < 0.45
    kinds = _kinds(world)
    campaign = [silent[account] for account in silent if kinds[account] == "campaign"]
    assert 0.2 < np.mean(campaign) < 0.6


def test_the_side_tables_can_be_withheld() -> None:
    assert compose("no_accounts", 1, exchanges=LITTLE).accounts is None
    world = compose("no_signup", 1, exchanges=LITTLE)
    assert world.accounts is not None
    assert world.accounts["created_at"].null_count == world.accounts.num_rows
    assert world.accounts["signup_address"].null_count == world.accounts.num_rows
    assert world.accounts["email_domain"].null_count < world.accounts.num_rows


def test_more_blend_means_less_harvest_on_the_same_accounts() -> None:
    shares = []
    for blend in (0.0, 0.8):
        suite = msgspec.structs.replace(
            SUITES["small"], tactics=("coding_sweep",), campaigns=(2, 2), blend=blend, resale_pools=0, coordinated=0
        )
        campaigns = compose(suite, 3, exchanges=8_000).campaigns
        shares.append(
            sum(int(str(item["harvest_exchanges"])) for item in campaigns)
            / sum(int(str(item["exchanges"])) for item in campaigns)
        )
    assert shares[0] > 0.97
    assert 0.12 < shares[1] < 0.3


def test_held_out_tactics_stay_out_and_unfamiliar_uses_them_alone() -> None:
    familiar = {str(item["tactic"]) for seed in (1, 2) for item in compose("small", seed, exchanges=LITTLE).campaigns}
    news = {str(item["tactic"]) for item in compose("unfamiliar", 1, exchanges=6_000).campaigns} - {
        "resale",
        "credit_farming",
    }
    assert news == {"self_instruct", "self_play", "preference_pairs"}
    assert not familiar & news


@pytest.mark.parametrize("name", sorted(SUITES))
def test_every_suite_composes(name: str) -> None:
    world = compose(name, 9, exchanges=1_500)
    assert world.exchanges.num_rows > 1_000
    assert json.loads(json.dumps(world.about))["suite"] == name


def test_unknown_names_are_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no suite named 'ful'.*full"):
        compose("ful", 1)
    with pytest.raises(ConfigError, match="no tactic named 'magic'"):
        compose(msgspec.structs.replace(SUITES["demo"], tactics=("magic",)), 1, exchanges=500)
    with pytest.raises(InputError, match="no such directory"):
        compose("demo", 1, tmp_path / "absent", exchanges=500)
    with pytest.raises(InputError, match="no prompt files"):
        compose("demo", 1, tmp_path, exchanges=500)


def test_writing_replaces_an_earlier_world_and_leaves_nothing_half_done(tmp_path: Path, demo: World) -> None:
    write_world(demo, tmp_path / "world")
    broken = dataclasses.replace(demo, about={"seed": object()})
    with pytest.raises(TypeError):
        write_world(broken, tmp_path / "world")
    assert pq.read_table(tmp_path / "world" / "exchanges.parquet").num_rows == demo.exchanges.num_rows
    write_world(demo, tmp_path / "world")
    assert [path.name for path in tmp_path.iterdir()] == ["world"]
