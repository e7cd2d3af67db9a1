"""The comparison: graded against the truth, rendered as a table, wins of peers said in full."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("pyod", reason="needs the extra bench")

from planted import log_of, request

from stillwatch.bench.peers.__main__ import main
from stillwatch.bench.peers.evilcohort import EvilCohort
from stillwatch.bench.peers.log import Labelled
from stillwatch.bench.peers.measure import Chosen, Effort, Row, Score, graded, peak_mb
from stillwatch.bench.peers.own import Own
from stillwatch.bench.peers.page import Comparison, markdown, table, wins
from stillwatch.bench.peers.tuning import Cut, Trial
from stillwatch.compose import compose, write_world

KINDS = ("sweep", "sweep", "class", "class", "class", "resale")


@pytest.fixture
def world() -> Labelled:
    log = log_of([request(f"a{i}", i, "hi") for i in range(6)])
    harvests = np.array([True, True, False, False, False, False])
    honest = np.array([False, False, True, True, True, False])
    return Labelled(log=log, harvests=harvests, honest=honest, kinds=KINDS)


def row_of(world: Labelled, named: list[int], *, own: bool = False, cpu_s: float = 1.0) -> Row:
    accused = np.isin(np.arange(6), named)
    score = Score(values=accused.astype(float), cpu_s=cpu_s, peak_mb=300.0)
    peer, variant = (Own(), "shipped") if own else (EvilCohort(), "tuned")
    return graded(peer, variant, 1.0, [accused], [world], [score])


def test_a_row_counts_accounts_and_keeps_resellers_apart_from_the_honest(world: Labelled) -> None:
    row = row_of(world, [0, 2, 5])
    assert (row.recall, row.precision, row.f1) == (0.5, 0.3333, 0.4)
    assert (row.honest_accused, row.honest_per_100k) == (1, 33333.3)
    assert row.honest_classes == {"class": (1, 3)}
    assert row.tactics == {"sweep": (1, 2)}


def test_who_accuses_nobody_has_no_precision_and_wins_nothing(world: Labelled) -> None:
    silent = row_of(world, [])
    assert silent.precision is None
    own = row_of(world, [0, 2], own=True)
    assert wins(own, [silent]) == "Nowhere in this run."


def test_every_measure_and_tactic_a_peer_is_better_in_is_said_with_its_price(world: Labelled) -> None:
    page = wins(row_of(world, [0], own=True, cpu_s=1.0), [row_of(world, [0, 1, 2], cpu_s=0.5)])
    assert "| recall | 0.500 | EvilCohort, tuned: 1.000 (0.667) |" in page
    assert "| CPU s | 1.0 | EvilCohort, tuned: 0.5 (0.667) |" in page
    assert "| recall of sweep | 1/2 | EvilCohort, tuned: 2/2 (0.667) |" in page
    assert "| precision |" not in page


def test_the_table_has_a_line_a_row_and_as_many_cells_in_each(world: Labelled) -> None:
    lines = table([row_of(world, [0], own=True), row_of(world, [0, 2])]).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert "class 1/3" in lines[3]


def test_the_page_renders_and_its_figures_survive_the_wire(world: Labelled) -> None:
    cut = Cut(threshold=2.0, precision=0.95, recall=0.5, f1=0.65)
    trial = Trial(settings={}, cut=cut, any_precision=cut)
    chosen = Chosen(settings={"views": ("address", "payment")}, cut=cut)
    effort = Effort(
        peer="EvilCohort",
        source="2015",
        replaces="nothing",
        trials=(trial, trial),
        chosen=chosen,
        chosen_any_precision=chosen,
        cpu_s=3.0,
    )
    found = Comparison(
        suite="small",
        seeds=(1, 2),
        fit_seeds=(1101,),
        corpus=False,
        accounts=6,
        harvesting=2,
        rows=(row_of(world, [0], own=True), row_of(world, [0, 1])),
        efforts=(effort,),
        calibration={"released": {"drawn": 0.01, "account": None}},
        packages={"numpy": "2"},
    )
    page = markdown(found)
    assert "views address+payment" in page
    assert "| released | 0.010 | - |" in page
    assert "2/2" in page  # trials that were precise enough
    assert page == markdown(msgspec.json.decode(msgspec.json.encode(found), type=Comparison))


def test_a_process_holds_some_memory() -> None:
    assert 10 < peak_mb() < 100_000


@pytest.mark.parametrize("seeds", [["--seeds", "1,1001"], ["--fit-seeds", "7"], ["--peers", "nobody"]])
def test_the_command_refuses_to_mix_worlds_to_fit_with_worlds_to_measure(seeds: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main([*seeds, "--out", str(tmp_path / "x.json")])


@pytest.mark.slow
def test_the_command_measures_and_writes_both_files(tmp_path: Path) -> None:
    for seed in (1, 1101):
        write_world(compose("demo", seed, exchanges=1_500), tmp_path / "worlds" / f"small-{seed}")
    arguments = ["--seeds", "1", "--fit-seeds", "1101", "--peers", "EvilCohort,MinHash components"]
    assert main([*arguments, "--keep", str(tmp_path / "worlds"), "--out", str(tmp_path / "peers.json")]) == 0
    found = json.loads((tmp_path / "peers.json").read_text())
    assert [row["variant"] for row in found["rows"] if "any" not in row["variant"]] == [
        "shipped",
        *("published", "tuned"),
        *("published", "tuned"),
    ]
    assert "## Where a peer wins" in (tmp_path / "peers.md").read_text()
