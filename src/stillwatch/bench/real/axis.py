"""The operator axis alone: who stands in a cluster that one party runs, with which odds.

Exactly the stages of a scan up to the odds, with only those detectors that the operator axis owns and the data can
feed. Nothing is fitted here: the trees are the shipped ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stillwatch.bench.real.hop import Float, Int
from stillwatch.campaigns.judge import judge, probability
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.campaigns.weights import load_weights
from stillwatch.detectors import BUILTIN, Detector
from stillwatch.pipeline import build, fingerprints
from stillwatch.text import load_model


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """``accounts``: int64 positions in the names given; ``x``: what was measured of it."""

    accounts: Int
    found_in: str
    probability: float
    x: dict[str, float]


def owned(withheld: Iterable[str]) -> tuple[Detector, ...]:
    """The operator axis's own detectors, less those that would measure what the mapping made up."""
    left_out = frozenset(withheld)
    return tuple(d for d in BUILTIN if d.axis == "operator" and d.name not in left_out)


def clusters(
    batches: Iterable[pa.RecordBatch], accounts: pa.Table, names: list[str], withheld: Iterable[str]
) -> list[Cluster]:
    """Every suspect with more than one account and its odds of having one operator."""
    scene = build(fingerprints(batches, load_model(), b"bench"), accounts)
    position = {name: i for i, name in enumerate(names)}
    place = np.array([position[str(name)] for name in scene.roster.names.column("account_id").to_pylist()], np.int64)
    weights, detectors = load_weights(), owned(withheld)
    found: list[Cluster] = []
    for suspect in find_suspects(scene):
        if len(suspect.nodes) > 1:
            judged = judge(suspect, detectors, weights)
            found.append(
                Cluster(
                    accounts=place[suspect.accounts],
                    found_in=suspect.found_in,
                    probability=probability(judged.operator),
                    x={name: value.x for name, value in judged.measured.items()},
                )
            )
    return found


def scores(found: list[Cluster], count: int) -> Float:
    """float64[count]: the highest probability of a cluster that holds the account, 0 where none does."""
    best = np.zeros(count)
    for cluster in found:
        best[cluster.accounts] = np.maximum(best[cluster.accounts], cluster.probability)
    return best
