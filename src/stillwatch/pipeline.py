"""The system on one page: exchanges → fingerprints → facts → views → suspects → evidence → campaigns.

Every stage is a pure function over Arrow tables and arrays. Raw text is gone after ``fingerprints``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from stillwatch.campaigns.describe import at, describe
from stillwatch.campaigns.judge import Judged, judge
from stillwatch.campaigns.lookalikes import let_go
from stillwatch.campaigns.opinions import Opinions
from stillwatch.campaigns.score import account_scores
from stillwatch.campaigns.select import Named, select
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.campaigns.weights import Weights
from stillwatch.config import Detection
from stillwatch.detectors import BUILTIN, Detector
from stillwatch.detectors.suspect import Scene, Suspect, build_scene
from stillwatch.model import Campaign, InputSummary, NotApplicable, ScanResult
from stillwatch.operators.views import build_views
from stillwatch.tables import FINGERPRINTS
from stillwatch.tally.conduct import conduct
from stillwatch.tally.facts import Facts, build_facts
from stillwatch.tally.kinds import kinds
from stillwatch.tally.roster import build_roster
from stillwatch.tally.templates import mine_templates
from stillwatch.text import TextModel, fingerprint

Say = Callable[[str], None]


def silent(_: str) -> None:
    """For callers that show no progress."""


def fingerprints(batches: Iterable[pa.RecordBatch], model: TextModel, salt: bytes) -> pa.Table:
    """Exchanges (``tables.EXCHANGES`` batches) without their text. The only stage that sees a prompt."""
    return pa.Table.from_batches((fingerprint(batch, salt=salt, model=model) for batch in batches), schema=FINGERPRINTS)


def build(prints: pa.Table, accounts: pa.Table | None, weights: Weights | None = None) -> Scene:
    """Who is there, what they did, and what they share. Without weights nothing is said of an account alone."""
    names = {name: prints.column(name).cast(pa.string()) for name in ("platform", "account_id")}
    roster = build_roster(pa.table({**names, "org_key": prints.column("org_key")}), accounts)
    facts = build_facts(prints, roster)
    kind = kinds(facts)
    views = build_views(facts, roster, mine_templates(facts), kind)
    alone = weights.conduct.of_table(conduct(facts, kind, roster.node)) if weights else None
    return build_scene(facts, roster, views, kind, alone)


def detect(
    suspects: Iterable[Suspect], weights: Weights, detectors: Sequence[Detector]
) -> tuple[list[Judged], Opinions]:
    """Every suspect with its evidence, guilty or not, and what they say of each other."""
    judged: list[Judged] = []
    for suspect in suspects:
        judged.append(judge(suspect, detectors, weights))
        suspect.forget()
    opinions = Opinions(judged, weights)
    return [opinions.heard(item) for item in judged], opinions


def name(
    judged: Sequence[Judged], opinions: Opinions, weights: Weights, detectors: Sequence[Detector], settings: Detection
) -> list[Named]:
    """The suspects that become campaigns, and who of their accounts belongs to them."""
    return select(
        judged,
        settings,
        again=lambda suspect: opinions.heard(judge(suspect, detectors, weights)),
        belong=lambda item, kind: opinions.members(item, kind, settings.min_member),
    )


def scan(
    prints: pa.Table,
    accounts: pa.Table | None,
    summary: InputSummary,
    weights: Weights,
    settings: Detection,
    say: Say = silent,
) -> tuple[ScanResult, pa.Table]:
    """Campaigns of an input, and the score of every account. Deterministic: the same input gives the same bytes."""
    say("linking accounts")
    scene = build(prints, accounts, weights)
    del prints  # the facts hold them in their own order
    return find(scene, summary, weights, settings, say)


def find(
    scene: Scene, summary: InputSummary, weights: Weights, settings: Detection, say: Say = silent
) -> tuple[ScanResult, pa.Table]:
    """Campaigns of a scene, and the score of every account."""
    detectors = in_use(BUILTIN, settings)
    say("weighing evidence")
    judged, opinions = detect(find_suspects(scene), weights, detectors)
    say("naming campaigns")
    named = name(judged, opinions, weights, detectors, settings)
    campaigns = tuple(describe(one.item, one.members, one.kind, one.confidence) for one in named)
    result = ScanResult(
        input=summary,
        campaigns=campaigns,
        lookalikes=let_go(judged, [one.item for one in named]),
        not_applicable=not_applicable(detectors, scene),
        model_first_seen=model_first_seen(scene.facts),
    )
    return result, account_scores(scene, judged, campaigns)


def in_use(detectors: tuple[Detector, ...], settings: Detection) -> tuple[Detector, ...]:
    """Detectors less what the configuration switches off."""
    off = set(settings.disabled_detectors), set(settings.disabled_families)
    return tuple(d for d in detectors if d.name not in off[0] and d.family not in off[1])


def not_applicable(detectors: tuple[Detector, ...], scene: Scene) -> tuple[NotApplicable, ...]:
    """Detectors that this input cannot support, and why."""
    missing = scene.missing_columns
    found = []
    for detector in detectors:
        for need in detector.needs:
            if all(column in missing for column in need.split("|")):
                found.append(
                    NotApplicable(detector=detector.name, because=f"no {need.replace('|', ', ')} in the input")
                )
                break
    return tuple(found)


def model_first_seen(facts: Facts) -> dict[str, datetime]:
    """First use of every model: the earliest a log can show of a release."""
    first = facts.model_first_us
    return {word: at(int(first[i])) for i, word in enumerate(facts.words("model")) if first[i] < np.iinfo(np.int64).max}


__all__ = ["Campaign", "build", "detect", "find", "fingerprints", "name", "scan"]
