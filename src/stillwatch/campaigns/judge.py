"""Evidence about one suspect, in bits, and what it adds up to on each axis.

Within a family only the strongest detector counts, because a family's detectors are wrong together. Two axes and never
one score: run by one operator, and harvesting. A third, resale, only tells what an operator does who does not harvest.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from stillwatch.campaigns.weights import Odds, Weights, in_return, probability, support
from stillwatch.detectors.protocol import Detector, Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Evidence

# below these log2 odds of one operator no harvest evidence can make up for it: the rest is not measured
HOPELESS = -5.0
LEAST_BITS = 0.005  # evidence that weighs less is not shown


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A suspect and what is known of it.

    ``operator``, ``harvest``, ``resale``: log2 odds of each axis. ``confidence``: verdict -> how often it is right on
    such odds. ``rows``: facts behind each detector's evidence.
    """

    suspect: Suspect
    evidence: tuple[Evidence, ...]
    operator: float
    harvest: float
    resale: float
    confidence: dict[str, float] = field(default_factory=dict[str, float])
    rows: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    @property
    def solo(self) -> bool:
        return len(self.suspect.nodes) == 1

    def cited(self) -> tuple[Evidence, ...]:
        """The evidence with exchange ids to look up. Only done for what is shown: a look-up costs."""
        return tuple(
            msgspec.structs.replace(item, exchange_ids=self.suspect.exchange_ids(self.rows.get(item.name, ())))
            for item in self.evidence
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
    """Turn a suspect's measurements into evidence and odds."""
    if len(suspect.nodes) == 1:
        evidence, rows = _weigh(suspect, [d for d in detectors if d.axis == "harvest"], weights, solo=True)
        harvest = total(evidence, weights.solo, "harvest")
        return Judged(suspect=suspect, evidence=evidence, operator=0.0, harvest=harvest, resale=-60.0, rows=rows)
    evidence, rows = _weigh(suspect, [d for d in detectors if d.axis == "operator"], weights, solo=False)
    operator = total(evidence, weights.operator, "operator")
    if operator < HOPELESS:
        return Judged(suspect=suspect, evidence=evidence, operator=operator, harvest=-60.0, resale=-60.0, rows=rows)
    more, more_rows = _weigh(suspect, [d for d in detectors if d.axis != "operator"], weights, solo=False)
    harvest, resale = total(more, weights.harvest, "harvest"), total(more, weights.resale, "resale")
    given = (
        weights.operator_given(operator, in_return(harvest)),
        weights.harvest_given(support(operator), harvest),
        weights.resale_given(support(operator), resale),
    )
    return Judged(
        suspect=suspect,
        evidence=_ordered([*evidence, *more]),
        operator=given[0],
        harvest=given[1],
        resale=given[2],
        confidence={
            "extraction": probability(weights.confidence["extraction"](min(given[0], given[1]), 0.0)),
            "resale": probability(weights.confidence["resale"](min(given[0], given[2]), 0.0)),
        },
        rows=rows | more_rows,
    )


def _weigh(
    suspect: Suspect, detectors: Sequence[Detector], weights: Weights, *, solo: bool
) -> tuple[tuple[Evidence, ...], dict[str, tuple[int, ...]]]:
    """Measurements as bits: the detector's fitted curve times its family's fitted weight."""
    odds = {
        "operator": weights.operator,
        "harvest": weights.solo if solo else weights.harvest,
        "resale": weights.resale,
    }
    by_name = {detector.name: detector for detector in detectors}
    measured = measure(suspect, detectors)
    evidence = []
    for name, found in measured.items():
        detector = by_name[name]
        curve = weights.curves.get(f"solo:{name}" if solo else name)
        weight = odds[detector.axis].families.get(detector.family, 0.0)
        bits = round(curve(found.x) * weight, 3) if curve is not None else 0.0
        if abs(bits) >= LEAST_BITS:
            evidence.append(Evidence(name=name, family=detector.family, axis=detector.axis, bits=bits, says=found.says))
    return _ordered(evidence), {name: found.rows for name, found in measured.items()}


def _ordered(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted(evidence, key=lambda e: (-abs(e.bits), e.name)))


def strongest(evidence: Sequence[Evidence], axis: str) -> dict[str, float]:
    """Per family of an axis the bits of its strongest detector. Evidence is ordered strongest first."""
    best: dict[str, float] = {}
    for item in evidence:
        if item.axis == axis:
            best.setdefault(item.family, item.bits)
    return best


def total(evidence: Sequence[Evidence], odds: Odds, axis: str) -> float:
    """log2 odds of one axis: what it starts from, plus the strongest bits of every family."""
    return odds.intercept + sum(strongest(evidence, axis).values())


__all__ = ["Judged", "judge", "measure", "probability", "strongest", "total"]
