"""What the classifiers are trained on: rows of the corpus and of our own grammar, with labels, sources and folds.

A source is in one fold as a whole, so that every held-out figure is about a source (or half of a grammar) that the
model never saw.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

import classifier_grammar as grammar
from stillwatch.model import CAPABILITIES

# fold, capability of the whole source (None: by its own column), rows taken at most
SOURCES: dict[str, tuple[int, str | None, int]] = {
    "finetune_cot_gsm8k": (0, "reasoning", 2000),
    "alpaca_eval_judge": (0, "rubric_grading", 1000),
    "humaneval": (0, "coding", 200),
    "bfcl_v4_a": (0, "tool_use", 2500),
    "infiagent_dabench": (0, "data_analysis", 300),
    "llava_bench_qa_a": (0, None, 400),
    "moss_harmless_a": (0, "policy_rewriting", 200),
    "p3_filled_batches": (0, None, 4000),
    "gsm8k_test": (1, "reasoning", 1400),
    "autoj_gpt4_judgements": (1, "rubric_grading", 1000),
    "codealpaca": (1, None, 2500),
    "toolbench": (1, "tool_use", 700),
    "llava_gpt4_requests": (1, "vision", 400),
    "speechmap_questions": (1, "policy_rewriting", 2500),
    "alpaca_eval_prompts": (1, "other", 600),
    "lobe_agents": (1, "other", 1600),
    "mmlu": (2, "reasoning", 3000),
    "alpaca_52k": (2, None, 4000),
    "moss_plugins": (2, "tool_use", 1000),
    "agentbench_os_train": (2, "agentic_coding", 1000),
    "sharegpt_a": (3, None, 7000),
    "toolalpaca": (3, "tool_use", 1700),
    "agentbench_kg_sweagent": (3, None, 1500),
    "cursor_sessions_bsc": (3, "agentic_coding", 60),
    "mt_vicuna_bench": (3, None, 300),
    "alpaca_generation_requests": (3, "instruction_following", 800),
}
FOLDS = 4
_BY_COLUMN = {
    "coding": "coding",
    "data analysis": "data_analysis",
    "vision": "vision",
    "reasoning/CoT": "reasoning",
    "tool use": "tool_use",
}
_GENERAL = {"sharegpt_a": "other", "mt_vicuna_bench": "other", "llava_bench_qa_a": "other"}
_GRAMMARS = {
    "eliciting": (grammar.ELICITING, "reasoning", 1200),
    "not_eliciting": (grammar.NOT_ELICITING, "other", 1200),
    "grading": (grammar.GRADING, "rubric_grading", 700),
    "not_grading": (grammar.NOT_GRADING, "other", 700),
    "rewriting": (grammar.REWRITING, "policy_rewriting", 700),
    "not_rewriting": (grammar.NOT_REWRITING, "other", 700),
    "computer_use": (grammar.COMPUTER_USE, "computer_use", 700),
    "orchestration": (grammar.ORCHESTRATION, "orchestration", 700),
    "agentic_coding": (grammar.AGENTIC_CODING, "agentic_coding", 700),
    "data_analysis": (grammar.DATA_ANALYSIS, "data_analysis", 300),
    "vision": (grammar.VISION, "vision", 300),
}
_PER_LANGUAGE = 70
_CARRIERS = {"alpaca_52k", "gsm8k_test", "mmlu", "alpaca_eval_prompts", "p3_filled_batches"}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One training text. ``labels`` are elicitation, grading and rewriting; None is not used for that label."""

    text: str
    source: str
    fold: int
    capability: int
    labels: tuple[bool | None, bool | None, bool | None]
    benign: bool = False
    language: str = ""


def _capability(source: str, own: str | None, row: dict[str, Any]) -> str:
    if own is not None:
        return own
    if source == "agentbench_kg_sweagent":
        return "agentic_coding" if row["subset"] == "trajectory" else "tool_use"
    return _BY_COLUMN.get(row["capability"], _GENERAL.get(source, "instruction_following"))


