"""The speed bench: its traffic is the contract's, the same every time, and its figures are ratios of medians."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.json as pj
import pyarrow.parquet as pq
import pytest

from stillwatch.bench import speed, traffic
from stillwatch.tables import EXCHANGES, REQUIRED_EXCHANGE_COLUMNS

ROWS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def parquet(folder: Path) -> Path:
    return traffic.composed(folder, ROWS, "parquet")


def test_traffic_has_columns_and_types_of_the_contract(parquet: Path) -> None:
    schema = pq.read_schema(parquet)
    assert set(REQUIRED_EXCHANGE_COLUMNS) <= set(schema.names)
    assert all(schema.field(name).type == EXCHANGES.field(name).type for name in schema.names)


def test_traffic_is_the_same_every_time_and_never_half_written(parquet: Path, tmp_path: Path) -> None:
    again = traffic.composed(tmp_path, ROWS, "parquet")
    assert pq.read_table(again).equals(pq.read_table(parquet))
    assert [path.name for path in tmp_path.iterdir()] == [again.name]


def test_both_formats_hold_the_same_rows(folder: Path, parquet: Path) -> None:
    lines = pj.read_json(traffic.composed(folder, ROWS, "jsonl"))
    table = pq.read_table(parquet)
    for name in ("exchange_id", "prompt", "client_address", "tool_names"):
        assert lines.column(name).to_pylist() == table.column(name).to_pylist()


def test_prompts_are_four_hundred_bytes_on_average_with_a_heavy_tail(parquet: Path) -> None:
    sizes = sorted(len(text.encode()) for text in pq.read_table(parquet, columns=["prompt"]).column(0).to_pylist())
    assert 250 < sum(sizes) / ROWS < 600
    assert sizes[-1] > 5 * sizes[ROWS // 2]


def test_costs_are_medians_and_ratios_to_the_plain_scan() -> None:
    runs = [(4.0, 2.0, 10), (8.0, 5.0, 30), (6.0, 3.0, 20)]
    cost = speed._cost("scan", runs, 2.0)
    assert (cost.cpu_s, cost.wall_s, cost.peak_bytes, cost.ratio) == (6.0, 3.0, 30, 3.0)
    assert "3.00" in speed.show([cost])


@pytest.mark.slow
def test_the_bench_measures_the_stages_side_by_side(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    arguments = ["--rows", str(ROWS), "--repeats", "1", "--stage", "fingerprint", "--format", "parquet"]
    speed.main([*arguments, "--folder", str(folder), "--json", str(target)])
    plain, prints = json.loads(target.read_bytes())["costs"]["parquet"]
    assert (plain["stage"], prints["stage"]) == ("plain", "fingerprint")
    assert plain["ratio"] == 1
    assert prints["cpu_s"] > 0
