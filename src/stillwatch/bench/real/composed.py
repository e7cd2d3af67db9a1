"""The same trees on composed worlds, blindfolded as the wallets blindfold them.

Tells what of an outcome on real data is due to the measurements that cannot be made there, and what to the data: in a
composed world everything can be measured, so that it can also be withheld. It says nothing of real traffic.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import numpy as np

from stillwatch.bench.real.axis import owned
from stillwatch.bench.real.measure import NAMED, auc
from stillwatch.campaigns.judge import measure, probability
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.campaigns.weights import load_weights
from stillwatch.compose import compose
from stillwatch.detectors import BUILTIN
from stillwatch.pipeline import build, fingerprints
from stillwatch.text import load_model

SUITE, SEEDS = "small", (1, 2)


class Blindfold(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts of one world by the best cluster that holds each; ``measurements``: which of them the trees were given.

    ``precision``: of accounts named, those that are not honest; clusters that are one party openly count against it,
    because the other axes, which let them go in a scan, are not asked here.
    """

    seed: int
    measurements: str
    auc: float
    named: int
    precision: float | None
    recall: float
    highest_probability: float


def blindfolded(readable: Collection[str]) -> list[Blindfold]:
    """Every world of ``SEEDS`` with all measurements, with the axis's own, and with ``readable`` alone."""
    given = {"all": None, "of the operator axis": {d.name for d in owned(())}, "as on the wallets": set(readable)}
    return [row for seed in SEEDS for row in _world(seed, given)]


def _world(seed: int, given: dict[str, set[str] | None]) -> list[Blindfold]:
    world, forest = compose(SUITE, seed, None), load_weights().operator
    scene = build(fingerprints(world.exchanges.to_batches(), load_model(), b"bench"), world.accounts)
    kind = {(row["platform"], row["account_id"]): row["kind"] for row in world.truth_accounts.to_pylist()}
    names = scene.roster.names.to_pylist()
    guilty = np.array([kind[row["platform"], row["account_id"]] != "honest" for row in names])
    best = {name: np.zeros(len(names)) for name in given}
    for suspect in find_suspects(scene):
        if len(suspect.nodes) > 1:
            x = {name: found.x for name, found in measure(suspect, BUILTIN).items()}
            for name, kept in given.items():
                said = probability(forest({k: v for k, v in x.items() if kept is None or k in kept}))
                best[name][suspect.accounts] = np.maximum(best[name][suspect.accounts], said)
    return [_row(seed, name, score, guilty) for name, score in best.items()]


def _row(seed: int, measurements: str, score: np.ndarray, guilty: np.ndarray) -> Blindfold:
    named = score >= NAMED
    return Blindfold(
        seed=seed,
        measurements=measurements,
        auc=round(auc(score, guilty), 4),
        named=int(named.sum()),
        precision=round(float(guilty[named].mean()), 4) if named.any() else None,
        recall=round(float(named[guilty].mean()), 4),
        highest_probability=round(float(score.max(initial=0.0)), 4),
    )
