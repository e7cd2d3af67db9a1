"""Windows of traffic against honest history by maximum mean discrepancy, under two nulls.

The statistic is unbiased MMD² between a window of prompts and references drawn from honest history, with a mixture of
Gaussian kernels. The released detector averages it over twenty references, but takes its null from single pairs of
honest windows: the average varies less than what it is held against, so the nominal 5% test hardly ever fires. The
other null here permutes prompts between the window and one pooled reference, which is exact for exchangeable prompts.
Neither is right for an honest *account*, whose prompts are not drawn from everybody's: see ``rejections``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from scipy import sparse

from stillwatch.bench.peers.log import Float, Labelled, Log
from stillwatch.bench.peers.words import Space, counts, stack

REFERENCES = 20  # draws the released statistic averages over
NULL_DRAWS = 1_000
LEVEL = 0.05
PERMUTATIONS = 199  # the smallest p-value is 1/200
COLUMNS = 2**15  # of hashed words: a space of 64 dimensions over them is 16 MB
HISTORY = 4_000  # honest prompts kept as history
BANDWIDTH_SAMPLE = 1_000
SPLITS = 10
SEED = 11
SCALES = (0.5, 1.0, 2.0, 4.0)  # of the median distance, as released


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Honest prompts as points, their space, and the kernel widths they give."""

    space: Any
    points: Float
    widths: tuple[float, ...]

    @classmethod
    def of(cls, prompts: sparse.csr_matrix, dimensions: int) -> History:
        """From word counts [prompts x columns] of honest prompts."""
        space = Space(prompts, min(dimensions, prompts.shape[0] - 1))
        points = space.place(prompts)
        some = points[np.random.default_rng(SEED).permutation(len(points))[:BANDWIDTH_SAMPLE]]
        apart = squared_distances(some, some)[np.triu_indices(len(some), 1)]
        middle = float(np.sqrt(np.median(apart[apart > 0]))) if (apart > 0).any() else 1.0
        return cls(space=space, points=points, widths=tuple(scale * middle for scale in SCALES))

    def kernel(self, left: Float, right: Float) -> Float:
        """float64[left, right]: the mean of the Gaussian kernels."""
        apart = squared_distances(left, right)
        return np.mean([np.exp(-apart / (2 * width * width)) for width in self.widths], axis=0)


