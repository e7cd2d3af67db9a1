"""Fitting again without a tactic family, from a cache of measured worlds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stillwatch.bench.scorecard.held_out import FAMILIES, FITTED, Cache, family_tasks, refitted
from stillwatch.bench.scorecard.worlds import read_weights
from stillwatch.cli.app import main
from stillwatch.errors import ConfigError

SEEDS = (2060, 2061, 2062, 2063, 2064)


def test_a_cache_without_measured_worlds_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="no world measured by this code"):
        Cache(tmp_path)
    held = ["--held-out", "--fit-cache", str(tmp_path), "--parts", "held_out", "--out", str(tmp_path / "out")]
    assert main(["bench", *held]) == 2
    assert "make fit" in capsys.readouterr().err


def test_away_from_a_checkout_the_scripts_are_missed_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not here"):
        Cache(tmp_path, tmp_path)


def test_a_family_is_measured_under_both_weights_on_worlds_of_its_own() -> None:
    weights = {"coding": ("a", "1"), FITTED: ("b", "2")}
    tasks = list(family_tasks(["coding"], weights, [1, 2], None))
    assert {(task.seed, task.weights) for task in tasks} == {(s, w) for s in (1, 2) for w in weights.values()}
    assert all(task.suite.tactics == FAMILIES["coding"] for task in tasks)
    assert len({task.key("") for task in tasks}) == 4


def test_what_is_held_out_leaves_no_suspect_and_no_account_to_learn_from() -> None:
    import numpy as np

    import worlds

    def row(campaign: str) -> worlds.Row:
        return worlds.Row(
            world="w", solo=False, size=1, campaign=campaign, share=1.0, any_share=1.0, extraction=1.0, resale=0.0,
            vouched=0.0, accounts=b"", x={},
        )  # fmt: skip

    rows = [row("c1"), row(""), row("c2")]
    world = worlds.World(
        name="w", rows=rows, campaign=np.array(["c1", "", "c2"]), verdict=np.array(["extraction", "", "extraction"]),
        vouched=np.array([False, True, False]), conduct=np.zeros((3, 1)), own=np.arange(4, dtype=np.float32)[:, None],
        own_suspect=np.array([0, 1, 1, 2]), own_account=np.array([0, 0, 1, 2]),
    )  # fmt: skip
    left = worlds.without(world, {"c1"}.__contains__)
    assert left.rows == rows[1:]
    assert left.own[:, 0].tolist() == [2.0, 3.0]
    assert left.own_suspect.tolist() == [0, 1]
    assert left.vouched.tolist() == [True, True, False]


@pytest.mark.slow
def test_weights_without_a_family_are_others_and_are_fitted_once(tmp_path: Path) -> None:
    import worlds

    cache = tmp_path / "fit"
    for seed in SEEDS:
        worlds.measured(cache / f"small-{seed}", "small", seed, None)
    found = Cache(cache)
    plans = [json.loads((cache / f"small-{s}" / "truth" / "truth_campaigns.json").read_text()) for s in SEEDS]
    present = {plan["tactic"] for own in plans for plan in own}
    family = next(name for name, own in FAMILIES.items() if present & set(own) and name != "single_loud")
    whole_rows, left_rows = (sum(len(w.rows) for w in found.worlds(held)) for held in ((), FAMILIES[family]))
    assert left_rows < whole_rows
    path, digest = refitted(family, cache, tmp_path / "store")
    whole, other = refitted(FITTED, cache, tmp_path / "store")
    assert digest != other
    assert read_weights(Path(path)).provenance["without"] == family
    assert json.loads(Path(whole).read_text())["harvest"] != json.loads(Path(path).read_text())["harvest"]
    shutil.rmtree(cache / f"small-{SEEDS[0]}" / "truth")  # nothing is read again
    assert refitted(family, cache, tmp_path / "store") == (path, digest)
