"""How numbers, times, untrusted strings and verdicts are put into words.

Strings from logs are shown so that they cannot deceive: control and direction marks become visible, and the very long
are cut. Escaping for HTML or a terminal is the renderer's business.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from stillwatch.model import Axis, Campaign, Evidence, ScanResult, Verdict

MAX_SHOWN = 96
_WORTH_SAYING_BITS = 0.5  # weaker reasons stand in the waterfall, not in the sentence
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MINUS = "\u2212"  # as wide as a plus, and read aloud as "minus"
AXIS_SAYS: dict[Axis, str] = {
    "operator": "Run by one party?",
    "harvest": "Harvesting training data?",
    "resale": "Serving unrelated people?",
}


def visible(text: str, limit: int = MAX_SHOWN) -> str:
    """The text with every invisible character spelled out as ``[U+202E]``, cut in its middle beyond ``limit``."""
    if len(text) > limit:
        text = f"{text[: limit - 9]}…{text[-8:]}"  # the end tells ids of one series apart
    return "".join(f"[U+{ord(c):04X}]" if unicodedata.category(c) in _HIDDEN else c for c in text)


def sentence(text: str) -> str:
    """A reason as it stands inside another sentence: visible, at most 400 characters, no full stop."""
    return visible(text.strip().rstrip("."), 400)


def count(value: int) -> str:
    """``12,345``."""
    return f"{value:,}"


def counted(value: int, one: str, many: str | None = None) -> str:
    """``1 account``, ``12,345 accounts``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def signed(value: float) -> str:
    """Bits with their sign, one digit, zero without a sign: ``+3.1``."""
    rounded = round(value, 1)
    if rounded == 0:
        return "0.0"
    return f"{'+' if rounded > 0 else MINUS}{abs(rounded):.1f}"


def percent(share: float) -> str:
    """Whole per cent, but nothing between 0 and 1 is called 0% or 100%."""
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share * 100:.0f}%"


def moment(at: datetime | None) -> str:
    """``2026-03-02 09:00``, or ``unknown``."""
    return "unknown" if at is None else at.strftime("%Y-%m-%d %H:%M")


def date(at: datetime | None) -> str:
    """``2026-03-02``, or ``unknown``."""
    return "unknown" if at is None else at.strftime("%Y-%m-%d")


def day(at: datetime) -> str:
    """``2 Mar``."""
    return f"{at.day} {at:%b}"


def duration(span: timedelta) -> str:
    """The largest whole unit: ``13 days``, ``7 minutes``."""
    seconds = max(0, int(span.total_seconds()))
    for size, one in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return counted(round(seconds / size), one)
    return counted(seconds, "second")


def label(capability: str) -> str:
    """A capability label as words."""
    return capability.replace("_", " ")


def accused_count(campaign: Campaign) -> int:
    """How many of the roster are accused, not only linked."""
    return sum(member.accused for member in campaign.roster)


def top_capabilities(campaign: Campaign) -> str:
    """The capabilities that make up most of the harvest, at most three, in words."""
    if campaign.capabilities.get("other", 0.0) >= 0.5:  # half: naming the rest would mislead
        return "outputs of mixed kinds"
    parts, covered = [], 0.0
    for name, share in campaign.capabilities.items():
        if name == "other" or (parts and (covered >= 0.8 or share < 0.1 or len(parts) == 3)):
            continue
        parts.append(f"{label(name)} ({percent(share)})")
        covered += share
    return join_and(parts) if parts else "outputs of no single kind"


def join_and(parts: Iterable[str]) -> str:
    """``a, b and c``."""
    *rest, last = list(parts) or [""]
    return f"{', '.join(rest)} and {last}" if rest else last


def claim(campaign: Campaign) -> str:
    """What the campaign is said to be, in one clause."""
    size = accused_count(campaign)
    who = f"These {size:,} accounts are" if size != 1 else "This one account is"
    if campaign.verdict == "resale":
        pool = "one operator's pool" if size != 1 else "a pool"
        return f"{who} {pool} that serves many unrelated people, and no harvesting of note was found"
    if campaign.verdict == "coordinated":
        return f"{who} run by one party, to a purpose that is unclear"
    if size == 1:
        return f"This one account harvests {top_capabilities(campaign)}"
    return f"{who} run by one party and harvest {top_capabilities(campaign)}"


def strongest(evidence: Iterable[Evidence], axis: Axis, *, against: bool = False) -> Evidence | None:
    """The strongest reason on an axis (or counter-evidence on it), if there is any."""
    sign = -1 if against else 1
    items = [
        item
        for item in evidence
        if item.axis == axis and sign * item.bits >= _WORTH_SAYING_BITS and item.family != "given"
    ]
    return min(items, key=lambda item: (-abs(item.bits), item.family, item.name, item.says), default=None)


def reasons_for(campaign: Campaign) -> list[str]:
    """The strongest reason on each question, as clauses. For resale, that people do not harvest is one of them."""
    found = [strongest(campaign.evidence, axis) for axis in _for_axes(campaign)]
    if campaign.verdict == "resale":
        found.append(strongest(campaign.evidence, "harvest", against=True))
    return list(dict.fromkeys(sentence(item.says) for item in found if item is not None))


def reasons_against(campaign: Campaign) -> list[str]:
    """The strongest counter-evidence on each question the verdict rests on, as clauses."""
    found = (strongest(campaign.evidence, axis, against=True) for axis in _for_axes(campaign))
    return list(dict.fromkeys(sentence(item.says) for item in found if item is not None))


def _for_axes(campaign: Campaign) -> tuple[Axis, ...]:
    return ("operator", "resale") if campaign.verdict == "resale" else ("operator", "harvest")


def headline(result: ScanResult) -> str:
    """The whole scan in one sentence."""
    names: dict[Verdict, tuple[str, str]] = {
        "extraction": ("extraction campaign", "extraction campaigns"),
        "resale": ("resale pool", "resale pools"),
        "coordinated": ("coordinated group of unclear purpose", "coordinated groups of unclear purpose"),
    }
    kinds = {verdict: sum(c.verdict == verdict for c in result.campaigns) for verdict in names}
    found = join_and(counted(kinds[verdict], *words) for verdict, words in names.items() if kinds[verdict])
    among = f"among {counted(result.input.accounts, 'account')}"
    if not found:
        return f"No campaign was found {among}."
    accused = sum(accused_count(campaign) for campaign in result.campaigns if campaign.verdict == "extraction")
    if not accused:
        return f"{found} found {among}; nobody is accused of extraction."
    are = "account is" if accused == 1 else "accounts are"
    return f"{found} found {among}; {accused:,} {are} accused of extraction."
