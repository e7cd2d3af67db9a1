"""Everything fitted: trees per axis, what an account does alone, what makes a member, how sure a verdict is.

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


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """``operator``, ``harvest``, ``resale``: trees for groups. ``solo``: harvest by an account with much traffic.

    ``conduct``: the same by what any account does (``tally.conduct``). ``member``: belonging to a campaign.
    ``confidence``: verdict -> share of its accounts that it is right about, by ``opinions.CONTEXT``.
    """

    version: str
    operator: Forest
    harvest: Forest
    resale: Forest
    solo: Forest
    conduct: Forest
    member: Forest
    confidence: dict[str, Forest]
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


def log_odds(chance: float) -> float:
    """Log2 odds of a probability."""
    within = float(np.clip(chance, 1e-9, 1 - 1e-9))
    return float(np.log2(within / (1 - within)))
