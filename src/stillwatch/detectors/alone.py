"""What the members do one by one: fleets are made of accounts each of which looks like a harvester.

Why harvesting looks like this: one program runs every account, so that each of them gathers evenly, follows nothing up
and varies little, by itself already. Who is innocent and looks the same: batch jobs and evaluations, one by one; a
crowd of them that shares something is rarer. How it is avoided: by mixing other traffic into every account.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

MOST_BITS = 6.0  # so that no single account decides
LOW = 0.25  # quantile: what all but the least suspicious quarter reach
LEAST_ACCOUNTS = 3
Which = Literal["typical", "least"]


def typical(bits: npt.NDArray[np.float64]) -> float:
    """Mean of the accounts' bits, each clipped."""
    return float(np.clip(bits, -MOST_BITS, MOST_BITS).mean())


def least(bits: npt.NDArray[np.float64]) -> float:
    """Lower quartile of the accounts' bits, each clipped."""
    return float(np.quantile(np.clip(bits, -MOST_BITS, MOST_BITS), LOW))


class Alone(msgspec.Struct, frozen=True, kw_only=True):
    """Log2 odds that the members harvest, each by what it does alone (``Scene.alone``)."""

    name: str
    which: Which
    who: str
    family: str = "conduct"
    axis: Axis = "harvest"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        if suspect.scene.alone is None or len(suspect.accounts) < LEAST_ACCOUNTS:
            return None
        of = typical if self.which == "typical" else least
        x = of(suspect.scene.alone[suspect.accounts])
        ahead = x - suspect.scene.alone_at_large  # few accounts harvest, so that odds by themselves mislead
        times, sense = 2 ** abs(ahead), "likely" if ahead >= 0 else "unlikely"
        return Measurement(x=x, says=f"by what each does alone, {self.who} {times:.1f} times as {sense} to harvest"
                                     " as accounts at large")  # fmt: skip


ALONE: tuple[Alone, ...] = (
    Alone(name="each_alone", which="typical", who="the average member is"),
    Alone(name="least_alone", which="least", who="the member at the lower quartile is"),
)
