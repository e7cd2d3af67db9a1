"""Everything fitted: trees per axis, what makes a member, and how often a verdict on such odds is right.

The file is written by ``scripts/fit.py`` from labelled worlds and carries where it came from. A detector that no tree
reads weighs nothing: a weight nobody measured is not a weight.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec
import numpy as np

from stillwatch.campaigns.forest import Forest
from stillwatch.errors import ConfigError


class Confidence(msgspec.Struct, frozen=True, kw_only=True):
    """How often a verdict is right.

    log2 odds = ``intercept`` + ``own`` x the weaker of its axes + ``others`` x the same of overlapping clusters
    + ``size`` x log2 of its accounts. ``alone`` stands for ``others`` where there are none.
    """

    intercept: float
    own: float
    others: float
    size: float
    alone: float

    def __call__(self, own: float, others: float, accounts: int) -> float:
        known = self.alone if np.isnan(others) else others
        bits = self.intercept + self.own * own + self.others * known + self.size * float(np.log2(accounts))
        return probability(bits)


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """``operator``, ``harvest``, ``resale``: trees for groups. ``solo``: harvest by an account alone.

    ``confidence``: verdict -> how often it is right.
    """

    version: str
    operator: Forest
    harvest: Forest
    resale: Forest
    solo: Forest
    member: Forest
    confidence: dict[str, Confidence]
    provenance: dict[str, str]


@cache
def load_weights() -> Weights:
    """The shipped file."""
    try:
        raw = resources.files("stillwatch.campaigns").joinpath("weights.json").read_bytes()
        return msgspec.json.decode(raw, type=Weights)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"fitted weights cannot be read: {error}", where="campaigns/weights.json", hint="run make fit"
        ) from error


def probability(bits: float) -> float:
    """Of log2 odds."""
    return float(1.0 / (1.0 + 2.0 ** -np.clip(bits, -60, 60)))
