"""Evidence about one suspect, in bits, and what it adds up to on each axis.

Two axes and never one score: run by one operator, and harvesting. A third, resale, only tells what an operator does who
does not harvest. Every axis weighs everything that was measured, because what one measurement is worth depends on the
others; what each of them adds is worked out only for what is shown.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stillwatch.campaigns.forest import Forest
from stillwatch.campaigns.weights import Weights, probability
from stillwatch.detectors.protocol import Detector, Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis, Evidence, Verdict

LEAST_BITS = 0.05  # evidence that weighs less is not shown
# measurements told one by one on an axis, by the axis they belong to; the others are one sum
TOLD_ON: dict[Axis, tuple[Axis, ...]] = {
    "operator": ("operator",),
    "harvest": ("harvest", "resale"),
    "resale": ("resale", "harvest"),
}
GIVEN: dict[Axis, str] = {
    "operator": "what these accounts do, told under the other question, counts for or against one party",
    "harvest": "how these accounts are tied together, told under the first question, counts for or against a harvest",
    "resale": "how these accounts are tied together, told under the first question, counts for or against a pool",
}
RARE = "before anything was measured: few groups are a pool that somebody resells"
NEVER = -60.0  # log2 odds of what cannot be


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A suspect and what is known of it.

    ``operator``, ``harvest``, ``resale``: log2 odds of each axis. ``others``: verdict -> log2 odds of overlapping
    clusters, NaN where there are none. ``confidence``: verdict -> how often it is right on all of these.
    ``measured``: by detector; ``detectors``: those that were asked; ``forests``: what weighed them.
    """

    suspect: Suspect
    operator: float
    harvest: float
    resale: float
    others: dict[str, float] = field(default_factory=dict[str, float])
    confidence: dict[str, float] = field(default_factory=dict[str, float])
    measured: Mapping[str, Measurement] = field(default_factory=dict[str, Measurement])
    detectors: Sequence[Detector] = ()
    forests: Mapping[Axis, Forest] = field(default_factory=dict[Axis, Forest])

    @property
    def solo(self) -> bool:
        return len(self.suspect.nodes) == 1

    @property
    def leans(self) -> Verdict:
        """What its operator does, if there is one."""
        return "extraction" if self.harvest >= self.resale else "resale"

    @property
    def claims(self) -> dict[str, float]:
        """Verdict -> log2 odds of the weaker of the two axes that it needs."""
        return {"extraction": min(self.operator, self.harvest), "resale": min(self.operator, self.resale)}

    def evidence(self) -> tuple[Evidence, ...]:
        """What each measurement adds on each axis, strongest first, with exchange ids a person can look up.

        Measurements that belong to another question are one sum there: they are told in full where they belong.

        Cost: the leaves of all trees. Only done for what is shown.
        """
        x = {name: found.x for name, found in self.measured.items()}
        by_name = {detector.name: detector for detector in self.detectors}
        found: list[Evidence] = []
        for axis, forest in self.forests.items():
            shares = forest.shares(x)
            own = [name for name in shares if by_name[name].axis in TOLD_ON[axis]]
            found += [
                self._reason(by_name[name], axis, shares[name]) for name in own if abs(shares[name]) >= LEAST_BITS
            ]
            rest = sum(shares.values()) - sum(shares[name] for name in own)
            if abs(rest) >= LEAST_BITS:
                found.append(
                    Evidence(name=f"given_{axis}", family="given", axis=axis, bits=round(rest, 3), says=GIVEN[axis])
                )
        if "resale" in self.forests:  # no total is kept for this axis, so that its reasons have to hold all of it
            base = round(self.forests["resale"].base, 3)
            found.append(Evidence(name="prior_resale", family="given", axis="resale", bits=base, says=RARE))
        return tuple(sorted(found, key=lambda e: (-abs(e.bits), e.name, e.axis)))

    def _reason(self, detector: Detector, axis: Axis, bits: float) -> Evidence:
        found = self.measured[detector.name]
        return Evidence(
            name=detector.name,
            family=detector.family,
            axis=axis,
            bits=round(bits, 3),
            says=found.says,
            exchange_ids=self.suspect.exchange_ids(found.rows),
        )


def measure(suspect: Suspect, detectors: Sequence[Detector]) -> dict[str, Measurement]:
    """Every measurement that could be made. A detector that fails is skipped and logged, never the scan."""
    found: dict[str, Measurement] = {}
    for detector in detectors:
        try:
            value = detector.measure(suspect)
        except Exception:  # detectors are plug-ins: one that breaks must not take the others along
            logging.getLogger(__name__).exception("detector %s failed and was skipped", detector.name)
            continue
        if value is not None:
            found[detector.name] = value
    return found


def judge(suspect: Suspect, detectors: Sequence[Detector], weights: Weights) -> Judged:
    """Turn a suspect's measurements into odds on each axis."""
    measured = measure(suspect, detectors)
    x = {name: found.x for name, found in measured.items()}
    if len(suspect.nodes) == 1:  # nothing to tie together, and nobody to resell to that could be told apart
        return Judged(
            suspect=suspect,
            operator=0.0,
            harvest=weights.solo(x),
            resale=NEVER,
            measured=measured,
            detectors=detectors,
            forests={"harvest": weights.solo},
        )
    operator, harvest, resale = weights.operator(x), weights.harvest(x), weights.resale(x)
    return Judged(
        suspect=suspect,
        operator=operator,
        harvest=harvest,
        resale=resale,
        measured=measured,
        detectors=detectors,
        forests={"operator": weights.operator, "harvest": weights.harvest, "resale": weights.resale},
    )


__all__ = ["Judged", "judge", "measure", "probability"]
