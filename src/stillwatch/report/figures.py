"""A campaign as plotly figures, for notebooks. The HTML report draws its own (``charts``), which need no script."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go

from stillwatch.model import Campaign, ScanResult
from stillwatch.report import words
from stillwatch.report.explain import account_name
from stillwatch.report.layout import Graph, Node
from stillwatch.report.layout import graph as layout
from stillwatch.report.timeline import Buckets, buckets, closures, marks
from stillwatch.report.waterfall import Waterfall, waterfalls

_FOR, _AGAINST, _PLAIN = "#b4541a", "#0f7285", "#6b6f76"
_SERIES = ("#3d5a80", "#d98e04", "#5f8f5a", "#98586e", "#8a8f98")
_PATTERNS = ("", "/", ".", "-", "x")


def timeline(campaign: Campaign, result: ScanResult) -> go.Figure:
    """Exchanges stacked by model, the harvesting estimate as a line, models' first appearances, pivots, closures."""
    figure = _figure("Exchanges over time", campaign)
    told = buckets(campaign)
    if told is None:
        return figure
    _add_volumes(figure, told, is_harvest=campaign.verdict == "extraction")
    for mark in marks(campaign, result):
        figure.add_vline(x=mark.at, line={"dash": "dash" if mark.kind == "release" else "solid", "width": 1})
        place = {"x": mark.at, "y": 1, "yref": "paper", "xanchor": "right", "yanchor": "top", "textangle": -90}
        figure.add_annotation(text=f"{_inert(mark.model)}: {mark.says}", **place)
    closed = list(closures(campaign))
    if closed:
        symbol = {"symbol": "x", "color": _PLAIN}
        figure.add_scatter(x=closed, y=[0] * len(closed), name="account closed", mode="markers", marker=symbol)
    return figure.update_layout(barmode="stack", yaxis_title="exchanges")


def waterfall(campaign: Campaign) -> go.Figure:
    """One waterfall per axis side by side, each with its own total."""
    figure = _figure("Evidence in bits", campaign)
    for one in waterfalls(campaign):
        _add_waterfall(figure, one)
    return figure.update_layout(yaxis_title="bits")


def graph(campaign: Campaign) -> go.Figure:
    """The strongest links and their accounts, reasons on hover; the title says how many links there are in all."""
    drawn = layout(campaign)
    figure = _figure(f"{len(drawn.links):,} of {len(campaign.links):,} links, grown from the strongest", campaign)
    _add_links(figure, drawn)
    _add_accounts(figure, drawn.nodes, campaign)
    return figure.update_layout(
        showlegend=False, xaxis={"visible": False}, yaxis={"visible": False, "scaleanchor": "x"}
    )


def capabilities(campaign: Campaign) -> go.Figure:
    """Shares of the harvesting part, the largest on top; empty where nothing is harvested."""
    mix = sorted(campaign.capabilities.items(), key=lambda pair: pair[1])
    figure = _figure("What is harvested" if campaign.verdict == "extraction" else "What is asked", campaign)
    figure.add_bar(
        x=[share for _, share in mix],
        y=[words.label(name) for name, _ in mix],
        text=[words.percent(share) for _, share in mix],
        orientation="h",
        marker={"color": _FOR},
    )
    return figure.update_layout(xaxis={"tickformat": ".0%", "range": [0, 1]})


def _add_volumes(figure: go.Figure, told: Buckets, *, is_harvest: bool) -> None:
    times = [bucket.at for bucket in told.buckets]
    for index, model in enumerate(told.models):
        looks = {"color": _SERIES[index], "pattern": {"shape": _PATTERNS[index]}}
        volumes = [bucket.volumes[index] for bucket in told.buckets]
        figure.add_bar(x=times, y=volumes, name=_inert(model), marker=looks)
    if is_harvest:
        harvest = [bucket.harvest for bucket in told.buckets]
        figure.add_scatter(x=times, y=harvest, name="harvesting (estimate)", mode="lines", line={"color": _FOR})


def _add_waterfall(figure: go.Figure, one: Waterfall) -> None:
    names = [
        "before anything was measured, and small reasons" if step.item is None else words.sentence(step.item.says)
        for step in one.steps
    ]
    labels = [*(_inert(name) for name in names), "in all"]
    figure.add_waterfall(
        name=words.AXIS_SAYS[one.axis],
        x=[[words.AXIS_SAYS[one.axis]] * len(labels), labels],
        y=[*(step.bits for step in one.steps), one.total],
        measure=[*("relative" for _ in one.steps), "total"],
        text=[*(words.signed(step.bits) for step in one.steps), words.signed(one.total)],
        increasing={"marker": {"color": _FOR}},
        decreasing={"marker": {"color": _AGAINST}},
        totals={"marker": {"color": _PLAIN}},
    )


def _add_links(figure: go.Figure, drawn: Graph) -> None:
    spot = {node.member: node for node in drawn.nodes}
    pairs = [(spot[link.left], spot[link.right]) for link in drawn.links]
    xs = [x for left, right in pairs for x in (left.x, right.x, None)]
    ys = [y for left, right in pairs for y in (left.y, right.y, None)]
    figure.add_scatter(x=xs, y=ys, mode="lines", line={"width": 1, "color": _PLAIN}, hoverinfo="skip")
    figure.add_scatter(
        x=[(left.x + right.x) / 2 for left, right in pairs],
        y=[(left.y + right.y) / 2 for left, right in pairs],
        mode="markers",
        marker={"size": 6, "opacity": 0},
        hovertext=[_inert(f"{words.signed(x.bits)} bits: {'; '.join(x.reasons)}") for x in drawn.links],
        hoverinfo="text",
    )


def _add_accounts(figure: go.Figure, nodes: tuple[Node, ...], campaign: Campaign) -> None:
    members = [campaign.roster[node.member] for node in nodes]
    figure.add_scatter(
        x=[node.x for node in nodes],
        y=[node.y for node in nodes],
        mode="markers",
        marker={
            "size": 9,
            "color": [_FOR if one.accused else _AGAINST for one in members],
            "symbol": ["circle" if one.accused else "diamond-open" for one in members],
        },
        hovertext=[_inert(account_name(x.platform, x.account_id)) + f" {x.probability:.2f}" for x in members],
        hoverinfo="text",
    )


def _inert(text: str) -> str:
    """Plotly reads a little HTML in labels; nothing from a log may be read as any."""
    return escape(words.visible(text, 200))


def _figure(title: str, campaign: Campaign) -> go.Figure:
    whole = f"{title} · {_inert(campaign.campaign_id)} ({campaign.verdict})"
    return go.Figure(layout={"title": {"text": whole}, "template": "plotly_white"})
