"""One scanned world held against its truth: accounts, campaigns, look-alikes, verdicts, attribution, probabilities.

``quality.grade`` is part of it, so that figures of earlier versions go on meaning the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.bench.quality import Grade, grade
from stillwatch.bench.scorecard.calibration import Bins, binned
from stillwatch.bench.scorecard.matching import Matching, match
from stillwatch.bench.scorecard.statistics import f1, share
from stillwatch.bench.scorecard.truth import SOLO_DEVELOPERS, Account, Truth, read_truth
from stillwatch.model import Campaign, ScanResult
from stillwatch.report import Report

VERDICTS = ("extraction", "resale", "coordinated")
PIVOT_WITHIN = timedelta(days=1)


class CampaignGrade(msgspec.Struct, frozen=True, kw_only=True):
    """One planned campaign. None: nothing to count (no campaign found for it, or nothing planned of the kind).

    ``named``: its accounts accused under its own verdict. ``precision``: of the accounts accused by found campaigns
    that hold a part of it, those that are its own. ``found_as``: verdict of the found campaign that has most of its
    accounts, "" where less than half is in one. ``capability_off``: total variation distance of the capability mixes.
    ``harvest_stated``, ``harvest_done``: exchanges, of the accounts that the found campaigns accuse.
    """

    name: str
    tactic: str
    verdict: str
    accounts: int
    named: int
    recall: float
    precision: float | None
    f1: float
    found_as: str
    split_into: int
    jaccard: float | None
    capability_right: bool | None
    capability_off: float | None
    pivots_planned: int
    pivots_found: int
    pivots_stated: int
    harvest_stated: int | None
    harvest_done: int | None


class ClassCount(msgspec.Struct, frozen=True, kw_only=True):
    """Honest accounts of one look-alike class: all, accused of extraction, named under another verdict."""

    accounts: int
    accused: int
    elsewhere: int


class WorldGrade(msgspec.Struct, frozen=True, kw_only=True):
    """Everything counted in one world. ``confusion``: truth -> what was said -> accounts.

    ``account_bins``: every account's probability of harvesting. ``member_bins``: only those of accounts that a campaign
    lists. ``confidence_bins``: every named campaign's.
    """

    grade: Grade
    f1: float | None
    campaigns: tuple[CampaignGrade, ...]
    classes: dict[str, ClassCount]
    organisations: int
    organisations_accused: int
    solo_developers: int
    solo_developers_accused: int
    splits: int
    merges: int
    strays: int
    confusion: dict[str, dict[str, int]]
    pivots_stated: int
    pivots_right: int
    account_bins: Bins
    member_bins: Bins
    confidence_bins: Bins


def accused_of(campaign: Campaign) -> frozenset[Account]:
    """Its members, without those that are merely possible."""
    return frozenset((m.platform, m.account_id) for m in campaign.roster if m.accused)


def grade_world(run: str, seed: int, report: Report, world: Path, seconds: float = 0.0) -> WorldGrade:
    """Hold a report against the truth beside a world."""
    truth, result = read_truth(world), report.result
    named = {kind: _union(result, kind) for kind in VERDICTS}
    matches = {kind: _matched(kind, truth, result) for kind in VERDICTS}
    extraction, matching = matches["extraction"]
    plain = grade(run, seed, report, world / "truth", seconds)
    developers = [name for name in truth.honest if truth.accounts[name]["look_alike_class"] in SOLO_DEVELOPERS]
    stated = [_pivots(c, truth, matching.holds[i]) for i, c in enumerate(extraction)]
    return WorldGrade(
        grade=plain,
        f1=f1(plain.precision, plain.recall),
        campaigns=tuple(
            _campaign(name, truth, result, named, matches[truth.about[name][1]])
            for name in truth.members
            if truth.about[name][1] in matches
        ),
        classes=_classes(truth, named),
        organisations=len(truth.organisations),
        organisations_accused=sum(bool(own & named["extraction"]) for own in truth.organisations.values()),
        solo_developers=len(developers),
        solo_developers_accused=sum(name in named["extraction"] for name in developers),
        splits=matching.splits,
        merges=matching.merges,
        strays=sum(not names for names in matching.holds),
        confusion=_confusion(truth, named),
        pivots_stated=sum(len(c.model_pivots) for c in extraction),
        pivots_right=sum(stated),
        account_bins=binned(_account_pairs(truth, result)),
        member_bins=binned(_member_pairs(truth, result)),
        confidence_bins=binned(_confidence_pairs(truth, result)),
    )


Matched = tuple[list[Campaign], Matching]


def _matched(verdict: str, truth: Truth, result: ScanResult) -> Matched:
    """Found campaigns of a verdict, and how they match the planned ones of the same."""
    found = [c for c in result.campaigns if c.verdict == verdict]
    planned = {name: own for name, own in truth.members.items() if truth.about[name][1] == verdict}
    return found, match(planned, [accused_of(c) for c in found])


def _union(result: ScanResult, verdict: str) -> frozenset[Account]:
    return frozenset(name for c in result.campaigns if c.verdict == verdict for name in accused_of(c))


def _campaign(
    name: str,
    truth: Truth,
    result: ScanResult,
    named: Mapping[str, frozenset[Account]],
    matched: Matched,
) -> CampaignGrade:
    own, (tactic, verdict) = truth.members[name], truth.about[name]
    found, matching = matched
    plan = next((plan for plan in truth.planned if plan["name"] == name), {})
    hit = own & named[verdict]
    holders = [found[j] for j, names in enumerate(matching.holds) if name in names]
    reach = frozenset[Account]().union(*(accused_of(c) for c in holders))
    best = found[matching.found_for[name]] if name in matching.found_for else None
    harvests = verdict == "extraction"
    precision, recall = share(len(reach & own), len(reach)), len(hit) / len(own)
    pivots = plan.get("pivots", [])
    return CampaignGrade(
        name=name,
        tactic=tactic,
        verdict=verdict,
        accounts=len(own),
        named=len(hit),
        recall=round(recall, 4),
        precision=precision,
        f1=f1(precision, recall) or 0.0,
        found_as=_found_as(own, result),
        split_into=matching.split_into.get(name, 0),
        jaccard=matching.jaccard.get(name),
        capability_right=None
        if best is None or not harvests
        else _top(best.capabilities) == plan.get("top_capability"),
        capability_off=None
        if best is None or not harvests
        else distance(best.capabilities, plan.get("capabilities", {})),
        pivots_planned=len(pivots),
        pivots_found=sum(any(_same(p, pivot) for c in holders for p in c.model_pivots) for pivot in pivots),
        pivots_stated=sum(len(c.model_pivots) for c in holders),
        harvest_stated=sum(c.extraction_exchanges for c in holders) if holders and harvests else None,
        harvest_done=sum(truth.harvest_of.get(a, 0) for a in reach) if holders and harvests else None,
    )


def _top(mix: Mapping[str, float]) -> str:
    return next(iter(mix), "")  # they come with the largest first


def distance(stated: Mapping[str, float], real: Mapping[str, float]) -> float:
    """Total variation distance of two mixes: 0 alike, 1 nothing in common."""
    return round(sum(abs(stated.get(k, 0.0) - real.get(k, 0.0)) for k in {*stated, *real}) / 2, 4)


def _found_as(own: frozenset[Account], result: ScanResult) -> str:
    overlap = [(len(own & accused_of(c)), c.verdict) for c in result.campaigns]
    count, verdict = max(overlap, default=(0, ""))
    return verdict if count * 2 > len(own) else ""


def _same(found: Any, pivot: Mapping[str, Any]) -> bool:
    when = datetime.fromisoformat(pivot["at"])
    return found.to_model == pivot["to_model"] and abs(found.at - when) <= PIVOT_WITHIN


def _pivots(campaign: Campaign, truth: Truth, holds: Sequence[str]) -> int:
    """Stated pivots that a planned campaign held by this found one made."""
    planned = [pivot for plan in truth.planned if plan["name"] in holds for pivot in plan["pivots"]]
    return sum(any(_same(found, pivot) for pivot in planned) for found in campaign.model_pivots)


def _classes(truth: Truth, named: Mapping[str, frozenset[Account]]) -> dict[str, ClassCount]:
    elsewhere = named["resale"] | named["coordinated"]
    label = {name: str(truth.accounts[name]["look_alike_class"]) for name in truth.honest}
    every = Counter(label.values())
    accused = Counter(label[name] for name in truth.honest & named["extraction"])
    other = Counter(label[name] for name in truth.honest & elsewhere)
    return {
        name: ClassCount(accounts=every[name], accused=accused[name], elsewhere=other[name]) for name in sorted(every)
    }


def _confusion(truth: Truth, named: Mapping[str, frozenset[Account]]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for name, row in truth.accounts.items():
        said = next((kind for kind in VERDICTS if name in named[kind]), "none")
        found.setdefault(row["verdict"] or "honest", Counter())[said] += 1
    return {real: dict(sorted(said.items())) for real, said in sorted(found.items())}


def _probabilities(result: ScanResult, verdict: str) -> dict[Account, float]:
    found: dict[Account, float] = {}
    for campaign in result.campaigns:
        if campaign.verdict == verdict:
            for m in campaign.roster:
                found[m.platform, m.account_id] = max(m.probability, found.get((m.platform, m.account_id), 0.0))
    return found


def _account_pairs(truth: Truth, result: ScanResult) -> list[tuple[float, float]]:
    """Every account: what extraction campaigns say of it (0 where none lists it), and whether it harvests."""
    stated, harvests = _probabilities(result, "extraction"), truth.of_verdict("extraction")
    return [(stated.get(name, 0.0), float(name in harvests)) for name in truth.accounts]


def _member_pairs(truth: Truth, result: ScanResult) -> list[tuple[float, float]]:
    """Listed accounts, accused or only possible, of extraction and resale campaigns."""
    return [
        (p, float(name in truth.of_verdict(kind)))
        for kind in ("extraction", "resale")
        for name, p in _probabilities(result, kind).items()
    ]


def _confidence_pairs(truth: Truth, result: ScanResult) -> list[tuple[float, float]]:
    """Every named campaign: its confidence, and the share of the accounts it accuses of which its verdict is true.

    A merely coordinated group is right about accounts of any planned campaign.
    """
    right = {kind: truth.of_verdict(kind) for kind in ("extraction", "resale")}
    right["coordinated"] = frozenset(truth.accounts) - truth.honest
    found = []
    for campaign in result.campaigns:
        own = accused_of(campaign)
        if own:
            found.append((campaign.confidence, len(own & right[campaign.verdict]) / len(own)))
    return found
