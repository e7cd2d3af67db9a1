"""The page on real data says what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "real-data.md").read_text(encoding="utf-8")
ROWS = {row.split("|")[1].strip().strip("`"): row for row in PAGE.splitlines() if row.startswith("|")}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return json.loads((ROOT / "docs" / "measurements" / "real.json").read_text(encoding="utf-8"))


def test_ranks_are_those_measured(found: dict[str, Any]) -> None:
    for name, row in {"Stillwatch, operator axis": found["stillwatch"]["rank"], **found["peers"]}.items():
        by_label = row["auc_by_label"]
        said = [row["auc"], by_label["struck off by transfer group"], by_label["struck off on a report"]]
        cells = [float(cell) for cell in ROWS[name].split("|")[2:-1]]
        assert cells == pytest.approx([*said, *row["recall_at"].values()], abs=6e-4), name


def test_what_is_left_out_is_as_measured(found: dict[str, Any]) -> None:
    names = {"counterparties": "network", "times": "signup", "volumes": "params", "gas funders": "payment"}
    runs = {"nothing": found["stillwatch"], **{name: found["less"][key] for name, key in names.items()}}
    for name, run in runs.items():
        rank, cut = run["rank"], run["rank"]["cut"]
        said = [
            rank["auc"],
            rank["auc_by_label"]["struck off on a report"],
            cut["named"],
            cut["precision"],
            cut["recall"],
        ]
        cells = [float(cell.replace(",", "")) for cell in ROWS[name].split("|")[2:-1]]
        assert cells == pytest.approx(said, abs=6e-4), name


def test_every_measurement_is_told_with_its_bits(found: dict[str, Any]) -> None:
    for row in found["reasons"]:
        if row["detector"] != "one_organisation":
            cells = ROWS[row["detector"]].split("|")[2:4]
            bits = [0.0 if part == "0" else float(part) for part in cells[1].replace("\N{MINUS SIGN}", "-").split(",")]
            assert [float(cells[0]), *bits] == pytest.approx(
                [row["auc"], row["bits_struck"], row["bits_kept"]], abs=6e-3
            )


def test_blindfolds_and_controls_are_those_measured(found: dict[str, Any]) -> None:
    rows = {"all measurements": "all", "of the operator axis alone": "of the operator axis"}
    for name, given in {**rows, "those that could be made on the wallets": "as on the wallets"}.items():
        runs = [run for run in found["composed"] if run["measurements"] == given]
        cells = [[float(v) for v in cell.split(",")] for cell in ROWS[name].split("|")[2:-1]]
        for cell, key, slack in zip(cells, ("auc", "recall", "highest_probability"), (6e-4, 6e-3, 6e-4), strict=True):
            assert cell == pytest.approx([run[key] for run in runs], abs=slack), (name, key)
    assert [run["wallets_named"] for run in found["shuffled"]] == [0, 0, 0]
    assert max(run["highest_probability"] for run in found["shuffled"]) <= 0.17


def test_counts_in_the_text_are_those_measured(found: dict[str, Any]) -> None:
    data, clusters = found["data"], found["stillwatch"]["by_cluster"]
    kept = {kind: row for kind, row in found["stillwatch"]["strata"].items() if kind.startswith("kept")}
    assert f"**{data['wallets']:,} wallets**" in PAGE
    assert f"**{data['struck']:,} ({data['struck_share']:.0%}) were struck off**" in PAGE
    named, all_kept = (sum(row[key] for row in kept.values()) for key in ("named", "wallets"))
    assert f"{named} of {all_kept:,} kept wallets ({named / all_kept:.1%})" in PAGE.replace("\n", " ")
    assert f"{clusters['hop_groups_half_proposed']} of {clusters['hop_groups']} groups" in PAGE
    assert f"the highest is {clusters['highest_probability']:.3f}" in PAGE.replace("\n", " ")
    assert f"{found['ceiling']:.3f} is the most" in PAGE
    read, unread = len(found["reasons"]), len(found["unread"])
    assert f"Of the {read + unread} measurements the operator's trees can read, {read} were made" in PAGE
    assert data["changed_files"] == []
