"""The report as an object for notebooks: campaigns as values, accounts and evidence as Arrow, plots as figures."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.model import Campaign, Evidence, ScanResult
from stillwatch.report import words
from stillwatch.report.canonical import canonical
from stillwatch.report.explain import AccountExplanation, CampaignExplanation, account_name, explain
from stillwatch.report.html import render_summary
from stillwatch.report.layout import LINK_LIMIT, graph
from stillwatch.report.serialise import scores_table, write_scan
from stillwatch.report.timeline import buckets, closures, marks
from stillwatch.report.waterfall import waterfalls

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
_FOR, _AGAINST, _TOTAL = "#b4541a", "#0f7285", "#6b6f76"
_SERIES = ("#3d5a80", "#d98e04", "#5f8f5a", "#98586e", "#8a8f98")
_PATTERNS = ("", "/", ".", "x", "-")


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
        campaign = self._campaign(campaign_id)
        told = buckets(campaign)
        figure = _figure("Exchanges over time", campaign)
        if told is None:
            return figure
        times = [bucket.at for bucket in told.buckets]
        for index, model in enumerate(told.models):
            figure.add_bar(
                x=times,
                y=[bucket.volumes[index] for bucket in told.buckets],
                name=_inert(model),
                marker={"color": _SERIES[index], "pattern": {"shape": _PATTERNS[index]}},
            )
        harvest = [bucket.harvest for bucket in told.buckets]
        figure.add_scatter(x=times, y=harvest, name="harvesting (estimate)", mode="lines", line={"color": _FOR})
        for mark in marks(campaign, self.result):
            dash = "dash" if mark.kind == "release" else "solid"
            figure.add_vline(x=mark.at, line={"dash": dash, "width": 1})
            note = f"{_inert(mark.model)}: {mark.says}"
            figure.add_annotation(
                x=mark.at, y=1, yref="paper", text=note, textangle=-90, xanchor="right", yanchor="top"
            )
        closed = list(closures(campaign))
        if closed:
            symbol = {"symbol": "x", "color": _TOTAL}
            figure.add_scatter(x=closed, y=[0] * len(closed), name="account closed", mode="markers", marker=symbol)
        figure.update_layout(barmode="stack", yaxis_title="exchanges")
        return figure

    def waterfall(self, campaign_id: str) -> go.Figure:
        """Evidence and counter-evidence in bits, axis by axis: the axes are never added up."""
        campaign = self._campaign(campaign_id)
        figure = _figure("Evidence in bits", campaign)
        for one in waterfalls(campaign):
            named = [("prior and calibration" if s.item is None else words.sentence(s.item.says)) for s in one.steps]
            figure.add_waterfall(
                name=words.AXIS_SAYS[one.axis],
                x=[[one.axis] * (len(named) + 1), [*map(_inert, named), "total"]],
                y=[*(step.bits for step in one.steps), one.total],
                measure=[*("relative" for _ in one.steps), "total"],
                text=[*(words.signed(step.bits) for step in one.steps), words.signed(one.total)],
                increasing={"marker": {"color": _FOR}},
                decreasing={"marker": {"color": _AGAINST}},
                totals={"marker": {"color": _TOTAL}},
            )
        figure.update_layout(yaxis_title="bits")
        return figure

    def graph(self, campaign_id: str) -> go.Figure:
        """Accounts and their strongest links (at most 300), with the reasons on hover."""
        campaign = self._campaign(campaign_id)
        drawn = graph(campaign, LINK_LIMIT)
        spot = {node.member: node for node in drawn.nodes}
        figure = _figure(f"Strongest {len(drawn.links):,} of {len(campaign.links):,} links", campaign)
        lines_x: list[float | None] = []
        lines_y: list[float | None] = []
        for link in drawn.links:
            lines_x += [spot[link.left].x, spot[link.right].x, None]
            lines_y += [spot[link.left].y, spot[link.right].y, None]
        figure.add_scatter(x=lines_x, y=lines_y, mode="lines", line={"width": 1, "color": _TOTAL}, hoverinfo="skip")
        middle = [(spot[link.left], spot[link.right]) for link in drawn.links]
        figure.add_scatter(
            x=[(left.x + right.x) / 2 for left, right in middle],
            y=[(left.y + right.y) / 2 for left, right in middle],
            mode="markers",
            marker={"size": 6, "opacity": 0},
            hovertext=[_inert(f"{words.signed(x.bits)} bits: {'; '.join(x.reasons)}") for x in drawn.links],
            hoverinfo="text",
        )
        members = [campaign.roster[node.member] for node in drawn.nodes]
        figure.add_scatter(
            x=[node.x for node in drawn.nodes],
            y=[node.y for node in drawn.nodes],
            mode="markers",
            marker={
                "size": 9,
                "color": [_FOR if one.accused else "#ffffff" for one in members],
                "symbol": ["circle" if one.accused else "diamond-open" for one in members],
                "line": {"width": 1, "color": _TOTAL},
            },
            hovertext=[
                _inert(f"{account_name(one.platform, one.account_id)} {one.probability:.2f}") for one in members
            ],
            hoverinfo="text",
        )
        hidden = {"visible": False}
        figure.update_layout(showlegend=False, xaxis=hidden, yaxis={**hidden, "scaleanchor": "x"})
        return figure

    def capabilities(self, campaign_id: str) -> go.Figure:
        """What the harvesting part asks for, as shares of it."""
        campaign = self._campaign(campaign_id)
        mix = sorted(campaign.capabilities.items(), key=lambda pair: pair[1])
        figure = _figure("What is harvested", campaign)
        figure.add_bar(
            x=[share for _, share in mix],
            y=[words.label(name) for name, _ in mix],
            text=[words.percent(share) for _, share in mix],
            orientation="h",
            marker={"color": _FOR},
        )
        figure.update_layout(xaxis={"tickformat": ".0%", "range": [0, 1]})
        return figure

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


def _inert(text: str) -> str:
    """Plotly reads a little HTML in labels; nothing from a log may be read as any."""
    return escape(words.visible(text, 200))


def _figure(title: str, campaign: Campaign) -> go.Figure:
    whole = f"{title} · {_inert(campaign.campaign_id)} ({campaign.verdict})"
    return go.Figure(layout={"title": {"text": whole}, "template": "plotly_white"})