def squared_distances(left: Float, right: Float) -> Float:
    """float64[left, right]."""
    cross = left @ right.T
    return np.maximum((left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2 * cross, 0.0)


def mmd2(kernel: Float, first: Float) -> Float:
    """Unbiased MMD² for many splits at once.

    ``kernel``: float64[n, n] of the pooled sample; ``first``: 0/1 float64[splits, n], who is in the first sample.
    """
    second = 1.0 - first
    one, two = first.sum(1), second.sum(1)
    own = np.diag(kernel)
    left = first @ kernel
    within = ((left * first).sum(1) - first @ own) / (one * (one - 1))
    other = ((second @ kernel) * second).sum(1)
    return within + (other - second @ own) / (two * (two - 1)) - 2 * (left * second).sum(1) / (one * two)


class Mmd(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account's newest prompts lie from honest history, in units of the null. Cost: 10 ms an account."""

    name: ClassVar[str] = "MMD (released null)"
    source: ClassVar[str] = "Liu, Guo and Dong 2026 (arXiv 2606.05725)"
    published: ClassVar[float | None] = 1.0  # the 95th percentile of its null, which is the unit of the score
    replaces: ClassVar[str] = "bge-small sentence vectors by LSA of hashed words; windows of 1,500 by an account's own"

    dimensions: int = 64
    smallest: int = 20  # prompts below which a window is not tested
    longest: int = 100  # newest prompts of an account that make its window; released: 1,500 of all traffic
    history: Any = None

    def candidates(self) -> Sequence[Self]:
        """Shorter and longer windows, a wider space."""
        return [
            msgspec.structs.replace(self, dimensions=dimensions, longest=longest, smallest=smallest)
            for dimensions in (self.dimensions, 128)
            for longest in (self.longest, 40)
            for smallest in (self.smallest, 10, 5)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:
        keep = worlds[0].log.kept
        history = keep(("mmd history", self.dimensions), lambda: History.of(honest_prompts(worlds), self.dimensions))
        return msgspec.structs.replace(self, history=history)

    def score(self, log: Log) -> Float:
        assert self.history is not None, "learn() first: there is no honest history"
        points = log.kept(("mmd points", self.dimensions), lambda: self.history.space.place(words_of(log)))
        windows = [points[rows[-self.longest :]] for rows in log.rows]
        # candidates that differ in ``smallest`` alone share what they test
        done: dict[int, float] = log.kept((self.name, self.dimensions, self.longest), dict)
        return self.windows(windows, done)

    def windows(self, windows: Sequence[Float], done: dict[int, float] | None = None, salt: int = 0) -> Float:
        """float64[windows] of windows float64[size, dimensions]; 0 for those too small to test."""
        tested = {} if done is None else done
        nulls: dict[int, float] = {}
        found = np.zeros(len(windows))
        for i, window in enumerate(windows):
            if len(window) >= max(2, self.smallest):
                if i not in tested:
                    tested[i] = self._score(window, np.random.default_rng([SEED, salt, i]), nulls)
                found[i] = tested[i]
        return found

    def _score(self, window: Float, rng: np.random.Generator, nulls: dict[int, float]) -> float:
        """The released statistic over the released 95th percentile for windows of this size."""
        size = min(len(window), len(self.history.points) // 2)
        near = min(2 ** round(np.log2(size)), len(self.history.points) // 2)
        if near not in nulls:
            nulls[near] = released_limit(self.history, near)
        # released windows are all of one size; ours are not, and under the null MMD² goes down as its deviation does
        limit = nulls[near] * float(np.sqrt(near * (near - 1) / (size * (size - 1))))
        draws = [draw(self.history, size, rng) for _ in range(REFERENCES)]
        inside = self.history.kernel(window, window)
        own = (inside.sum() - np.trace(inside)) / (len(window) * (len(window) - 1))
        apart = 0.0
        for points in draws:
            among = self.history.kernel(points, points)
            across = self.history.kernel(points, window).mean()
            apart += (among.sum() - np.trace(among)) / (size * (size - 1)) - 2 * across
        return float((own + apart / REFERENCES) / max(limit, 1e-12))


class MmdPermuted(Mmd, frozen=True, kw_only=True):
    """The same question under a permutation null: the statistic in units of its permutations' 95th percentile."""

    name: ClassVar[str] = "MMD (permutation null)"
    published: ClassVar[float | None] = 1.0  # the 95th percentile of the permutations, which is the unit of the score

    def _score(self, window: Float, rng: np.random.Generator, nulls: dict[int, float]) -> float:  # noqa: ARG002
        """MMD² against one pooled reference over the 95th percentile of its permutations."""
        reference = draw(self.history, min(REFERENCES * len(window), 400, len(self.history.points)), rng)
        kernel = pooled_kernel(self.history, window, reference)
        observed, permuted = permutation(kernel, len(window), rng)
        return float(observed / max(upper(permuted, observed), 1e-12))


def draw(history: History, size: int, rng: np.random.Generator) -> Float:
    """Honest points, each at most once."""
    return history.points[rng.choice(len(history.points), size, replace=False)]


def pooled_kernel(history: History, window: Float, reference: Float) -> Float:
    """float64[n, n] of the window followed by the reference."""
    pooled = np.vstack([window, reference])
    return history.kernel(pooled, pooled)


def permutation(kernel: Float, size: int, rng: np.random.Generator) -> tuple[float, Float]:
    """(MMD² of the first ``size`` against the rest, MMD² of ``PERMUTATIONS`` random splits of the same sizes)."""
    splits = np.zeros((PERMUTATIONS + 1, len(kernel)))
    splits[0, :size] = 1
    for split in splits[1:]:
        split[rng.choice(len(kernel), size, replace=False)] = 1
    values = mmd2(kernel, splits)
    return float(values[0]), values[1:]


def upper(permuted: Float, observed: float) -> float:
    """The value that a p-value of 5% just reaches: the observed split counts among the permutations."""
    ranked = np.sort(np.append(permuted, observed))
    return float(ranked[int(np.ceil((1 - LEVEL) * len(ranked)))])


def released_limit(history: History, size: int) -> float:
    """The released threshold: the 95th percentile of MMD² between single disjoint pairs of honest windows."""
    rng = np.random.default_rng([SEED, size])
    found = np.zeros(NULL_DRAWS)
    split = np.repeat([[1.0, 0.0]], size, axis=1)
    for i in range(NULL_DRAWS):
        both = draw(history, 2 * size, rng)
        found[i] = mmd2(history.kernel(both, both), split)[0]
    return float(np.percentile(found, 100 * (1 - LEVEL)))


def words_of(log: Log) -> sparse.csr_matrix:
    """Word counts [exchanges x COLUMNS]."""
    return counts(log, 1, COLUMNS)


def honest_prompts(worlds: Sequence[Labelled]) -> sparse.csr_matrix:
    """Word counts of an even sample of the honest accounts' prompts, ``HISTORY`` in all."""
    parts = []
    for world in worlds:
        rows = np.flatnonzero(world.honest[world.log.owner])
        picked = np.random.default_rng(SEED).permutation(rows)[: HISTORY // len(worlds)]
        parts.append(words_of(world.log)[np.sort(picked)])
    return stack(parts)


def rejections(peer: Mmd, world: Labelled, size: int, count: int) -> dict[str, float | None]:
    """How often a nominal 5% test rejects honest windows of ``size``: the calibration both nulls are held to.

    "drawn": prompts drawn from the same honest traffic as the history, parted anew ``SPLITS`` times: the case a null is
    made for. "account": the newest prompts of one honest account each, against a history of all of them: the case an
    alarm is raised on. Share of about ``count`` windows; None where there is none.
    """
    log, rng = world.log, np.random.default_rng([SEED, size])
    rows = np.flatnonzero(world.honest[log.owner])
    words = words_of(log)
    whole = History.of(words[np.sort(rng.permutation(rows)[:HISTORY])], peer.dimensions)
    points = whole.space.place(words)
    drawn: list[float] = []
    for split in range(SPLITS):
        # one split leaves history and windows a little apart, and every window of it alike
        mixed = rng.permutation(rows)
        history = msgspec.structs.replace(whole, points=points[mixed[: min(HISTORY, len(rows) // 2)]])
        fresh = mixed[len(rows) // 2 :]
        windows = [points[rng.choice(fresh, size, replace=False)] for _ in range(count // SPLITS)]
        drawn += _tested(peer, history, windows, split)
    newest = [points[log.rows[i][-size:]] for i in rng.permutation(np.flatnonzero(world.honest))]
    account = _tested(peer, whole, [window for window in newest if len(window) == size][:count], SPLITS)
    return {"drawn": _rate(drawn), "account": _rate(account)}


def _tested(peer: Mmd, history: History, windows: Sequence[Float], salt: int) -> list[float]:
    ready = msgspec.structs.replace(peer, history=history, smallest=2)
    return ready.windows(windows, salt=salt).tolist()


def _rate(scores: Sequence[float]) -> float | None:
    return float(np.mean(np.array(scores) >= 1)) if len(scores) else None
