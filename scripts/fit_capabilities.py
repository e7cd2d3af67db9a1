"""Fit the networks that name what a campaign harvests, and say how often they are right on worlds left out.

    python scripts/fit_capabilities.py WORLD... [--last-seed 2029] [--write]

Each WORLD is a composed world (``prints.arrow`` or ``exchanges.parquet``, ``accounts.parquet``, ``truth/``) with a seed
from 1000 on. Worlds with seeds up to ``--last-seed`` are fitted on, the others measured. A campaign enters with its
true members, and once more with a tenth of honest accounts among them, as a scan might find it. ``--write`` writes
src/stillwatch/campaigns/capabilities.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from stillwatch import pipeline, tables
from stillwatch.campaigns.capabilities import (
    FARTHEST,
    FEATURES,
    NO_RESPONSE,
    OTHER,
    USUAL_OUTPUT,
    Network,
    Reader,
    cells,
    spaced,
    without,
)
from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.model import CAPABILITIES
from stillwatch.operators.affinity import affinity
from stillwatch.text import load_model

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
TARGET = Path(__file__).parents[1] / "src/stillwatch/campaigns/capabilities.json"
FIRST_SEED = 1000
STRANGERS = 0.1
DRAWS = 60  # cells per campaign, so that campaigns count alike
NETWORKS, UNITS, DECAY, ROUNDS = 6, 24, 0.3, 30  # of four settings tried, none better than by chance
LEAST_SCALE = 0.05
# composed worlds always log responses, sources need not: neither their text nor, some of them, their token counts
LOGGED: tuple[dict[str, float], ...] = ({},)
NOT_LOGGED = (NO_RESPONSE, NO_RESPONSE | {"output": USUAL_OUTPUT})


class Example(msgspec.Struct, kw_only=True):
    """One campaign as a suspect. ``real``: (cells, 12) rows of each true capability, organic ones under ``other``."""

    world: str
    seed: int
    strangers: bool
    top: str
    mix: dict[str, float]
    size: Any
    features: Any
    real: Any
    before: dict[str, float]


def read_prints(world: Path) -> pa.Table:
    """Kept fingerprints, or made from the exchanges."""
    if (world / "prints.arrow").exists():
        return feather.read_table(world / "prints.arrow")
    batches = (b.cast(tables.EXCHANGES) for b in pq.ParquetFile(world / "exchanges.parquet").iter_batches(65_536))
    return pipeline.fingerprints(batches, load_model(), b"fit")


def capability_of_rows(world: Path, scene: Scene) -> Int:
    """True capability of every row, ``OTHER`` where it is no harvest."""
    truth = pq.read_table(world / "truth" / "truth_exchanges.parquet")
    code = {name: i for i, name in enumerate(CAPABILITIES)}
    asked = zip(*(truth.column(n).to_pylist() for n in ("exchange_id", "harvest", "capability")), strict=True)
    known = {name: code[capability] if harvest else OTHER for name, harvest, capability in asked}
    return np.array([known[name] for name in scene.facts.table.column("exchange_id").to_pylist()])


def labelled(suspect: Suspect, rows: Int) -> dict[str, float]:
    """The mix as the labels of single prompts have it: what the networks must be better than."""
    label = suspect.column("capability", rows).astype(np.int64)
    count = Counter(CAPABILITIES[i] for i in label.tolist()) or Counter(other=1)
    return {name: number / count.total() for name, number in count.most_common()}


def examples(world: Path) -> Iterator[Example]:
    """Every extraction campaign of one world, twice."""
    side = world / "accounts.parquet"
    scene = pipeline.build(read_prints(world), pq.read_table(side) if side.exists() else None)
    capability = capability_of_rows(world, scene)
    position = {(n["platform"], n["account_id"]): i for i, n in enumerate(scene.roster.names.to_pylist())}
    truth = pq.read_table(world / "truth" / "truth_accounts.parquet").to_pylist()
    honest = np.array([position[r["platform"], r["account_id"]] for r in truth if r["kind"] == "honest"])
    seed = int(json.loads((world / "world.json").read_text())["seed"])
    dice = np.random.default_rng(seed)
    for plan in json.loads((world / "truth" / "truth_campaigns.json").read_text()):
        if plan["verdict"] != "extraction":
            continue
        members = np.array([position[account[0], account[1]] for account in plan["accounts"]])
        guests = dice.choice(honest, max(1, round(STRANGERS * len(members))), replace=False)
        for accounts in (members, np.concatenate([members, guests])):
            node = np.zeros(len(scene.roster.node_size), dtype=bool)
            node[scene.roster.node[accounts]] = True
            suspect = Suspect(
                scene=scene, members=node, affinity=affinity(scene.views, node), found_in="truth", held_out_p={}
            )
            rows = spaced(suspect.harvest_rows)
            features, cell = cells(suspect, rows)
            real = np.zeros((len(features), len(CAPABILITIES)))
            np.add.at(real, (cell, capability[rows]), 1)
            yield Example(
                world=world.name,
                seed=seed,
                strangers=len(accounts) > len(members),
                top=plan["top_capability"],
                mix=plan["capabilities"],
                size=real.sum(axis=1),
                features=features,
                real=real,
                before=labelled(suspect, rows),
            )


def fit(found: Sequence[Example], provenance: dict[str, str]) -> Reader:
    """Networks over cells drawn by their share of each campaign."""
    everything = np.concatenate([e.features for e in found])
    mean, scale = everything.mean(axis=0).round(4), (everything.std(axis=0) + LEAST_SCALE).round(4)
    made: list[tuple[Network, ...]] = []
    for blanks in (LOGGED, NOT_LOGGED):
        networks: list[Network] = []
        for seed in range(NETWORKS):
            x, y = _drawn(found, blanks, seed)
            networks.append(_network(np.clip((x - mean) / scale, -FARTHEST, FARTHEST), y, seed))
        made.append(tuple(networks))
    return Reader(
        version="1",
        features=FEATURES,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        networks=made[0],
        blind=made[1],
        provenance=provenance,
    )


def _drawn(found: Sequence[Example], blanks: Sequence[dict[str, float]], seed: int) -> tuple[Float, Int]:
    """Features and true capability of cells, each campaign's drawn by the number of their rows."""
    dice = np.random.default_rng(seed)
    x, y = [], []
    for example in found:
        share = (example.real / example.real.sum()).ravel()
        for blank in blanks:
            chosen = dice.choice(share.size, DRAWS // len(blanks), p=share)
            x.append(without(example.features, blank)[chosen // len(CAPABILITIES)])
            y.append(chosen % len(CAPABILITIES))
    return np.concatenate(x), np.concatenate(y)


def _network(points: Float, label: Int, seed: int) -> Network:
    fitted: Any = MLPClassifier(
        (UNITS,),
        activation="tanh",
        alpha=DECAY,
        max_iter=ROUNDS,
        batch_size=256,
        learning_rate_init=2e-3,
        random_state=seed,
    ).fit(points, label)
    outer = np.zeros((UNITS, len(CAPABILITIES)))
    bias = np.full(len(CAPABILITIES), -30.0)  # capabilities that no campaign had
    outer[:, fitted.classes_], bias[fitted.classes_] = fitted.coefs_[1], fitted.intercepts_[1]

    def rows(matrix: Float) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(row) for row in matrix.round(2).tolist())

    return Network(
        inner=rows(fitted.coefs_[0]),
        inner_bias=tuple(fitted.intercepts_[0].round(2).tolist()),
        outer=rows(outer),
        outer_bias=tuple(bias.round(2).tolist()),
    )


def mix_of(reader: Reader, example: Example, blank: dict[str, float]) -> dict[str, float]:
    """As ``capability_mix`` has it, from kept features."""
    share = example.size @ reader(without(example.features, blank))
    share[OTHER] = 0.0
    share /= share.sum()
    return {CAPABILITIES[i]: float(share[i]) for i in np.argsort(-share, kind="stable").tolist()}


def report(reader: Reader, found: Sequence[Example], title: str, blank: dict[str, float]) -> None:
    """Right tops before and after, the mean error of the mix, and what each capability was named."""
    if not found:
        return
    named: dict[str, Counter[str]] = defaultdict(Counter)
    before, error = 0, 0.0
    for example in found:
        mix = mix_of(reader, example, blank)
        named[example.top][next(iter(mix))] += 1
        before += next(iter(example.before)) == example.top
        error += sum(abs(mix.get(n, 0.0) - example.mix.get(n, 0.0)) for n in CAPABILITIES) / 2 / len(found)
    right = sum(count[top] for top, count in named.items())
    sys.stdout.write(
        f"{title}: {right}/{len(found)} = {right / len(found):.3f} right"
        f" (labels alone {before / len(found):.3f}), mix off by {error:.3f}\n"
    )
    for top in sorted(named):
        sys.stdout.write(f"  {top:22}" + ", ".join(f"{n} {c}" for n, c in named[top].most_common()) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", type=Path, nargs="+")
    parser.add_argument("--last-seed", type=int, default=2029)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
    found = [example for world in chosen.worlds for example in examples(world)]
    if any(example.seed < FIRST_SEED for example in found):
        parser.error(f"seeds below {FIRST_SEED} are for measuring quality")
    known = [e for e in found if e.seed <= chosen.last_seed]
    names = ",".join(sorted({e.world for e in known}))
    script = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    reader = fit(known, {"worlds": names, "campaigns": str(len(known)), "script": script})
    rest = [e for e in found if e.seed > chosen.last_seed]
    for strangers in (False, True):
        part = [e for e in rest if e.strangers == strangers]
        whose = "left out, a tenth strangers" if strangers else "left out"
        report(reader, part, whose, LOGGED[0])
        report(reader, part, f"{whose}, responses not logged", NOT_LOGGED[-1])
    if chosen.write:
        TARGET.write_bytes(msgspec.json.encode(reader) + b"\n")


if __name__ == "__main__":
    main()
