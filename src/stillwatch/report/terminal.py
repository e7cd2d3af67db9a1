"""An explanation in a terminal: waterfalls in bits, counter-evidence included, with the exchange ids behind each line.

Strings from logs are made visible and printed as plain text: neither markup nor escape sequences in them take effect.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillwatch.model import Campaign, Evidence, LookAlike, Member
from stillwatch.report import words
from stillwatch.report.explain import AccountExplanation, CampaignExplanation, Nearest, account_name
from stillwatch.report.waterfall import AXES, Waterfall, waterfall, waterfalls

_BAR_CELLS = 20
_IDS_SHOWN = 6


def print_explanation(console: Console, found: CampaignExplanation | AccountExplanation) -> None:
    """Prints either kind of explanation; the console needs no markup, emoji or highlighting switched on."""
    if isinstance(found, CampaignExplanation):
        _print_campaign(console, found)
    else:
        _print_account(console, found)


def _print_campaign(console: Console, found: CampaignExplanation) -> None:
    campaign = found.campaign
    _heading(console, f"Campaign {words.visible(campaign.campaign_id)}: {campaign.verdict}")
    console.print(f"{words.claim(campaign)}.")
    _facts(console, campaign)
    for one in waterfalls(campaign):
        _print_waterfall(console, one)
    if campaign.capabilities:
        mix = (f"{words.label(name)} {words.percent(share)}" for name, share in campaign.capabilities.items())
        _heading(console, "What it harvests" if campaign.verdict == "extraction" else "What is asked of the models")
        console.print(", ".join(mix))
    _print_nearest(console, "Strongest links", found.nearest)


def _facts(console: Console, campaign: Campaign) -> None:
    named = words.accused_count(campaign)
    possible = len(campaign.roster) - named
    confidence = f"{campaign.confidence:.2f} (of 100 such verdicts about {campaign.confidence * 100:.0f} are right)"
    accounts = words.counted(named, "account") + (f" and {possible:,} linked, not accused" if possible else "")
    harvest = (
        f", about {campaign.extraction_exchanges:,} of them harvesting" if campaign.verdict == "extraction" else ""
    )
    console.print(f"confidence {confidence} · {accounts}")
    console.print(f"{words.counted(campaign.exchanges, 'exchange')}{harvest}")
    console.print(f"{words.moment(campaign.first_seen)} to {words.moment(campaign.last_seen)} UTC")


def _print_account(console: Console, found: AccountExplanation) -> None:
    _heading(console, f"Account {words.visible(account_name(found.platform, found.account_id))}")
    if found.campaign is None or found.member is None:
        console.print("In no campaign.")
    else:
        _print_membership(console, found.campaign, found.member)
    _print_standing(console, found)
    _print_nearest(console, "Nearest accounts", found.nearest)
    for group in found.lookalikes:
        _print_lookalike(console, group)


def _print_membership(console: Console, campaign: Campaign, member: Member) -> None:
    where = f"campaign {words.visible(campaign.campaign_id)} ({campaign.verdict})"
    if member.accused:
        console.print(f"A member of {where} with probability {member.probability:.2f}.")
    else:
        linked = f"Linked to {where} with probability {member.probability:.2f}"
        console.print(f"{linked}, not accused: nothing is to be done to it.")
    harvest = f", about {member.harvest_exchanges:,} harvesting" if campaign.verdict == "extraction" else ""
    volume = f"{words.counted(member.exchanges, 'exchange')}{harvest}"
    console.print(f"{volume} · {words.moment(member.first_seen)} to {words.moment(member.last_seen)} UTC")
    closed = f" · closed {words.moment(member.closed_at)}" if member.closed_at else ""
    console.print(f"created {words.moment(member.created_at)}{closed}")
    for axis in AXES:
        own = waterfall(member.evidence, axis)
        if own.steps:
            _print_waterfall(console, own, whose="its own evidence")
    if not member.evidence:
        console.print("It has no evidence of its own beyond its links.")


def _print_standing(console: Console, found: AccountExplanation) -> None:
    row = found.standing
    if row is None:
        return
    axes = (("harvest", row.extraction_bits), ("coordination", row.coordination_bits))
    parts = [f"{axis} {words.signed(value)} bits" for axis, value in axes if value is not None]
    if parts:
        console.print(f"Scored alone: {', '.join(parts)}.")


def _print_lookalike(console: Console, group: LookAlike) -> None:
    _heading(console, "Considered and let go")
    console.print(f"In a group of {words.counted(group.account_count, 'account')}: {words.sentence(group.says)}.")
    console.print(f"operator {words.signed(group.operator_bits)} bits, harvest {words.signed(group.harvest_bits)} bits")
    for axis in AXES:
        one = waterfall(group.evidence, axis)
        if one.steps:
            _print_waterfall(console, one)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _print_waterfall(console: Console, one: Waterfall, whose: str = "") -> None:
    title = words.AXIS_SAYS[one.axis] + (f" ({whose})" if whose else "")
    _heading(console, f"{title}  {words.signed(one.total)} bits")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(justify="right", no_wrap=True, min_width=6)
    table.add_column(no_wrap=True, width=_BAR_CELLS)
    table.add_column(overflow="fold")
    low = min(0.0, *(min(step.start, step.end) for step in one.steps)) if one.steps else 0.0
    high = max(0.1, *(max(step.start, step.end) for step in one.steps)) if one.steps else 0.1
    for step in one.steps:
        style = "yellow" if step.bits >= 0 else "cyan"
        bar = Text(_bar(step.start, step.end, low, high), style=style)
        reason = (
            _reason(step.item) if step.item else Text("before anything was measured, and small reasons", style="dim")
        )
        table.add_row(Text(words.signed(step.bits), style=style), bar, reason)
    console.print(table)
    if one.silent:
        names = ", ".join(words.visible(item.name) for item in one.silent)
        console.print(Text(f"saying nothing either way: {names}", style="dim"))


def _bar(start: float, end: float, low: float, high: float) -> str:
    """A floating bar: where the step carries the sum, on a scale shared by the whole waterfall."""
    scale = _BAR_CELLS / (high - low)
    left, right = sorted((round((start - low) * scale), round((end - low) * scale)))
    filled = max(1, right - left)
    left = min(left, _BAR_CELLS - filled)
    return " " * left + ("█" if end >= start else "░") * filled


def _reason(item: Evidence) -> Text:
    text = Text(words.sentence(item.says))
    text.append(f"  {words.visible(item.name)}, family {words.visible(item.family)}", style="dim")
    if item.exchange_ids:
        shown = ", ".join(words.visible(one) for one in item.exchange_ids[:_IDS_SHOWN])
        more = len(item.exchange_ids) - _IDS_SHOWN
        text.append(f"\nexchanges: {shown}" + (f" and {more} more (--json)" if more > 0 else ""), style="dim")
    return text


def _print_nearest(console: Console, title: str, nearest: Iterable[Nearest]) -> None:
    rows = list(nearest)
    if not rows:
        return
    _heading(console, title)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(justify="right", no_wrap=True, min_width=6)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for one in rows:
        names = f"{words.visible(one.left)} and {words.visible(one.right)}"
        table.add_row(
            words.signed(one.bits), Text(names), Text("; ".join(map(words.sentence, one.reasons)), style="dim")
        )
    console.print(table)
