"""Isolation forest over account aggregates (PyOD): how odd is an account among all accounts of the same log?

The stock answer to "find abuse in a usage table". It has no notion of accounts that belong together, and it finds what
is rare: a power user more readily than the hundredth account of a campaign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from pyod.models.iforest import IForest

from stillwatch.bench.peers.log import Float, Int, Labelled, Log
from stillwatch.bench.peers.words import plain

HOUR_S = 3600.0
SEED = 7


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """PyOD's anomaly score less PyOD's own threshold for the log. Cost: a second for 2,000 accounts."""

    name: ClassVar[str] = "PyOD isolation forest"
    source: ClassVar[str] = "Liu, Ting and Zhou 2008; PyOD 3.6 (PyPI)"
    published: ClassVar[float | None] = 0.0  # contamination 0.1, PyOD's default: the oddest tenth is accused
    replaces: ClassVar[str] = "nothing; the aggregates are ours"

    trees: int = 100
    sample: int = 256
    columns: str = "all"  # or "volume": counts and times alone

    def candidates(self) -> Sequence[Self]:
        """More trees, smaller and larger samples, fewer columns."""
        return [
            msgspec.structs.replace(self, columns=columns, trees=trees, sample=sample)
            for columns in (self.columns, "volume")
            for trees in (self.trees, 300)
            for sample in (self.sample, 64, 1024)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - it learns from the log it scores
        return self

    def score(self, log: Log) -> Float:
        if len(log.names) < 2:  # nobody is odd among one
            return np.zeros(len(log.names))
        table = log.kept("aggregates", lambda: aggregates(log))
        chosen = table if self.columns == "all" else table[:, :VOLUME_COLUMNS]
        forest: Any = IForest(
            n_estimators=self.trees, max_samples=min(self.sample, len(table)), random_state=SEED, n_jobs=1
        )
        forest.fit(chosen)
        return np.asarray(forest.decision_scores_ - forest.threshold_, np.float64)


VOLUME_COLUMNS = 6


def aggregates(log: Log) -> Float:
    """float64[accounts, 17]: how much, when, what size and how varied. Unknown numbers take the log's median."""
    measured = {name: log.numbers(name) for name in ("input_tokens", "output_tokens", "message_count", "temperature")}
    prompts = [plain(text) for text in log.texts("prompt")]
    words = {name: log.texts(name) for name in ("client_address", "request_model", "user_agent", "system_prompt")}
    table = np.array([_row(log, rows, measured, prompts, words) for rows in log.rows])
    middle = [float(np.median(known)) if (known := c[np.isfinite(c)]).size else 0.0 for c in table.T]
    return np.where(np.isfinite(table), table, middle)


def _row(
    log: Log, rows: Int, measured: dict[str, Float], prompts: list[str], words: dict[str, list[str]]
) -> list[float]:
    at_s = log.at_s[rows]
    gaps = np.log1p(np.diff(at_s)) if len(rows) > 1 else np.array([np.nan])
    hours = np.bincount((at_s // HOUR_S % 24).astype(int), minlength=24) / len(rows)
    lengths = np.log1p([len(prompts[i]) for i in rows])
    distinct = {name: len({values[i] for i in rows}) for name, values in words.items()}
    return [
        # volume
        float(np.log(len(rows))),
        float(np.log1p(len(np.unique(at_s // HOUR_S)))),
        float(np.mean(gaps)),
        float(np.std(gaps)),
        float(-(hours[hours > 0] * np.log(hours[hours > 0])).sum()),
        float(np.log1p(at_s[-1] - at_s[0])),
        # shape
        float(lengths.mean()),
        float(lengths.std()),
        len({prompts[i] for i in rows}) / len(rows),
        *(_mean(np.log1p(measured[name][rows])) for name in ("input_tokens", "output_tokens", "message_count")),
        float(np.isnan(measured["temperature"][rows]).mean()),
        *(float(np.log(distinct[name])) for name in ("client_address", "request_model", "user_agent")),
        distinct["system_prompt"] / len(rows),
    ]


def _mean(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
