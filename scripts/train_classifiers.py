"""Train word rarity and the per-exchange classifiers, calibrate them on held-out sources, write weights and model card.

    python scripts/train_classifiers.py [--corpus DIR] [--seed N]

Deterministic for a corpus and a seed. Writes src/stillwatch/text/weights.npz, weights.json beside it (provenance and
figures) and docs/model-card.md. No figure in the card is typed by hand. About three minutes and 2 GB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.console import Console
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import classifier_card
from classifier_corpus import FOLDS, SOURCES, Sample, collect
from stillwatch.model import CAPABILITIES
from stillwatch.text.classify import STRUCTURE, structure_of
from stillwatch.text.kernel import KEYS_ONLY, list_words, pair_hashes, read_column
from stillwatch.text.strings import strings_of
from stillwatch.text.weights import BUCKETS, PAIR_BUCKETS

VERSION = 1
ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "src/stillwatch/text/weights.npz"
CARD = ROOT / "docs/model-card.md"
STRENGTH = 1.0  # inverse of the L2 penalty
Float = NDArray[np.float64]
console = Console(stderr=True)


def word_matrix(texts: list[str]) -> sparse.csr_matrix:
    """(n, buckets) counts over the square root of the length, as ``classify.logits_of`` weighs them."""
    listed, counts = list_words(strings_of(pa.array(texts, pa.large_string())))
    taken = np.arange(listed.shape[1]) < counts[:, None]
    rows = np.broadcast_to(np.arange(len(texts))[:, None], listed.shape)[taken]
    singles = (listed[taken] >> np.uint64(50)).astype(np.int64)
    pairs = (pair_hashes(listed)[taken] >> np.uint64(49)).astype(np.int64) + BUCKETS
    value = (1.0 / np.sqrt(np.maximum(counts, 1)))[rows]
    shape = (len(texts), BUCKETS + PAIR_BUCKETS)
    return sparse.csr_matrix((np.tile(value, 2), (np.tile(rows, 2), np.concatenate([singles, pairs]))), shape)


def rarity_of(matrix: sparse.csr_matrix) -> NDArray[np.uint8]:
    """1-127 per word bucket: log inverse document frequency; unseen words are the rarest."""
    documents = np.asarray((matrix[:, :BUCKETS] > 0).sum(axis=0)).ravel()
    inverse = np.log((1 + matrix.shape[0]) / (1 + documents)) / np.log(1 + matrix.shape[0])
    return np.clip(np.rint(127 * inverse), 1, 127).astype(np.uint8)


def row_structure(samples: list[Sample], seed: int) -> NDArray[np.float32]:
    """What a log would say beside the text. Half of the rows say nothing, and a few say what does not fit."""
    rng = np.random.default_rng(seed)
    names = np.array([CAPABILITIES[sample.capability] for sample in samples])
    n = len(samples)
    tooled = np.isin(names, ["tool_use", "agentic_coding", "orchestration", "computer_use"]) ^ (rng.random(n) < 0.04)
    tools = np.where(tooled, 1 + rng.poisson(np.where(names == "orchestration", 12, 4)), 0)
    seen = np.isin(names, ["vision", "computer_use"]) ^ (rng.random(n) < 0.02)
    turns = 1 + rng.poisson(np.where(np.isin(names, ["orchestration", "agentic_coding", "computer_use"]), 14, 2))
    silent = rng.random(n) < 0.5
    code = read_column(strings_of(pa.array([s.text for s in samples], pa.large_string())), *KEYS_ONLY).has_code
    tools, images, turns = (np.where(silent, 0, said).astype(np.int32) for said in (tools, seen, turns))
    return structure_of(tools, images, turns, code)


def weights_of(samples: list[Sample], positive: NDArray[Any], used: NDArray[np.bool_]) -> Float:
    """Row weights: large sources count by their root, and every class counts the same."""
    sources = np.array([sample.source for sample in samples])
    _, where, sizes = np.unique(sources, return_inverse=True, return_counts=True)
    weight = np.where(used, 1.0 / np.sqrt(sizes[where]), 0.0)
    for label in np.unique(positive[used]):
        rows = used & (positive == label)
        weight[rows] /= weight[rows].sum()
    return weight * used.sum() / weight.sum()


def fit(matrix: sparse.csr_matrix, target: NDArray[Any], weight: Float) -> tuple[Float, Float]:
    """Coefficients (columns, outputs) and intercepts of a logistic regression."""
    rows = weight > 0
    model = LogisticRegression(C=STRENGTH, max_iter=80, tol=1e-5)
    model.fit(matrix[rows], target[rows], sample_weight=weight[rows])
    return model.coef_.T, model.intercept_


def platt(logit: Float, positive: NDArray[np.bool_], weight: Float) -> tuple[float, float]:
    """Slope and offset from logit to log2 likelihood ratio; classes weigh the same, so the prior drops out."""
    model = LogisticRegression(C=1e6).fit(logit[:, None], positive, sample_weight=weight)
    return float(model.coef_[0, 0] / np.log(2)), float(model.intercept_[0] / np.log(2))


class Problem:
    """Features and the four targets: capability, then the three binary labels."""

    def __init__(self, samples: list[Sample], seed: int) -> None:
        self.samples = samples
        self.words = word_matrix([sample.text for sample in samples])
        self.full = sparse.csr_matrix(sparse.hstack([self.words, row_structure(samples, seed)]))
        self.fold = np.array([sample.fold for sample in samples])
        everything = np.ones(len(samples), bool)
        self.targets = [(np.array([sample.capability for sample in samples]), everything)]
        for at in range(3):
            label = [sample.labels[at] for sample in samples]
            self.targets.append((np.array([bool(x) for x in label]), np.array([x is not None for x in label])))

    def fit(self, task: int, rows: NDArray[np.bool_]) -> tuple[Float, Float]:
        target, used = self.targets[task]
        matrix = self.full if task == 0 else self.words
        return fit(matrix, target, weights_of(self.samples, target, used & rows))

    def held_out(self, task: int) -> Float:
        """Logits of every row from a model that saw nothing of its fold."""
        matrix = self.full if task == 0 else self.words
        out = np.zeros((len(self.samples), len(CAPABILITIES) if task == 0 else 1))
        for fold in range(FOLDS):
            coefficients, intercept = self.fit(task, self.fold != fold)
            rows = self.fold == fold
            known = np.unique(self.targets[0][0][~rows]) if task == 0 else [0]
            out[np.ix_(rows, known)] = matrix[rows] @ coefficients + intercept
            console.log(f"task {task} fold {fold}")
        return out


def quantised(coefficients: Float) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(columns, 16) int8 and the scale of each output; the rarest 1 in 20,000 weights are cut."""
    scale = np.maximum(np.quantile(np.abs(coefficients), 0.99995, axis=0), 1e-6) / 127
    return np.clip(np.rint(coefficients / scale), -127, 127).astype(np.int8), scale.astype(np.float32)


