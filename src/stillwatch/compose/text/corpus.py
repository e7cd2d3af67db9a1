"""Prompts from a directory of public prompt files, mixed with the grammar's.

Reads only the columns it needs, once per file. Never copies an answer: what the model says comes from ``replies`` for
everybody. A conversation used again is used altered, so that strangers seldom send the same words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.compose.dice import Dice
from stillwatch.compose.text import lists, wrappers
from stillwatch.compose.text.book import MAX_CHARS, Book
from stillwatch.compose.text.grammar import Voice
from stillwatch.errors import InputError

# capability: (file, which rows) in the file's own words; weights follow the order
LISTS: dict[str, tuple[tuple[str, str], ...]] = {
    "reasoning": (
        ("finetune_cot_gsm8k", ""),
        ("mmlu", ""),
        ("gsm8k_test", ""),
        ("alpaca_52k", "question"),
        ("mt_vicuna_bench", ""),
    ),
    "rubric_grading": (("autoj_gpt4_judgements", ""), ("alpaca_eval_judge", "")),
    "policy_rewriting": (("speechmap_questions", ""), ("moss_harmless_a", "")),
    "coding": (
        ("codealpaca", "code_alpaca_2k"),
        ("alpaca_52k", "capability:coding"),
        ("humaneval", ""),
        ("codealpaca", "self_instruct_generation"),
    ),
    "agentic_coding": (("agentbench_os_train", ""), ("agentbench_kg_sweagent", "first")),
    "tool_use": (("toolbench", "evalset"), ("bfcl_v4_a", ""), ("toolalpaca", ""), ("moss_plugins", "first")),
    "orchestration": (("toolbench", "G3"), ("toolbench", "evalset_G2")),
    "data_analysis": (("infiagent_dabench", ""), ("alpaca_52k", "capability:data analysis"), ("p3_filled_batches", "")),
    "vision": (("llava_bench_qa_a", "coco"), ("llava_gpt4_requests", "")),
    "instruction_following": (
        ("alpaca_52k", ""),
        ("alpaca_52k", ""),
        ("sharegpt_a", "first"),
        ("alpaca_eval_prompts", ""),
        ("p3_filled_batches", ""),
        ("alpaca_generation_requests", ""),
    ),
}
_GRAMMAR_SHARE = {
    "computer_use": 1.0,
    "orchestration": 0.6,
    "vision": 0.5,
    "agentic_coding": 0.35,
    "data_analysis": 0.4,
    "policy_rewriting": 0.3,
}
_DEFAULT_GRAMMAR = 0.2
_COLUMNS = ("subset", "conversation_id", "turn", "system", "prompt", "lang", "capability")
_HARNESS = (
    (re.compile(r"^Q: (.*)\nA: Let's think step by step\.$", re.DOTALL), r"\1"),
    (re.compile(r"^Question: (.*)\nAnswer:$", re.DOTALL), r"\1"),
    (re.compile(r"^The following are multiple choice questions.*?\n\n(.*)\nAnswer:$", re.DOTALL), r"\1"),
)
_NUMBER = re.compile(r"\b\d{1,4}\b")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_TALK_FILES = ("sharegpt_a", "alpaca_eval_prompts", "cursor_sessions_bsc", "lobe_agents")


def bare(text: str) -> str:
    """A benchmark question without the harness's own frame."""
    for pattern, kept in _HARNESS:
        text = pattern.sub(kept, text, 1)
    return text[:MAX_CHARS]


def altered(dice: Dice, text: str) -> str:
    """The same request as another person would have put it: other figures, a sentence more or less."""
    text = _NUMBER.sub(lambda match: str(max(1, int(match[0]) + dice.whole(-9, 9))), text)
    sentences = _SENTENCE.split(text)
    if len(sentences) > 2 and dice.chance(0.5):
        sentences.pop(dice.whole(0, len(sentences) - 1))
        text = " ".join(sentences)
    if len(sentences) == 1 and dice.chance(0.5):
        words = text.split(" ")
        if len(words) > 6:
            words.pop(dice.whole(2, len(words) - 2))
            text = " ".join(words)
    return text


