"""The self-contained HTML report: one file, no request to anywhere, readable without a script.

Whatever came out of a log is text to it: templates escape everything, ids in the page are the report's own, and a
content security policy admits only the report's one script and one style sheet by their digests.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

import msgspec
import pyarrow as pa
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stillwatch.model import Campaign, Evidence, LookAlike, Member, ScanResult, Succession
from stillwatch.report import words
from stillwatch.report.canonical import canonical
from stillwatch.report.charts import Bar, GraphView, TimelineView, bars, graph_view, timeline_view
from stillwatch.report.waterfall import AXES, Step, Waterfall, waterfall, waterfalls

ROWS_SHOWN = 500
LINKS_LISTED = 20
SUCCESSIONS_LISTED = 6
OPEN_UP_TO = 12  # a table of so many rows stands open


class Row(msgspec.Struct, frozen=True, kw_only=True):
    step: Step
    bar: Bar


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """A waterfall with its bars."""

    sum: Waterfall
    title: str
    rows: tuple[Row, ...]
    total: Bar
    zero: float


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member and the strongest reason of its own; ``more`` counts the others."""

    member: Member
    reason: Evidence | None
    more: int


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[AccountRow, ...]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


class CampaignView(msgspec.Struct, frozen=True, kw_only=True):
    """``anchor`` is the report's own id for the campaign, so that no id from a log stands in an attribute."""

    anchor: str
    it: Campaign
    claim: str
    because: list[str]
    against: list[str]
    axes: tuple[Axis, ...]
    folded: tuple[Axis, ...]
    timeline: TimelineView | None
    graph: GraphView | None
    accounts: Listing
    possible: Listing
    successions: tuple[Succession, ...]
    nothing_to_link: bool


class LookAlikeView(msgspec.Struct, frozen=True, kw_only=True):
    it: LookAlike
    axes: tuple[Axis, ...]


def render_html(result: ScanResult, accounts: pa.Table) -> str:
    """The whole report as one HTML document; equal input gives equal text.

    ``accounts`` is the per-account table that stands beside it (only its length is told). Cost: about 0.1 s a campaign.
    """
    told = canonical(result)
    style, script = _part("style.css"), _part("script.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            scan=told,
            headline=words.headline(told),
            campaigns=[_campaign(index, campaign, told) for index, campaign in enumerate(told.campaigns, start=1)],
            lookalikes=[LookAlikeView(it=group, axes=_group_axes(group)) for group in told.lookalikes],
            accounts_count=accounts.num_rows,
            style=Markup(style),  # noqa: S704  the package's own file
            script=Markup(script),  # noqa: S704  the package's own file
            style_digest=_digest(style),
            script_digest=_digest(script),
        )
    )


def render_summary(result: ScanResult) -> str:
    """The campaigns as a short table, for a notebook cell: no script, no style sheet."""
    told = canonical(result)
    return _environment().get_template("summary.html.j2").render(scan=told, headline=words.headline(told))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("stillwatch.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "shown": words.visible,
        "said": words.sentence,
        "count": words.count,
        "signed": words.signed,
        "percent": words.percent,
        "moment": words.moment,
        "date": words.date,
        "day": words.day,
        "label": words.label,
        "span": words.duration,
        "accused_count": words.accused_count,
    }
    made.filters.update(filters)
    known: dict[str, Any] = {"counted": words.counted, "links_listed": LINKS_LISTED, "open_up_to": OPEN_UP_TO}
    made.globals.update(known)
    return made


@cache
def _part(name: str) -> str:
    return (resources.files("stillwatch.report") / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _campaign(index: int, campaign: Campaign, result: ScanResult) -> CampaignView:
    return CampaignView(
        anchor=f"c{index}",
        it=campaign,
        claim=words.claim(campaign),
        because=words.reasons_for(campaign),
        against=words.reasons_against(campaign),
        axes=tuple(_axis(one) for one in waterfalls(campaign) if _decides(one, campaign)),
        folded=tuple(_axis(one) for one in waterfalls(campaign) if not _decides(one, campaign)),
        timeline=timeline_view(campaign, result),
        graph=graph_view(campaign),
        accounts=_listing([member for member in campaign.roster if member.accused]),
        possible=_listing([member for member in campaign.roster if not member.accused]),
        successions=campaign.successions[:SUCCESSIONS_LISTED],
        nothing_to_link=campaign.verdict == "extraction" and not any(x.axis == "operator" for x in campaign.evidence),
    )


def _decides(one: Waterfall, campaign: Campaign) -> bool:
    """Whether serving unrelated people is a resale verdict's question, or only an answer beside another verdict."""
    return one.axis != "resale" or campaign.verdict == "resale"


def _axis(one: Waterfall) -> Axis:
    step_bars, total, zero = bars(one)
    rows = tuple(Row(step=step, bar=bar) for step, bar in zip(one.steps, step_bars, strict=True))
    return Axis(sum=one, title=words.AXIS_SAYS[one.axis], rows=rows, total=total, zero=zero)


def _group_axes(group: LookAlike) -> tuple[Axis, ...]:
    totals = {"operator": group.operator_bits, "harvest": group.harvest_bits}
    made = (waterfall(group.evidence, axis, totals.get(axis)) for axis in AXES)
    return tuple(_axis(one) for one in made if one.steps)


def _listing(members: list[Member]) -> Listing:
    return Listing(rows=tuple(_account_row(member) for member in members[:ROWS_SHOWN]), total=len(members))


def _account_row(member: Member) -> AccountRow:
    reasons = sorted((item for item in member.evidence if item.bits > 0), key=lambda item: -item.bits)
    return AccountRow(member=member, reason=reasons[0] if reasons else None, more=max(0, len(member.evidence) - 1))
