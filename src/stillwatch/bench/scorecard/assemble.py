"""Graded worlds put together: every figure with its spread over worlds, every rate with its bound."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from stillwatch.bench.scorecard.calibration import calibration, merged
from stillwatch.bench.scorecard.card import (
    CalibrationFigures,
    CampaignRow,
    ClassFigures,
    SuiteFigures,
    TacticFigures,
)
from stillwatch.bench.scorecard.grading import CampaignGrade, WorldGrade
from stillwatch.bench.scorecard.statistics import Rate, rate, share, spread


def suite_figures(run: str, worlds: Sequence[WorldGrade]) -> SuiteFigures:
    """Worlds of one run."""
    plain = [w.grade for w in worlds]
    found = [c for w in worlds for c in w.campaigns if c.verdict == "extraction"]
    return SuiteFigures(
        run=run,
        seeds=tuple(g.seed for g in plain),
        recall=spread(g.recall for g in plain),
        precision=spread(g.precision for g in plain),
        f1=spread(w.f1 for w in worlds),
        honest_accused=honest_accused(worlds),
        honest_accused_per_world=spread(sum(g.honest_named.values()) for g in plain),
        honest_elsewhere=sum(sum(g.honest_in_other_verdicts.values()) for g in plain),
        organisations_accused=rate(sum(w.organisations_accused for w in worlds), sum(w.organisations for w in worlds)),
        solo_developers_accused=rate(
            sum(w.solo_developers_accused for w in worlds), sum(w.solo_developers for w in worlds)
        ),
        classes=class_figures(worlds),
        tactics=tactic_figures(c for w in worlds for c in w.campaigns),
        campaigns=tuple(_row(w.grade.seed, c) for w in worlds for c in w.campaigns),
        confusion=_added(w.confusion for w in worlds),
        resale_recall=spread(g.resale_recall for g in plain),
        resale_pools_recognised=spread(g.resale_pools_recognised for g in plain),
        splits=spread(w.splits for w in worlds),
        merges=spread(w.merges for w in worlds),
        strays=spread(w.strays for w in worlds),
        jaccard=spread(c.jaccard for c in found),
        capability_right=spread(g.capability_right for g in plain),
        capability_off=spread(c.capability_off for c in found),
        pivots_found=spread(g.pivots_found for g in plain),
        pivots_right=rate(sum(w.pivots_right for w in worlds), sum(w.pivots_stated for w in worlds)),
        harvest_estimate=spread(g.harvest_estimate_ratio for g in plain),
        harvest_of_found=spread(_harvest_of_found(w) for w in worlds),
        seconds=spread(g.seconds for g in plain),
        grades=tuple(plain),
    )


def honest_accused(worlds: Iterable[WorldGrade]) -> Rate:
    """Honest accounts accused of extraction, over all worlds."""
    hits = trials = 0
    for world in worlds:
        hits += sum(world.grade.honest_named.values())
        trials += world.grade.honest_accounts
    return rate(hits, trials)


def class_figures(worlds: Sequence[WorldGrade]) -> tuple[ClassFigures, ...]:
    """Per look-alike class, the worst rate first."""
    names = sorted({name for world in worlds for name in world.classes})
    found = []
    for name in names:
        own = [world.classes[name] for world in worlds if name in world.classes]
        found.append(
            ClassFigures(
                name=name,
                accused=rate(sum(c.accused for c in own), sum(c.accounts for c in own)),
                elsewhere=sum(c.elsewhere for c in own),
                worlds_hit=sum(c.accused > 0 for c in own),
            )
        )
    return tuple(sorted(found, key=lambda c: (-(c.accused.per_100k or 0.0), c.name)))


def tactic_figures(campaigns: Iterable[CampaignGrade]) -> tuple[TacticFigures, ...]:
    """Per tactic, over its campaigns in all worlds; each campaign counts alike, whatever its size."""
    by_tactic: dict[tuple[str, str], list[CampaignGrade]] = defaultdict(list)
    for campaign in campaigns:
        by_tactic[campaign.verdict, campaign.tactic].append(campaign)
    return tuple(
        TacticFigures(
            tactic=tactic,
            verdict=verdict,
            campaigns=len(own),
            accounts=sum(c.accounts for c in own),
            found=sum(c.recall >= 0.5 for c in own),
            recall=spread(c.recall for c in own),
            precision=spread(c.precision for c in own),
            f1=spread(c.f1 for c in own),
        )
        for (verdict, tactic), own in sorted(by_tactic.items())
    )


def _row(seed: int, c: CampaignGrade) -> CampaignRow:
    return CampaignRow(
        seed=seed,
        name=c.name,
        tactic=c.tactic,
        verdict=c.verdict,
        accounts=c.accounts,
        recall=c.recall,
        precision=c.precision,
        f1=c.f1,
        found_as=c.found_as,
        split_into=c.split_into,
        jaccard=c.jaccard,
    )


def _added(tables: Iterable[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for table in tables:
        for real, said in table.items():
            found[real].update(said)
    return {real: dict(sorted(said.items())) for real, said in sorted(found.items())}


def _harvest_of_found(world: WorldGrade) -> float | None:
    """Estimate over truth, of the accounts that were accused: what the estimate itself is worth."""
    known = [c for c in world.campaigns if c.harvest_stated is not None and c.harvest_done is not None]
    return share(sum(c.harvest_stated or 0 for c in known), sum(c.harvest_done or 0 for c in known))


def calibration_figures(worlds: Sequence[WorldGrade]) -> CalibrationFigures:
    """All probabilities of all worlds."""
    return CalibrationFigures(
        worlds=len(worlds),
        accounts=calibration(merged(w.account_bins for w in worlds)),
        members=calibration(merged(w.member_bins for w in worlds)),
        campaigns=calibration(merged(w.confidence_bins for w in worlds)),
    )
