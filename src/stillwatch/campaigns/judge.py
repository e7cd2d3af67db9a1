"""Evidence about one suspect, in bits, and what it adds up to on each axis.

Two axes and never one score: run by one operator, and harvesting. A third, resale, only tells what an operator does who
does not harvest. Every axis weighs everything that was measured, because what one measurement is worth depends on the
others; what each of them adds is worked out only for what is shown.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.forest import Forest
from stillwatch.campaigns.opinions import best_of_others, clusters, opinion_of_others
from stillwatch.campaigns.weights import Weights, probability
from stillwatch.detectors.protocol import Detector, Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis, Evidence

Float = npt.NDArray[np.float64]
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
    ``measured``, ``families``, ``axes``: per detector; ``forests``: what weighed them.
    """

    suspect: Suspect
    operator: float
    harvest: float
    resale: float
    others: dict[str, float] = field(default_factory=dict[str, float])
    confidence: dict[str, float] = field(default_factory=dict[str, float])
    measured: Mapping[str, Measurement] = field(default_factory=dict[str, Measurement])
    families: Mapping[str, str] = field(default_factory=dict[str, str])
    axes: Mapping[str, Axis] = field(default_factory=dict[str, Axis])
    forests: Mapping[Axis, Forest] = field(default_factory=dict[Axis, Forest])

    @property
    def solo(self) -> bool:
        return len(self.suspect.nodes) == 1

    @property
    def leans(self) -> str:
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
        found: list[Evidence] = []
        for axis, forest in self.forests.items():
            shares = forest.shares(x)
            own = [name for name in shares if self.axes[name] in TOLD_ON[axis]]
            found += [self._reason(name, axis, shares[name]) for name in own if abs(shares[name]) >= LEAST_BITS]
            rest = sum(shares.values()) - sum(shares[name] for name in own)
            if abs(rest) >= LEAST_BITS:
                found.append(
                    Evidence(name=f"given_{axis}", family="given", axis=axis, bits=round(rest, 3), says=GIVEN[axis])
                )
        if "resale" in self.forests:  # no total is kept for this axis, so that its reasons have to hold all of it
            base = round(self.forests["resale"].base, 3)
            found.append(Evidence(name="prior_resale", family="given", axis="resale", bits=base, says=RARE))
        return tuple(sorted(found, key=lambda e: (-abs(e.bits), e.name, e.axis)))

    def _reason(self, name: str, axis: Axis, bits: float) -> Evidence:
        return Evidence(
            name=name,
            family=self.families[name],
            axis=axis,
            bits=round(bits, 3),
            says=self.measured[name].says,
            exchange_ids=self.suspect.exchange_ids(self.measured[name].rows),
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
    families = {detector.name: detector.family for detector in detectors}
    axes: dict[str, Axis] = {detector.name: detector.axis for detector in detectors}
    x = {name: found.x for name, found in measured.items()}
    if len(suspect.nodes) == 1:  # nothing to tie together, and nobody to resell to that could be told apart
        return Judged(
            suspect=suspect,
            operator=0.0,
            harvest=weights.solo(x),
            resale=NEVER,
            measured=measured,
            families=families,
            axes=axes,
            forests={"harvest": weights.solo},
        )
    operator, harvest, resale = weights.operator(x), weights.harvest(x), weights.resale(x)
    return Judged(
        suspect=suspect,
        operator=operator,
        harvest=harvest,
        resale=resale,
        measured=measured,
        families=families,
        axes=axes,
        forests={"operator": weights.operator, "harvest": weights.harvest, "resale": weights.resale},
    )


class Opinions:
    """All judged groups of a scan, to ask what they say of any cluster of theirs, or left of one."""

    def __init__(self, judged: Sequence[Judged], weights: Weights) -> None:
        self._weights = weights
        groups = [item for item in judged if not item.solo]
        count = len(groups[0].suspect.scene.roster) if groups else 0
        self._clusters = clusters([item.suspect.accounts for item in groups], count)
        self._claims = {kind: np.array([item.claims[kind] for item in groups]) for kind in ("extraction", "resale")}
        heard = [self._confidence_of(item)[1] for item in groups]
        self._confidence = {
            kind: np.array([own[kind] * (item.leans == kind) for item, own in zip(groups, heard, strict=True)])
            for kind in self._claims
        }

    def heard(self, item: Judged) -> Judged:
        """The same with what others say of its accounts, and the confidence that follows."""
        if item.solo:
            return item
        others, confidence = self._confidence_of(item)
        return replace(item, others=others, confidence=confidence)

    def support(self, item: Judged, kind: str) -> Float:
        """float64[accounts]: most confidence of another cluster about the same that holds each account."""
        if item.solo or kind not in self._confidence:
            return np.full(len(item.suspect.accounts), np.nan)
        return best_of_others(self._clusters, self._confidence[kind], item.suspect.accounts)

    def _confidence_of(self, item: Judged) -> tuple[dict[str, float], dict[str, float]]:
        accounts = item.suspect.accounts
        others = {kind: opinion_of_others(self._clusters, odds, accounts) for kind, odds in self._claims.items()}
        confidence = {
            kind: self._weights.confidence[kind](item.claims[kind], others[kind], len(accounts)) for kind in others
        }
        return others, confidence


__all__ = ["Judged", "Opinions", "judge", "measure", "probability"]
