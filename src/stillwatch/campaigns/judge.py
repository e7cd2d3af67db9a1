"""Evidence about one suspect, in bits, and what it adds up to on each axis.

Within a family only the strongest detector counts, because a family's detectors are wrong together. Two axes and never
one score: run by one operator, and harvesting. A third, resale, only tells what an operator does who does not harvest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stillwatch.campaigns.weights import Odds, Weights, probability
from stillwatch.detectors.protocol import Detector, Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Evidence


@dataclass(frozen=True, kw_only=True)
class Judged:
    """``operator``, ``harvest``, ``resale``: log2 odds of each axis."""

    suspect: Suspect
    evidence: tuple[Evidence, ...]
    operator: float
    harvest: float
    resale: float

    @property
    def solo(self) -> bool:
        return len(self.suspect.nodes) == 1


def measure(suspect: Suspect, detectors: Sequence[Detector]) -> dict[str, Measurement]:
    """Every measurement that could be made."""
    found = {detector.name: detector.measure(suspect) for detector in detectors}
    return {name: value for name, value in found.items() if value is not None}


def judge(suspect: Suspect, detectors: Sequence[Detector], weights: Weights) -> Judged:
    """Turn a suspect's measurements into evidence and odds."""
    solo = len(suspect.nodes) == 1
    by_name = {detector.name: detector for detector in detectors}
    evidence = []
    for name, found in measure(suspect, detectors).items():
        curve = weights.curves.get(f"solo:{name}" if solo else name)
        if curve is not None:
            detector = by_name[name]
            evidence.append(
                Evidence(
                    name=name,
                    family=detector.family,
                    axis=detector.axis,
                    bits=round(curve(found.x), 3),
                    says=found.says,
                    exchange_ids=suspect.exchange_ids(found.rows),
                )
            )
    ordered = tuple(sorted(evidence, key=lambda e: (-abs(e.bits), e.name)))
    return Judged(
        suspect=suspect,
        evidence=ordered,
        operator=0.0 if solo else total(ordered, weights.operator, "operator"),
        harvest=total(ordered, weights.solo if solo else weights.harvest, "harvest"),
        resale=-60.0 if solo else total(ordered, weights.resale, "resale"),
    )


def strongest(evidence: Sequence[Evidence], axis: str) -> dict[str, float]:
    """Per family of an axis the bits of its strongest detector. Evidence is ordered strongest first."""
    best: dict[str, float] = {}
    for item in evidence:
        if item.axis == axis:
            best.setdefault(item.family, item.bits)
    return best


def total(evidence: Sequence[Evidence], odds: Odds, axis: str) -> float:
    """log2 odds of one axis."""
    return odds.intercept + sum(odds.families.get(f, 0.0) * b for f, b in strongest(evidence, axis).items())


__all__ = ["Judged", "judge", "measure", "probability", "strongest", "total"]
