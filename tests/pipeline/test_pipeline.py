"""The whole way: the same log in any order and any split gives the same bytes, and chance gives nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from built_scenes import START, accounts_of, exchange, exchanges_of, prints_of
from stillwatch import pipeline
from stillwatch.api import scan
from stillwatch.campaigns.weights import load_weights
from stillwatch.compose import World, compose
from stillwatch.config import Config, Detection
from stillwatch.detectors import BUILTIN
from stillwatch.model import Campaign, InputSummary, ScanResult
from stillwatch.report.serialise import campaigns_json
from stillwatch.tables import ACCOUNT_SCORES

PERMUTATIONS = 20
ANYTHING = Detection(min_operator=0.5, min_confidence=0.5, min_alone=0.5, min_coordinated=0.5)
NAMES = ("platform", "account_id")


def summary(exchanges: int) -> InputSummary:
    return InputSummary(
        exchanges=exchanges, accounts=0, quarantined=0, first=START, last=START + timedelta(days=14), missing_columns=()
    )


def scanned(
    prints: pa.Table, accounts: pa.Table | None, detection: Detection | None = None
) -> tuple[ScanResult, pa.Table]:
    return pipeline.scan(prints, accounts, summary(prints.num_rows), load_weights(), detection or Detection())


def test_any_order_and_split_gives_the_same_bytes(tiny_world: World) -> None:
    table = tiny_world.exchanges
    order = np.random.default_rng(3).permutation(table.num_rows)
    one, scores = scanned(prints_of(table), tiny_world.accounts, ANYTHING)
    other, again = scanned(prints_of(table.take(pa.array(order)), batch=333), tiny_world.accounts, ANYTHING)
    # a world this small names nobody; the demo's world below does
    assert campaigns_json(one) == campaigns_json(other)
    assert scores.equals(again)


@pytest.mark.slow
def test_a_shuffled_parquet_of_the_demo_gives_the_same_files(tmp_path: Path) -> None:
    world = compose("demo", 8)
    order = np.random.default_rng(11).permutation(world.exchanges.num_rows)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    pq.write_table(world.exchanges, tmp_path / "a" / "exchanges.parquet")
    pq.write_table(world.exchanges.take(pa.array(order)), tmp_path / "b" / "exchanges.parquet", row_group_size=1_111)
    pq.write_table(world.accounts, tmp_path / "accounts.parquet")
    for name in ("a", "b"):
        config = Config(detection=ANYTHING)
        report = scan(tmp_path / name / "exchanges.parquet", accounts=tmp_path / "accounts.parquet", config=config)
        report.save(tmp_path / name / "out")
    for name in ("campaigns.json", "evidence.jsonl", "accounts.parquet"):
        assert (tmp_path / "a/out" / name).read_bytes() == (tmp_path / "b/out" / name).read_bytes(), name
    assert msgspec.json.decode((tmp_path / "a/out/campaigns.json").read_bytes())["campaigns"]


@pytest.mark.slow
def test_what_is_written_holds_together() -> None:
    tiny_world = compose("demo", 8)
    found, scores = scanned(prints_of(tiny_world.exchanges), tiny_world.accounts)
    assert scores.schema.equals(ACCOUNT_SCORES)
    assert scores.num_rows == len(set(tiny_world.exchanges["account_id"].to_pylist()))
    assert sum(scores["exchanges"].to_pylist()) == tiny_world.exchanges.num_rows
    assert found.campaigns
    told = msgspec.json.decode(campaigns_json(found))
    assert {c["campaign_id"] for c in told["campaigns"]} == {c.campaign_id for c in found.campaigns}
    accused = [(m.platform, m.account_id) for c in found.campaigns for m in c.roster if m.accused]
    assert len(accused) == len(set(accused))
    ids = set(tiny_world.exchanges["exchange_id"].to_pylist())
    for campaign in found.campaigns:
        assert {i for e in campaign.evidence for i in e.exchange_ids} <= ids
        assert campaign.extraction_exchanges <= campaign.exchanges
        assert sum(campaign.models.values()) == sum(campaign.platforms.values()) == campaign.exchanges
        assert sum(point.exchanges for point in campaign.timeline) == campaign.exchanges
        assert sum(campaign.capabilities.values()) == pytest.approx(1, abs=0.01)
        assert campaign.first_seen <= campaign.last_seen
        assert all(0 <= link.left < len(campaign.roster) for link in campaign.links)


def test_scores_name_the_campaign_of_every_accused_account_and_no_other(
    tiny_world: World, tiny_prints: pa.Table
) -> None:
    found, scores = scanned(tiny_prints, tiny_world.accounts, ANYTHING)
    named = {(r["platform"], r["account_id"]): r["campaign_id"] for r in scores.to_pylist() if r["campaign_id"]}
    accused = {(m.platform, m.account_id): c.campaign_id for c in found.campaigns for m in c.roster if m.accused}
    assert named == accused


def test_a_log_of_the_five_required_columns_is_scanned_and_says_what_it_lacks() -> None:
    rows = [exchange(i, f"a{i % 40}", i / 9, request_model=f"m{i % 2}") for i in range(2_000)]
    found, scores = scanned(prints_of(exchanges_of(rows)), None)
    assert found.campaigns == ()
    assert scores.num_rows == 40
    silent = {item.detector for item in found.not_applicable}
    assert {"shared_payment", "shared_network", "swept_template", "failover"} <= silent
    assert all(item.because for item in found.not_applicable)


def test_one_exchange_of_one_account_is_no_campaign() -> None:
    found, scores = scanned(prints_of(exchanges_of([exchange(0, "a", 0)])), accounts_of([{"account_id": "a"}]))
    assert found.campaigns == ()
    assert scores.num_rows == 1


def test_a_log_without_accounts_table_is_scanned(tiny_prints: pa.Table) -> None:
    found, _ = scanned(tiny_prints, None)
    assert "shared_payment" in {item.detector for item in found.not_applicable}


def test_what_the_configuration_switches_off_is_not_used(tiny_world: World, tiny_prints: pa.Table) -> None:
    off = Detection(disabled_families=("lexical",), disabled_detectors=("flat_hours",))
    kept = pipeline.in_use(BUILTIN, off)
    assert {d.name for d in BUILTIN if d.family == "lexical"} | {"flat_hours"} == {d.name for d in BUILTIN} - {
        d.name for d in kept
    }
    found, _ = scanned(tiny_prints, tiny_world.accounts, off)
    told = {e.family for c in found.campaigns for e in c.evidence} | {
        e.name for c in found.campaigns for e in c.evidence
    }
    told |= {e.name for looked in found.lookalikes for e in looked.evidence}
    assert "lexical" not in told
    assert "flat_hours" not in told


def shuffled_attributes(world: World, seed: int) -> tuple[pa.Table, pa.Table]:
    """Every attribute of an exchange or an account is dealt out anew by itself: honest and guilty share by chance.

    Times, volumes and the accounts' names stay. Values of one column stay together, so their rarity stays too.
    """
    rng = np.random.default_rng(seed)
    exchanges, accounts = world.exchanges, world.accounts
    assert accounts is not None
    for name in exchanges.column_names:
        if name not in ("exchange_id", "started_at", "request_model", *NAMES):
            order = pa.array(rng.permutation(exchanges.num_rows))
            at = exchanges.schema.get_field_index(name)
            exchanges = exchanges.set_column(at, exchanges.schema.field(name), exchanges[name].take(order))
    for name in accounts.column_names:
        if name not in NAMES:
            order = pa.array(rng.permutation(accounts.num_rows))
            at = accounts.schema.get_field_index(name)
            accounts = accounts.set_column(at, accounts.schema.field(name), accounts[name].take(order))
    return exchanges, accounts


@pytest.fixture(scope="module")
def by_chance(tiny_world: World) -> list[Campaign]:
    """Everything named over all permutations."""
    found: list[Campaign] = []
    for seed in range(PERMUTATIONS):
        exchanges, accounts = shuffled_attributes(tiny_world, seed)
        found += scanned(prints_of(exchanges), accounts)[0].campaigns
    return found


@pytest.mark.slow
def test_attributes_dealt_out_by_chance_tie_no_parties_together(by_chance: list[Campaign]) -> None:
    groups = [c for c in by_chance if c.operator_bits != 0]  # one party alone has none
    assert not groups, f"{[(c.verdict, len(c.roster), c.operator_bits, c.harvest_bits) for c in groups]}"


@pytest.mark.slow
def test_attributes_dealt_out_by_chance_accuse_no_party_alone(by_chance: list[Campaign]) -> None:
    alone = [c for c in by_chance if c.operator_bits == 0]
    assert not alone, f"{[(c.verdict, len(c.roster), c.harvest_bits) for c in alone]}"


def test_the_digest_of_a_configuration_leaves_the_salt_out() -> None:
    from stillwatch.config import Ingest

    assert Config().digest() == Config(ingest=Ingest(salt="secret")).digest()
    assert Config().digest() != Config(detection=Detection(min_alone=0.99)).digest()
