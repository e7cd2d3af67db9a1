"""What a match with a signature is worth: bits per family to log2 odds to a probability, as fitted on labelled worlds.

Written by ``scripts/fit_signatures.py``, which says in the file where the figures came from. Content alone proves
nothing here: at least two families have to speak, one of them of something that changes hands less easily than a text.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.traits import FAMILIES, OF_ACCOUNTS
from stillwatch.errors import ConfigError

Bits = npt.NDArray[np.float32]
Float = npt.NDArray[np.float64]
SPEAKS_BITS = 1.0  # from here on a family says something
LEAST_FAMILIES = 2
BEYOND_CONTENT = np.array([family != "content" for family in FAMILIES])
OF_SIDE = np.array([family in OF_ACCOUNTS for family in FAMILIES])
NEVER = -60.0


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """``weights``: of each bit a family adds, up to ``cap_bits``; ``lacking``: of each bit of counter-evidence.

    ``odds``, ``chance``: ascending points between which probabilities lie on a line. ``act``: probability from which
    fewer than 2 of 10,000 honest accounts of the fitting worlds were recognised.
    """

    weights: dict[str, float]
    lacking: dict[str, float]
    base: float
    cap_bits: float
    odds: tuple[float, ...]
    chance: tuple[float, ...]
    act: float
    provenance: dict[str, str] = {}

    def log_odds(self, best: Bits) -> Float:
        """Of float32[n, families]: best bits of each, negative against; ``NEVER`` where too few speak."""
        weights = np.array([self.weights.get(family, 0.0) for family in FAMILIES])
        lacking = np.array([self.lacking.get(family, 0.0) for family in FAMILIES])
        known = best.astype(np.float64)
        found = np.clip(known, 0.0, self.cap_bits) @ weights + np.minimum(known, 0.0) @ lacking + self.base
        return np.where(speaks(best), found, NEVER)

    def probability(self, log_odds: Float) -> Float:
        """Calibrated; 0 where too few families speak."""
        return np.where(log_odds > NEVER, np.interp(log_odds, self.odds, self.chance), 0.0)

    @property
    def act_bits(self) -> float:
        """Log2 odds from which the probability is at least ``act``."""
        at = int(np.searchsorted(self.chance, self.act))
        if at == 0 or at == len(self.chance):
            return self.odds[min(at, len(self.odds) - 1)]
        low, high = self.chance[at - 1], self.chance[at]
        return self.odds[at - 1] + (self.odds[at] - self.odds[at - 1]) * (self.act - low) / (high - low)


def speaks(best: Bits) -> npt.NDArray[np.bool_]:
    """bool[n]: enough families say something, and not content alone."""
    says = best >= SPEAKS_BITS
    return (says.sum(axis=1) >= LEAST_FAMILIES) & says[:, BEYOND_CONTENT].any(axis=1)


@cache
def load_weighing() -> Weighing:
    """The shipped file."""
    try:
        raw = resources.files("stillwatch.campaigns").joinpath("signature.json").read_bytes()
        return msgspec.json.decode(raw, type=Weighing)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"weights of signatures cannot be read: {error}",
            where="campaigns/signature.json",
            hint="run scripts/fit_signatures.py",
        ) from error