class CorpusBook(Book):
    """A book over ``directory``. Files that are absent are done without; none at all is an InputError."""

    def __init__(self, directory: Path, only: tuple[str, ...] = (), held_out: tuple[str, ...] = ()) -> None:
        super().__init__(only, held_out)
        self._directory = directory
        self._tables: dict[str, pa.Table] = {}
        self._lists: dict[tuple[str, str], list[str]] = {}
        self._used: dict[int, int] = defaultdict(int)
        self._present = {path.stem for path in directory.glob("*.parquet")}
        if not self._present & {name for rows in LISTS.values() for name, _ in rows}:
            raise InputError(
                "no prompt files here", source=str(directory), hint="expected files such as alpaca_52k.parquet"
            )

    def _table(self, name: str) -> pa.Table:
        if name not in self._tables:
            try:
                self._tables[name] = pq.read_table(self._directory / f"{name}.parquet", columns=list(_COLUMNS))
            except (OSError, pa.ArrowException) as error:
                raise InputError(
                    f"cannot be read: {error}", source=str(self._directory / f"{name}.parquet"), hint="check the file"
                ) from error
        return self._tables[name]

    def _list(self, name: str, which: str) -> list[str]:
        key = (name, which)
        if key not in self._lists:
            table = self._table(name)
            if which == "first":
                table = table.filter(pc.equal(table["turn"], 0))
            elif which == "question":
                table = table.filter(pc.ends_with(table["prompt"], "?"))
            elif which.startswith("capability:"):
                table = table.filter(pc.equal(table["capability"], which.partition(":")[2]))
            elif which:
                table = table.filter(pc.starts_with(table["subset"], which))
            texts = (bare(text) for text in table["prompt"].to_pylist() if text and len(text) > 3)
            self._lists[key] = list(dict.fromkeys(texts))
        return self._lists[key]

    def _sources(self, capability: str, *, harvest: bool) -> list[tuple[str, str]]:
        rows = [row for row in LISTS.get(capability, ()) if row[0] in self._present and row[0] not in self.held_out]
        return [row for row in rows if row[0] in self.only] if harvest and self.only else rows

    def items(self, dice: Dice, capability: str, count: int, *, harvest: bool = False) -> tuple[str, list[str]]:
        sources = self._sources(capability, harvest=harvest)
        if not sources or dice.chance(_GRAMMAR_SHARE.get(capability, _DEFAULT_GRAMMAR)):
            return super().items(dice, capability, count, harvest=harvest)
        found: dict[str, None] = {}
        names: list[str] = []
        for name, which in dice.shuffled(sources):
            texts = self._list(name, which)
            if not texts:
                continue
            names.append(name)
            start = dice.whole(0, max(0, len(texts) - count))
            part = texts[start : start + count] if dice.chance(0.6) else dice.sample(texts, count)
            found.update(dict.fromkeys(part))
            if len(found) >= count or (len(found) >= count // 2 and dice.chance(0.5)):
                break
        out = list(found)[:count]
        if len(out) < count:
            out += super().items(dice, capability, count - len(out), harvest=harvest)[1]
        return "+".join(names), out

    @cached_property
    def _talks(self) -> dict[str, list[list[str]]]:
        """Conversations by language, turns in their order."""
        found: dict[str, list[list[str]]] = defaultdict(list)
        for name in _TALK_FILES:
            if name not in self._present or name in self.held_out:
                continue
            table = self._table(name)
            turns: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
            columns = (table[column].to_pylist() for column in ("conversation_id", "turn", "prompt", "lang"))
            for conversation, turn, prompt, lang in zip(*columns, strict=True):
                if prompt:
                    turns[conversation].append((turn, prompt[:MAX_CHARS], lang))
            for rows in turns.values():
                rows.sort(key=lambda row: row[0])
                found[rows[0][2]].append([row[1] for row in rows])
        return dict(found)

    @cached_property
    def _personas(self) -> list[str]:
        if "lobe_agents" not in self._present or "lobe_agents" in self.held_out:
            return []
        return list(dict.fromkeys(text[:1_500] for text in self._table("lobe_agents")["system"].to_pylist() if text))

    def persona(self, dice: Dice) -> str:
        return dice.pick(self._personas) if self._personas and dice.chance(0.5) else wrappers.persona(dice)

    def chat(self, dice: Dice, voice: Voice, turns: int) -> list[str]:
        pool = self._talks.get(voice.language)
        if not pool or dice.chance(0.3):
            return super().chat(dice, voice, turns)
        tasks = (
            self._list("alpaca_52k", "") if "alpaca_52k" in self._present and "alpaca_52k" not in self.held_out else []
        )
        if tasks and voice.language == "en" and dice.chance(0.1):
            return [voice.styled(dice, altered(dice, dice.pick(tasks))), *super().chat(dice, voice, turns)[1:]]
        talk = dice.pick(pool)
        if len(talk) < turns:
            talk = max((talk, dice.pick(pool), dice.pick(pool)), key=len)
        again = self._used[id(talk)]
        self._used[id(talk)] += 1
        start = 0 if not again else dice.whole(0, max(0, len(talk) - turns))
        said = talk[start : start + turns]
        if again:
            said = [altered(dice, text) for text in said]
        return said + [voice.next(dice, code=voice.coder > 0.5) for _ in range(turns - len(said))]

    def batch(self, dice: Dice, count: int) -> list[str]:
        if "p3_filled_batches" not in self._present or "p3_filled_batches" in self.held_out or dice.chance(0.4):
            return lists.labelling(dice, count)
        groups = self._templates
        out: list[str] = []
        for name in dice.sample(list(groups), 6):
            out += groups[name]
            if len(out) >= count:
                return out[:count]
        return out + lists.labelling(dice, count - len(out))

    @cached_property
    def _templates(self) -> dict[str, list[str]]:
        table = self._table("p3_filled_batches")
        groups: dict[str, list[str]] = defaultdict(list)
        for subset, prompt in zip(table["subset"].to_pylist(), table["prompt"].to_pylist(), strict=True):
            if prompt:
                groups[subset].append(prompt[:MAX_CHARS])
        return dict(groups)

    @cached_property
    def _observations(self) -> list[str]:
        if "agentbench_kg_sweagent" not in self._present:
            return []
        table = self._table("agentbench_kg_sweagent")
        table = table.filter(pc.greater(table["turn"], 0))
        return [text[:1_500] for text in table["prompt"].to_pylist() if text]

    def steps(self, dice: Dice, count: int) -> list[str]:
        seen = self._observations
        own = super().steps(dice, count)
        return [altered(dice, dice.pick(seen)) if seen and dice.chance(0.25) else text for text in own]