def assemble(problem: Problem, calibration: list[tuple[float, float]]) -> dict[str, NDArray[Any]]:
    """The arrays of the weights file, from models of all rows."""
    everything = np.ones(len(problem.samples), bool)
    fitted = [problem.fit(task, everything) for task in range(4)]
    columns = BUCKETS + PAIR_BUCKETS
    words = np.concatenate([fitted[0][0][:columns], *(f[0] for f in fitted[1:]), np.zeros((columns, 1))], axis=1)
    small, scale = quantised(words)
    structure = np.zeros((len(STRUCTURE), 16), np.float32)
    structure[:, : len(CAPABILITIES)] = fitted[0][0][columns:]
    return {
        "rarity": rarity_of(problem.words),
        "singles": small[:BUCKETS],
        "pairs": small[BUCKETS:],
        "structure": structure,
        "bias": np.concatenate([*(f[1] for f in fitted), [0.0]]).astype(np.float32),
        "scale": scale,
        "slope": np.array([slope for slope, _ in calibration], np.float32),
        "offset": np.array([offset for _, offset in calibration], np.float32),
    }


def provenance(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """What the weights were made of."""
    digests = {name: hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in SOURCES}
    return {"script_version": VERSION, "seed": seed, "rows": count, "corpus_sha256": digests}


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--corpus", type=Path, default=Path(os.environ.get("STILLWATCH_CORPUS", ROOT / "../shared/data"))
    )
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    samples = collect(chosen.corpus, chosen.seed)
    problem = Problem(samples, chosen.seed)
    console.log(f"{len(samples)} texts")
    logits = [problem.held_out(task) for task in range(4)]
    calibration = []
    for task in (1, 2, 3):
        target, used = problem.targets[task]
        weight = weights_of(samples, target, used)
        calibration.append(platt(logits[task][used, 0], target[used], weight[used]))
    origin = provenance(chosen.corpus, chosen.seed, len(samples))
    arrays = assemble(problem, calibration)
    arrays["provenance"] = np.array(json.dumps(origin, sort_keys=True))
    save: Any = np.savez_compressed  # its stub takes array names for its own options
    save(WEIGHTS, **arrays)
    figures = classifier_card.measure(samples, problem.targets, logits, calibration)
    WEIGHTS.with_suffix(".json").write_text(json.dumps(origin | {"figures": figures}, indent=1, sort_keys=True) + "\n")
    CARD.write_text(classifier_card.render(origin, figures, WEIGHTS.stat().st_size))
    console.log(f"wrote {WEIGHTS.name} ({WEIGHTS.stat().st_size / 1e6:.2f} MB) and {CARD.name}")


if __name__ == "__main__":
    main()
