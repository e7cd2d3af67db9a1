"""What is asked of the bench, the tasks that follow, and where their answers are kept."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from stillwatch.bench.scorecard.assumptions import ASSUMPTIONS, sweep_figures, sweep_tasks, thinned
from stillwatch.bench.scorecard.held_out import FAMILIES, source_suite
from stillwatch.bench.scorecard.plan import PARTS, Plan, quick, skipped, tasks_of
from stillwatch.bench.scorecard.tasks import Task, ground, kept, write
from stillwatch.bench.scorecard.work import KINDS
from stillwatch.cli import bench as command
from stillwatch.cli.app import main
from stillwatch.compose import SUITES, compose
from stillwatch.compose.campaigns.registry import BUILTIN
from stillwatch.compose.knobs import Assumed
from stillwatch.errors import ConfigError


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["bench", "--out", "out", *given])


def test_numbers_are_lists_and_ranges() -> None:
    assert command.numbers("3,1-4,9") == (3, 1, 2, 4, 9)
    with pytest.raises(ConfigError, match="one-two"):
        command.numbers("one-two")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--seeds", "1000"), "--seeds"),
        (("--suite", "fool"), "fool"),
        (("--parts", "suits"), "suits"),
        (("--jobs", "0"), "--jobs"),
        (("--held-out",), "go together"),
        (("--family", "poetry"), "poetry"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(given: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        command.asked(arguments(*given)).checked()


def test_the_command_says_what_is_wrong_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["bench", "--quick", "--seeds", "2000", "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["bench", "--corpus", str(tmp_path / "none"), "--out", str(out)]) == 2
    assert not out.exists()


def test_the_help_names_every_part() -> None:
    assert command.PARTS == PARTS


def test_every_task_has_somebody_to_carry_it_out() -> None:
    tasks = tasks_of(Plan(seeds=(1, 2), permutations=7))
    assert {task.kind for task in tasks} <= set(KINDS)
    assert len({task.key("ground") for task in tasks}) == len(tasks)
    assert sum(task.count for task in tasks if task.kind == "permutation") == 7


def test_parts_that_were_not_asked_for_have_no_tasks_and_say_so() -> None:
    plan = Plan(parts=("calibration", "held_out"), runs=("small",))
    assert {task.kind for task in tasks_of(plan)} == {"suite"}
    why = skipped(plan)
    assert why["sweeps"] == "not asked for"
    assert "fit-cache" in why["held_out, tactic families"]
    assert "corpus" in why["held_out, prompt sources"]


def test_a_quick_plan_is_small() -> None:
    tasks = tasks_of(quick(Plan(seeds=(501, 502))))
    assert {task.seed for task in tasks} == {501}
    assert all(task.exchanges == 10_000 for task in tasks)


def test_an_answer_is_taken_again_only_for_the_same_question_on_the_same_ground() -> None:
    task = Task(kind="suite", name="small", suite=SUITES["small"], seed=1)
    same = Task(kind="suite", name="small", suite=SUITES["small"], seed=1)
    assert task.key("a") == same.key("a")
    others = [
        task.key("b"),
        msgspec.structs.replace(task, seed=2).key("a"),
        msgspec.structs.replace(task, off=("lexical",)).key("a"),
        msgspec.structs.replace(task, suite=SUITES["honest"]).key("a"),
        msgspec.structs.replace(task, weights=("file", "digest")).key("a"),
    ]
    assert len({task.key("a"), *others}) == 6


def test_weights_are_known_by_what_they_say_and_not_by_where_they_lie() -> None:
    task = Task(kind="tactic", name="coding", suite=SUITES["small"], seed=1, weights=("here", "digest"))
    moved = msgspec.structs.replace(task, weights=("there", "digest"))
    assert task.key("a") == moved.key("a")


def test_another_corpus_is_other_ground(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"12")
    one = ground(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"123")
    assert len({one, ground(tmp_path), ground(None)}) == 3


def test_what_is_kept_is_not_made_again_and_what_fails_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "store" / "answer.json"

    def broken() -> bytes:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        kept(path, broken)
    assert not path.exists()
    assert kept(path, lambda: b"first") == b"first"
    assert kept(path, broken) == b"first"
    write(path, b"other")
    assert [p.name for p in path.parent.iterdir()] == ["answer.json"]


def test_values_are_thinned_to_the_first_and_the_last() -> None:
    assert thinned((1, 2, 3, 4, 5), 2) == [1, 5]
    assert thinned((1, 2, 3, 4, 5), 3) == [1, 3, 5]
    assert thinned((1, 2), None) == [1, 2]


def test_every_value_of_an_assumption_makes_another_world() -> None:
    tasks = sweep_tasks(SUITES["small"], [1], None)
    assert len({task.world_key("") for task in tasks}) == len(tasks) == sum(len(a.values) for a in ASSUMPTIONS)
    assert sweep_figures([]) == ()


def cards(assumed: Assumed) -> list[int]:
    """Accounts per card over the group campaigns of a small world."""
    suite = msgspec.structs.replace(SUITES["small"], assumed=assumed, campaigns=(2, 2), tactics=("coding_sweep",))
    world = compose(suite, 512, exchanges=4_000)
    assert world.accounts is not None
    card = {row["account_id"]: row["payment_token"] for row in world.accounts.to_pylist()}
    ours = [r["account_id"] for r in world.truth_accounts.to_pylist() if r["verdict"] == "extraction"]
    paid = [card[name] for name in ours if card[name]]
    return sorted(paid.count(one) for one in set(paid))


def test_accounts_share_a_card_as_often_as_it_is_assumed() -> None:
    assert set(cards(Assumed(accounts_per_card=1))) == {1}
    assert max(cards(Assumed(accounts_per_card=15))) > 4


def test_a_closed_accounts_work_goes_on_after_the_lag_that_is_assumed() -> None:
    def lags(hours: float) -> list[float]:
        assumed = Assumed(replacement_lag_h=hours)
        suite = msgspec.structs.replace(SUITES["small"], assumed=assumed, tactics=("coding_sweep",))
        planned = compose(suite, 513, exchanges=8_000).campaigns
        moves: list[dict[str, str]] = []
        for plan in planned:
            moves += plan["successions"] if plan["verdict"] == "extraction" else []
        return sorted(
            (datetime.fromisoformat(m["resumed_at"]) - datetime.fromisoformat(m["closed_at"])).total_seconds() / 3600
            for m in moves
        )

    quick_ones, slow = lags(0.5), lags(48.0)
    assert len(quick_ones) > 3
    assert quick_ones[len(quick_ones) // 2] < 2.0
    assert slow[len(slow) // 2] > 12.0


def test_what_is_not_assumed_is_drawn_as_ever() -> None:
    plain, empty = (compose(suite, 514, exchanges=500) for suite in (
        SUITES["small"], msgspec.structs.replace(SUITES["small"], assumed=Assumed())))  # fmt: skip
    assert plain.exchanges.equals(empty.exchanges)


def test_every_tactic_that_is_fitted_on_is_in_one_family() -> None:
    every = [name for family in FAMILIES.values() for name in family]
    assert sorted(every) == sorted(tactic.name for tactic in BUILTIN)


def test_a_source_is_harvested_by_campaigns_that_are_after_what_it_holds() -> None:
    suite = source_suite("codealpaca")
    assert suite.only_sources == ("codealpaca",)
    assert "coding_sweep" in suite.tactics
    assert "computer_control" not in suite.tactics
    assert source_suite("llava_bench_qa_a").tactics == ("broad_multimodal",)
