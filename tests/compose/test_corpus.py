"""Prompts from files: tiny files written here, and the real corpus where it is present."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.compose import compose
from stillwatch.compose.dice import Dice
from stillwatch.compose.text.corpus import CorpusBook, altered, bare
from stillwatch.compose.text.grammar import Voice
from stillwatch.errors import InputError


def _file(directory: Path, name: str, rows: list[dict[str, object]]) -> None:
    usual = {
        "subset": "x",
        "turn": 0,
        "system": None,
        "lang": "en",
        "capability": "general",
        "response": "SECRET ANSWER",
    }
    pq.write_table(
        pa.Table.from_pylist([{**usual, "conversation_id": str(number), **row} for number, row in enumerate(rows)]),
        directory / f"{name}.parquet",
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    _file(tmp_path, "alpaca_52k", [{"prompt": f"Name {number} rivers of region {number}."} for number in range(300)])
    _file(
        tmp_path,
        "finetune_cot_gsm8k",
        [{"prompt": f"Q: What is {n} plus {n}?\nA: Let's think step by step."} for n in range(200)],
    )
    talks = [
        {"conversation_id": f"c{n}", "turn": t, "prompt": f"talk {n} turn {t} here"}
        for n in range(60)
        for t in (2, 0, 1)
    ]
    _file(tmp_path, "sharegpt_a", talks)
    return tmp_path


def test_a_benchmark_question_loses_the_harness_s_frame() -> None:
    assert bare("Q: How many?\nA: Let's think step by step.") == "How many?"
    assert bare("Question: How many?\nAnswer:") == "How many?"
    assert bare("plain words") == "plain words"


def test_conversations_keep_their_order_of_turns(directory: Path) -> None:
    book, dice = CorpusBook(directory), Dice(1)
    voice = Voice(dice, "en", 0.0)
    found = [turns for _ in range(60) if (turns := book.chat(dice, voice, 3))[0].startswith("talk")]
    assert found
    first = found[0]
    assert [turn.split()[3] for turn in first] == ["0", "1", "2"]


def test_sources_held_out_are_never_drawn(directory: Path) -> None:
    book, dice = CorpusBook(directory, held_out=("alpaca_52k",)), Dice(2)
    for _ in range(20):
        _, items = book.items(dice, "instruction_following", 20)
        assert not any("rivers of region" in item for item in items)


def test_only_sources_bind_the_harvest_and_nobody_else(directory: Path) -> None:
    book, dice = CorpusBook(directory, only=("finetune_cot_gsm8k",)), Dice(3)
    harvest = [item for _ in range(20) for item in book.items(dice, "instruction_following", 20, harvest=True)[1]]
    honest = [item for _ in range(20) for item in book.items(dice, "instruction_following", 20)[1]]
    assert not any("rivers of region" in item for item in harvest)
    assert any("rivers of region" in item for item in honest)


def test_answers_are_never_copied_from_the_files(directory: Path) -> None:
    world = compose("demo", 1, directory, exchanges=3_000)
    assert not any("SECRET" in (text or "") for text in world.exchanges["response"].to_pylist())
    assert any("rivers of region" in (text or "") for text in world.exchanges["prompt"].to_pylist())


def test_a_conversation_used_again_is_altered() -> None:
    dice, text = Dice(4), "I have 35 apples. My friend has 12 more. How many do we have in all?"
    assert len({altered(dice, text) for _ in range(20)}) > 10


def test_a_broken_file_is_named(directory: Path) -> None:
    (directory / "alpaca_52k.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match=r"alpaca_52k\.parquet"):
        compose("demo", 1, directory, exchanges=2_000)


@pytest.mark.slow
def test_a_full_world_with_the_corpus_is_the_same_twice() -> None:
    corpus = Path(os.environ.get("STILLWATCH_CORPUS", Path(__file__).parents[3] / "shared" / "data"))
    if not corpus.is_dir():
        pytest.skip("no prompt corpus: set STILLWATCH_CORPUS")
    one, two = (compose("full", 1, corpus, exchanges=40_000) for _ in range(2))
    assert one.exchanges.equals(two.exchanges)
    assert one.campaigns == two.campaigns
