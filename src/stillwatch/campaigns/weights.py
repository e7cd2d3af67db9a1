"""Fitted curves: from a detector's raw measurement to bits, and from bits to a probability.

The file is written by ``scripts/fit.py`` from labelled worlds and carries where it came from. A detector without a
curve weighs nothing: a weight nobody measured is not a weight.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.errors import ConfigError

Bits = TypeVar("Bits", float, npt.NDArray[np.float64])


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Piecewise linear and monotone: ``bits[i]`` at ``x[i]``, flat outside.

    ``unknown`` bits where it cannot tell are 0.
    """

    x: tuple[float, ...]
    bits: tuple[float, ...]

    def __call__(self, x: float) -> float:
        return float(np.interp(x, self.x, self.bits))


class Odds(msgspec.Struct, frozen=True, kw_only=True):
    """log2 odds = ``intercept`` + sum over families of weight x strongest bits; families unlisted weigh nothing."""

    intercept: float
    families: dict[str, float]


class Joint(msgspec.Struct, frozen=True, kw_only=True):
    """Calibration of one axis given both: log2 odds = ``intercept`` + ``operator`` x its odds + ``harvest`` x its odds.

    Unrelated people do not happen to work off one list together, so what is known of one axis informs the other.
    """

    intercept: float
    operator: float
    harvest: float

    def __call__(self, operator: Bits, harvest: Bits) -> Bits:
        return self.intercept + self.operator * operator + self.harvest * harvest


MOST_SUPPORT = 5.0  # bits that the operator axis may lend the harvest axis
MOST_RETURN = 5.0  # and the other way round


def support(operator: float) -> float:
    """What the operator axis may say of the harvest axis."""
    return min(max(operator, -MOST_RETURN), MOST_SUPPORT)


def in_return(harvest: float) -> float:
    """What the harvest axis may say of the operator axis."""
    return min(max(harvest, -MOST_RETURN), MOST_RETURN)


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """``confidence``: verdict -> how often it is right, from the weaker of its two axes.

    ``curves``: detector name -> curve, for groups and (prefix ``solo:``) for accounts alone.
    """

    version: str
    curves: dict[str, Curve]
    operator: Odds
    harvest: Odds
    resale: Odds
    solo: Odds
    member: Odds
    operator_given: Joint
    harvest_given: Joint
    resale_given: Joint
    confidence: dict[str, Joint]
    provenance: dict[str, str]


@cache
def load_weights() -> Weights:
    """The shipped file."""
    try:
        raw = resources.files("stillwatch.campaigns").joinpath("weights.json").read_bytes()
        return msgspec.json.decode(raw, type=Weights)
    except (FileNotFoundError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"fitted weights cannot be read: {error}", where="campaigns/weights.json", hint="run make fit"
        ) from error


def probability(bits: float) -> float:
    """Of log2 odds."""
    return float(1.0 / (1.0 + 2.0 ** -np.clip(bits, -60, 60)))
