"""Seeded chance: one independent stream per purpose, keyed hashes for identifiers.

Knows nothing of worlds. A stream's name fixes its draws, so adding a look-alike leaves the draws of the others alone.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def _digest(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "little")


class Dice:
    """A named stream. ``child`` derives another; two streams of one name and seed draw alike."""

    __slots__ = ("_name", "_seed", "array", "one")

    def __init__(self, seed: int, name: str = "world") -> None:
        self._seed, self._name = seed, name
        digest = _digest(seed, name)
        self.one = random.Random(digest)
        self.array = np.random.default_rng(digest)

    def child(self, name: str) -> Dice:
        return Dice(self._seed, f"{self._name}/{name}")

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.one.random() * len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        return self.one.choices(options, weights)[0]

    def mapped(self, weights: dict[T, float]) -> T:
        return self.one.choices(list(weights), list(weights.values()))[0]

    def chance(self, probability: float) -> bool:
        return self.one.random() < probability

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.one.random()

    def whole(self, low: int, high: int) -> int:
        """Uniform over ``low..high`` inclusive."""
        return low + int(self.one.random() * (high - low + 1))

    def heavy(self, median: float, spread: float, low: float = 1.0, high: float = 1e9) -> float:
        """Log-normal about ``median`` with ``spread`` = sd of the logarithm, clipped."""
        return min(high, max(low, median * math.exp(self.one.gauss(0.0, spread))))

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        return self.one.sample(options, min(count, len(options)))

    def shuffled(self, options: Sequence[T]) -> list[T]:
        out = list(options)
        self.one.shuffle(out)
        return out

    def token(self, size: int = 16) -> str:
        return f"{self.one.getrandbits(size * 4):0{size}x}"


class Names:
    """Identifiers by keyed hash: nothing about the order of creation or the side can be read from them."""

    __slots__ = ("_key",)

    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2b(f"names/{seed}".encode(), digest_size=32).digest()

    def of(self, kind: str, number: int, size: int = 10) -> str:
        return hashlib.blake2b(f"{kind}/{number}".encode(), digest_size=size, key=self._key).hexdigest()
