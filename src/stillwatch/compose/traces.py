"""Measured rhythms and lengths from public production traces, where a corpus holds them.

Both sides draw from them: a rhythm is one real customer's calls per hour over two weeks. Without traces the world's
parametric curves stand alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from stillwatch.compose.calendar import HOUR_S
from stillwatch.compose.dice import Dice

_RATES = "trace_servegen_client_rates.parquet"
_LENGTHS = "trace_servegen_client_lengths.parquet"


class Traces:
    """What was measured elsewhere.

    ``rhythms``: hourly weights per customer (empty without a corpus). ``verbosity``: a customer's output length
    against the median customer's.
    """

    def __init__(self, directory: Path | None) -> None:
        self.rhythms: list[np.ndarray] = []
        self._outputs = np.zeros(0)
        if directory is None:
            return
        if (directory / _RATES).is_file():
            self.rhythms = _rhythms(directory / _RATES)
        if (directory / _LENGTHS).is_file():
            self._outputs = _outputs(directory / _LENGTHS)

    def verbosity(self, dice: Dice) -> float:
        if not self._outputs.size:
            return dice.heavy(1.0, 0.8, 0.1, 8.0)
        return float(np.clip(self._outputs[dice.whole(0, self._outputs.size - 1)], 0.1, 8.0))

    def times(self, dice: Dice, count: int, first_s: float, last_s: float) -> np.ndarray | None:
        """``count`` moments after one customer's rhythm, or None where there are no traces."""
        if not self.rhythms or last_s <= first_s:
            return None
        weight = np.resize(dice.pick(self.rhythms), int(last_s // HOUR_S) + 1).copy()
        weight[: int(first_s // HOUR_S)] = 0.0
        if weight.sum() <= 0:
            return None
        hour = dice.array.choice(weight.size, count, p=weight / weight.sum())
        moments = hour * HOUR_S + dice.array.uniform(0, HOUR_S, count)
        return np.sort(np.clip(moments, first_s, last_s - 1e-3))


def _rhythms(path: Path) -> list[np.ndarray]:
    table = pq.read_table(path, columns=["client", "t_s", "rate_rps"])
    clients = np.array(table["client"].to_pylist())
    hours = (table["t_s"].to_numpy() // HOUR_S).astype(int)
    rates = table["rate_rps"].to_numpy()
    found = []
    for name in sorted(set(clients.tolist())):
        mine = clients == name
        if mine.sum() < 48:
            continue
        weight = np.bincount(hours[mine], rates[mine], minlength=14 * 24)[: 14 * 24]
        found.append(weight)
    return found


def _outputs(path: Path) -> np.ndarray:
    table = pq.read_table(path, columns=["field", "p50"])
    keep = np.array(table["field"].to_pylist()) == "output_tokens"
    middle = table["p50"].to_numpy()[keep]
    return middle[middle > 0] / np.median(middle)
