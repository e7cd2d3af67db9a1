"""The per-account table: who is in which campaign, and what each account's own evidence adds up to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stillwatch.campaigns.judge import Judged
from stillwatch.detectors.suspect import Scene
from stillwatch.model import Campaign
from stillwatch.tables import ACCOUNT_SCORES


def account_scores(scene: Scene, judged: Sequence[Judged], campaigns: Sequence[Campaign]) -> pa.Table:
    """``tables.ACCOUNT_SCORES``, one row per account in roster order."""
    n = len(scene.roster)
    extraction, coordination = np.full(n, np.nan), np.full(n, np.nan)
    for item in judged:
        accounts = item.suspect.accounts
        extraction[accounts] = np.fmax(extraction[accounts], item.harvest)
        if not item.solo:
            coordination[accounts] = np.fmax(coordination[accounts], item.operator)
    campaign: list[str | None] = [None] * n
    verdict: list[str | None] = [None] * n
    probability = np.zeros(n)
    names = scene.roster.names.to_pylist()
    place = {(name["platform"], name["account_id"]): i for i, name in enumerate(names)}
    for found in campaigns:
        for member in found.roster:
            i = place[member.platform, member.account_id]
            if member.accused:
                campaign[i], verdict[i] = found.campaign_id, found.verdict
            probability[i] = max(probability[i], member.probability)
    return pa.table(
        {
            "platform": scene.roster.names.column("platform"),
            "account_id": scene.roster.names.column("account_id"),
            "exchanges": scene.facts.per_account,
            "campaign_id": pa.array(campaign, pa.string()),
            "verdict": pa.array(verdict, pa.string()),
            "probability": probability,
            "extraction_bits": pa.array(extraction.round(3), from_pandas=True),
            "coordination_bits": pa.array(coordination.round(3), from_pandas=True),
        },
        schema=ACCOUNT_SCORES,
    )