def _labels(source: str, row: dict[str, Any]) -> tuple[bool | None, bool | None, bool | None]:
    rewriting: bool | None = False
    if source == "moss_harmless_a":  # raw sensitive questions: topic alone is no evidence, so they teach neither side
        rewriting = True if row["subset"] == "augmentation_template" else None
    grading = source in {"alpaca_eval_judge", "autoj_gpt4_judgements"}
    return source == "finetune_cot_gsm8k", grading, rewriting


def _of_corpus(folder: Path, rng: random.Random) -> Iterator[Sample]:
    for source, (fold, own, most) in SOURCES.items():
        table = pq.read_table(folder / f"{source}.parquet", columns=["role", "subset", "prompt", "capability", "lang"])
        rows = [row for row in table.to_pylist() if row["prompt"] and row["prompt"].strip()]
        for row in rng.sample(rows, min(most, len(rows))):
            yield Sample(
                text=row["prompt"],
                source=source,
                fold=fold,
                capability=CAPABILITIES.index(_capability(source, own, row)),
                labels=_labels(source, row),
                benign=row["role"] == "benign",
                language=row["lang"] or "und",
            )


def _twin(carrier: Sample, half: int) -> Sample:
    """The same carrier without the demand: what the question is about must be no evidence of what is done with it."""
    return msgspec.structs.replace(
        carrier, source=f"carriers_{half}", fold=half, labels=(False, False, False), benign=False
    )


def _joined(rng: random.Random, text: str, carrier: str) -> str:
    parts = [text, carrier] if rng.random() < 0.5 else [carrier, text]
    return rng.choice(("\n\n", " ", "\n")).join(parts)


def _of_tongues(rng: random.Random, carriers: list[Sample]) -> Iterator[Sample]:
    reasoning, other = CAPABILITIES.index("reasoning"), CAPABILITIES.index("other")
    none = (False, False, False)
    for language, half in itertools.product(grammar.TONGUES, (0, 1)):
        for _ in range(_PER_LANGUAGE):
            text, carrier = grammar.demand(rng, language, half), rng.choice(carriers)
            if rng.random() < 0.4:
                text = _joined(rng, text, carrier.text)
                yield _twin(carrier, half)
            elif rng.random() < 0.8:
                text = _joined(rng, text, grammar.ask(rng, language, half))
            shared: dict[str, Any] = {"fold": half, "language": language}
            labels = (True, False, False)
            yield Sample(text=text, source=f"demands_{half}", capability=reasoning, labels=labels, **shared)
            text = " ".join(grammar.ask(rng, language, half) for _ in range(rng.choice((1, 1, 2))))
            if rng.random() < 0.3:
                text = _joined(rng, text, rng.choice(carriers).text)
            yield Sample(text=text, source=f"asks_{half}", capability=other, labels=none, benign=True, **shared)


def _of_grammars(rng: random.Random, carriers: list[Sample]) -> Iterator[Sample]:
    for (name, (slots, capability, count)), half in itertools.product(_GRAMMARS.items(), (0, 1)):
        for _ in range(count):
            text = slots.draw(rng, half)
            if rng.random() < 0.3:
                carrier = rng.choice(carriers)
                text = _joined(rng, text, carrier.text)
                yield _twin(carrier, half)
            yield Sample(
                text=text,
                source=f"{name}_{half}",
                fold=half,
                capability=CAPABILITIES.index(capability),
                labels=(name == "eliciting", name == "grading", name == "rewriting"),
                benign=name.startswith("not_"),
                language="en",
            )


def collect(folder: Path, seed: int) -> list[Sample]:
    """All training texts, in a fixed order for a seed."""
    rng = random.Random(seed)
    samples = list(_of_corpus(folder, rng))
    carriers = [s for s in samples if s.source in _CARRIERS and len(s.text) < 600]
    return [*samples, *_of_tongues(rng, carriers), *_of_grammars(rng, carriers)]
