"""Grow a ``Forest`` from labelled measurements, with calibration by worlds that its trees did not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier

from stillwatch.campaigns.forest import Forest


class Seam(Protocol):
    """What is asked of a detector here; evidence of an account's own has it too."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def axis(self) -> str: ...


Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
LN2 = float(np.log(2.0))
FOLDS = 3
SEED = 11
LARGEST = 1e300
LEAST_KNOWN = 40  # suspects that a detector must have measured to be read at all
DROPPED = 2  # at most so many families are hidden from a copy of every suspect


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How many trees, how deep, how fast, and how much weight a leaf needs to say what it saw."""

    trees: int = 160
    depth: int = 3
    rate: float = 0.1
    caution: float = 5.0
    least: int = 40  # rows of a leaf


SHALLOW = Shape()
# campaigns are rare among suspects, and the clear ones rarer: shallow, cautious trees never get to say how clear
DEEP = Shape(trees=300, depth=5, rate=0.1, caution=1.0, least=20)


def grow(x: Float, label: Float, weight: Float, detectors: Sequence[Seam], axis: str, shape: Shape = SHALLOW) -> Forest:
    """Trees for one axis. ``x``: float64[suspects, detectors], NaN unknown; ``label``: 0..1, the share that is right.

    Every suspect is shown twice, the second time with one or two families of detectors hidden, so that no verdict
    hangs on a column that the next source may lack.
    """
    kept = [j for j in range(x.shape[1]) if _varies(x[:, j])]
    x, detectors = x[:, kept], [detectors[j] for j in kept]
    blind = _hide_families(x, [d.family for d in detectors])
    model = HistGradientBoostingClassifier(
        max_iter=shape.trees,
        max_depth=shape.depth,
        learning_rate=shape.rate,
        l2_regularization=shape.caution,
        min_samples_leaf=shape.least,
        early_stopping=False,
        random_state=SEED,
        monotonic_cst=[int(d.axis == axis) for d in detectors],
    )
    both, target, share = np.vstack([x, blind]), np.tile(label, 2), np.tile(weight, 2) * 0.5
    # a suspect that is right in part counts in part on either side
    yes, no = target > 0, target < 1
    model.fit(
        np.vstack([both[yes], both[no]]),
        np.repeat([1, 0], [int(yes.sum()), int(no.sum())]),
        sample_weight=np.concatenate([(share * target)[yes], (share * (1 - target))[no]]),
    )
    return _forest(model, x, weight, tuple(d.name for d in detectors))


def _varies(values: Float) -> bool:
    known = values[~np.isnan(values)]
    return len(known) >= LEAST_KNOWN and bool(np.ptp(known) > 0)


def _hide_families(x: Float, families: Sequence[str]) -> Float:
    rng = np.random.default_rng(SEED)
    names = sorted(set(families))
    column = np.array([names.index(family) for family in families])
    hidden = rng.integers(len(names), size=(len(x), DROPPED))
    found = x.copy()
    for k in range(DROPPED):
        found[hidden[:, k, None] == column[None, :]] = np.nan
    return found


def _forest(model: HistGradientBoostingClassifier, x: Float, weight: Float, features: tuple[str, ...]) -> Forest:
    root: list[int] = []
    columns: dict[str, list[float]] = {"feature": [], "threshold": [], "left": [], "right": [], "cover": [], "bits": []}
    for (tree,) in model._predictors:  # noqa: SLF001 - the only way to the trees
        nodes, first = tree.nodes, len(columns["feature"])
        root.append(first)
        leaf = nodes["is_leaf"].astype(bool)
        columns["feature"] += np.where(leaf, -1, nodes["feature_idx"]).tolist()
        # an infinite threshold only parts the known from the unknown, who are averaged over here
        columns["threshold"] += np.where(leaf, 0.0, np.minimum(nodes["num_threshold"], LARGEST)).tolist()
        columns["left"] += np.where(leaf, 0, nodes["left"].astype(np.int64) + first).tolist()
        columns["right"] += np.where(leaf, 0, nodes["right"].astype(np.int64) + first).tolist()
        columns["bits"] += np.where(leaf, nodes["value"] / LN2, 0.0).tolist()
        columns["cover"] += _cover(nodes, x, weight).tolist()
    return Forest(
        features=features,
        start=float(np.ravel(model._baseline_prediction)[0]) / LN2,  # noqa: SLF001
        root=tuple(root),
        feature=tuple(int(v) for v in columns["feature"]),
        threshold=tuple(round(v, 6) for v in columns["threshold"]),
        left=tuple(int(v) for v in columns["left"]),
        right=tuple(int(v) for v in columns["right"]),
        cover=tuple(round(v, 4) for v in columns["cover"]),
        bits=tuple(round(v, 6) for v in columns["bits"]),
    )


def _cover(nodes: np.ndarray, x: Float, weight: Float) -> Float:
    """Weight of the suspects that reach each node by what is known of them, and a little for every node."""
    cover = np.full(len(nodes), 0.5)
    reached = {0: np.arange(len(x))}
    for i in range(len(nodes)):  # children come after their parents
        here = reached.pop(i, np.zeros(0, dtype=np.int64))
        cover[i] += weight[here].sum()
        if not nodes["is_leaf"][i]:
            value = x[here, nodes["feature_idx"][i]]
            reached[int(nodes["left"][i])] = here[value <= nodes["num_threshold"][i]]
            reached[int(nodes["right"][i])] = here[value > nodes["num_threshold"][i]]
    # a parent weighs what its children do: who is unknown there goes no further
    for i in range(len(nodes) - 1, -1, -1):
        if not nodes["is_leaf"][i]:
            cover[i] = cover[nodes["left"][i]] + cover[nodes["right"][i]]
    return cover


def held_out(
    x: Float,
    label: Float,
    weight: Float,
    world: Int,
    detectors: Sequence[Seam],
    axis: str,
    shape: Shape = SHALLOW,
) -> Float:
    """float64[suspects] log2 odds, each from trees that saw nothing of its world."""
    found, names = np.zeros(len(x)), [d.name for d in detectors]
    for fold in range(FOLDS):
        test = world % FOLDS == fold
        if test.any() and not test.all():
            forest = grow(x[~test], label[~test], weight[~test], detectors, axis, shape)
            found[test] = forest.of_table(x[np.ix_(test, [names.index(name) for name in forest.features])])
    return found


def line(bits: Float, label: Float, weight: Float) -> tuple[float, float]:
    """(intercept, slope) of the log2 odds of ``label`` given ``bits``: what was overconfident is drawn in."""
    intercept, slopes = plane(bits[:, None], label, weight)
    return intercept, slopes[0]


def plane(x: Float, label: Float, weight: Float) -> tuple[float, list[float]]:
    """The same for float64[rows, columns]: (intercept, a slope per column, none below 0)."""

    def loss(theta: Float) -> tuple[float, Float]:
        z = (theta[0] + x @ theta[1:]) * LN2
        value = float((weight * (np.logaddexp(0.0, z) - label * z)).sum())
        slope = weight * (1.0 / (1.0 + np.exp(-z)) - label) * LN2
        return value, np.concatenate([[slope.sum()], x.T @ slope])

    start = np.concatenate([[0.0], np.full(x.shape[1], 1.0 / x.shape[1])])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-30, 30)] + [(0.0, 3.0)] * x.shape[1])
    return float(found.x[0]), [float(v) for v in found.x[1:]]
