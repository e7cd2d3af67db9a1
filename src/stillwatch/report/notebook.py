"""The report as an object for notebooks: campaigns as values, accounts and evidence as Arrow, plots as figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.model import Campaign, Evidence, ScanResult
from stillwatch.report import figures, words
from stillwatch.report.canonical import canonical
from stillwatch.report.explain import AccountExplanation, CampaignExplanation, explain
from stillwatch.report.html import render_summary
from stillwatch.report.serialise import scores_table, write_scan

EVIDENCE_TABLE = pa.schema(
    [
        ("campaign_id", pa.string()),  # null for a look-alike
        ("lookalike", pa.string()),  # why the group was let go, null for a campaign
        ("platform", pa.string()),  # of the account whose own evidence this is, null for the group's
        ("account_id", pa.string()),
        ("axis", pa.string()),
        ("family", pa.string()),
        ("name", pa.string()),
        ("bits", pa.float64()),
        ("says", pa.string()),
        ("exchange_ids", pa.list_(pa.string())),
    ]
)


class Report:
    """What ``stillwatch.scan`` returns. Nothing here enforces anything; figures are plotly's and need no network."""

    def __init__(self, result: ScanResult, accounts: pa.Table) -> None:
        self.result = canonical(result)
        self.accounts = scores_table(accounts)

    @property
    def campaigns(self) -> list[Campaign]:
        return list(self.result.campaigns)

    @property
    def evidence(self) -> pa.Table:
        """Every reason, one a row: of campaigns, of their accounts, and of groups that were let go."""
        return pa.Table.from_pylist(list(self._evidence_rows()), schema=EVIDENCE_TABLE)

    def explain(self, wanted: str) -> CampaignExplanation | AccountExplanation:
        """Why a campaign or account was judged so; ``InputError`` with the nearest ids where there is none such."""
        return explain(self.result, self.accounts, wanted)

    def save(self, out_dir: str | Path) -> None:
        """Writes the files that ``stillwatch scan --out`` writes."""
        write_scan(self.result, self.accounts, out_dir)

    def timeline(self, campaign_id: str) -> go.Figure:
        """Exchanges over time by model, with first appearances of models, pivots and account closures."""
        return figures.timeline(self._campaign(campaign_id), self.result)

    def waterfall(self, campaign_id: str) -> go.Figure:
        """Evidence and counter-evidence in bits, axis by axis: the axes are never added up."""
        return figures.waterfall(self._campaign(campaign_id))

    def graph(self, campaign_id: str) -> go.Figure:
        """Accounts and their strongest links (at most 300), with the reasons on hover."""
        return figures.graph(self._campaign(campaign_id))

    def capabilities(self, campaign_id: str) -> go.Figure:
        """What the harvesting part asks for, as shares of it."""
        return figures.capabilities(self._campaign(campaign_id))

    def _repr_html_(self) -> str:
        return render_summary(self.result)

    def __repr__(self) -> str:
        return f"<stillwatch.Report: {words.headline(self.result)}>"

    def _campaign(self, campaign_id: str) -> Campaign:
        for campaign in self.result.campaigns:
            if campaign.campaign_id == campaign_id:
                return campaign
        known = ", ".join(words.visible(one.campaign_id) for one in self.result.campaigns[:8]) or "none was found"
        raise InputError(f"no campaign is called {words.visible(campaign_id)!r}", hint=f"campaigns: {known}")

    def _evidence_rows(self) -> Iterator[dict[str, Any]]:
        for campaign in self.result.campaigns:
            for item in campaign.evidence:
                yield _row(item, campaign_id=campaign.campaign_id)
            for member in campaign.roster:
                for item in member.evidence:
                    yield _row(item, campaign_id=campaign.campaign_id, platform=member.platform,
                               account_id=member.account_id)  # fmt: skip
        for group in self.result.lookalikes:
            for item in group.evidence:
                yield _row(item, lookalike=group.says)


def _row(item: Evidence, **where: str) -> dict[str, Any]:
    row: dict[str, Any] = {"axis": item.axis, "family": item.family, "name": item.name, "bits": item.bits}
    return {**row, "says": item.says, "exchange_ids": list(item.exchange_ids), **where}
