"""The scorecard: everything that ``scorecard.json`` says, as frozen structs. The schema is described in docs/bench.md.

A part that did not run is None and its reason stands under ``skipped``. A figure that nothing could give is null.
"""

from __future__ import annotations

import msgspec

from stillwatch.bench.quality import Grade
from stillwatch.bench.scorecard.calibration import Calibration
from stillwatch.bench.scorecard.machine import Provenance
from stillwatch.bench.scorecard.statistics import Rate, Spread

SCHEMA = "stillwatch-scorecard/1"


class TacticFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Over the campaigns of a tactic, each counting alike. ``found``: those with half of their accounts named."""

    tactic: str
    verdict: str
    campaigns: int
    accounts: int
    found: int
    recall: Spread | None
    precision: Spread | None
    f1: Spread | None


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """One planned campaign of one world; see ``grading.CampaignGrade``."""

    seed: int
    name: str
    tactic: str
    verdict: str
    accounts: int
    recall: float
    precision: float | None
    f1: float
    found_as: str
    split_into: int
    jaccard: float | None


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Honest accounts of one look-alike class over all worlds. ``worlds_hit``: worlds with any accused."""

    name: str
    accused: Rate
    elsewhere: int
    worlds_hit: int


class SuiteFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of world over its seeds. Spreads are over worlds; rates pool the accounts of all of them."""

    run: str
    seeds: tuple[int, ...]
    recall: Spread | None
    precision: Spread | None
    f1: Spread | None
    honest_accused: Rate
    honest_accused_per_world: Spread | None
    honest_elsewhere: int
    organisations_accused: Rate
    solo_developers_accused: Rate
    classes: tuple[ClassFigures, ...]
    tactics: tuple[TacticFigures, ...]
    campaigns: tuple[CampaignRow, ...]
    confusion: dict[str, dict[str, int]]
    resale_recall: Spread | None
    resale_pools_recognised: Spread | None
    splits: Spread | None
    merges: Spread | None
    strays: Spread | None
    jaccard: Spread | None
    capability_right: Spread | None
    capability_off: Spread | None
    pivots_found: Spread | None
    pivots_right: Rate
    harvest_estimate: Spread | None
    harvest_of_found: Spread | None
    seconds: Spread | None
    grades: tuple[Grade, ...]


class CalibrationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """``accounts``: all, 0 for whoever no campaign lists. ``members``: only the listed. ``campaigns``: the named."""

    worlds: int
    accounts: Calibration
    members: Calibration
    campaigns: Calibration


class SweepPoint(msgspec.Struct, frozen=True, kw_only=True):
    value: float
    recall: Spread | None
    precision: Spread | None
    honest_accused: Rate


class SweepFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One assumption that is not public, set for every campaign of otherwise equal worlds."""

    name: str
    says: str
    unit: str
    points: tuple[SweepPoint, ...]


class HeldOutFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Worlds of one tactic family or prompt source. ``without``: weights that never saw it; ``fitted``: that did.

    For a prompt source there are only the shipped weights: ``unseen`` says whether fitting left it out.
    """

    name: str
    what: str
    members: tuple[str, ...]
    unseen: bool
    without_recall: Spread | None
    without_precision: Spread | None
    fitted_recall: Spread | None
    fitted_precision: Spread | None
    honest_accused: Rate


class PermutationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Campaigns named on permuted worlds, which hold none. ``unpermuted``: on the same worlds as they were."""

    permutations: int
    with_campaign: int
    campaigns: int
    by_verdict: dict[str, int]
    alone: int
    accused: int
    unpermuted: int
    with_campaign_at_most: float | None


class AblationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Without some groups of evidence. ``recall_lost``: against the same worlds with everything, seed by seed."""

    without: tuple[str, ...]
    recall: Spread | None
    precision: Spread | None
    honest_accused: Rate
    recall_lost: Spread | None


class DetectorFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One detector's own worth: what is lost when it alone is not asked.

    ``measured``: share of the suspects it could measure. ``surprise``: bits per suspect by which the odds get worse.
    ``earns``: whether anything at all is lost without it, on average over the worlds.
    """

    name: str
    family: str
    measured: float | None
    recall_lost: Spread | None
    honest_added: int
    resale_lost: Spread | None
    surprise: Spread | None
    earns: bool


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
    made: Provenance
    quick: bool
    seeds: tuple[int, ...]
    base: str  # suite of the parts that ask many questions of one world, and their seeds
    base_seeds: tuple[int, ...]
    parts: tuple[str, ...]
    skipped: dict[str, str]
    suites: tuple[SuiteFigures, ...] | None = None
    calibration: CalibrationFigures | None = None
    sweeps: tuple[SweepFigures, ...] | None = None
    held_out: tuple[HeldOutFigures, ...] | None = None
    permutation: PermutationFigures | None = None
    ablations: tuple[AblationFigures, ...] | None = None
    detectors: tuple[DetectorFigures, ...] | None = None
