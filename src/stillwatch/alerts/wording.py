"""An alert's words: what a campaign is said to be, how sure that is, and what speaks for and against it.

Accounts, ids and reasons come from logs, so they are made visible, cut, and rid of e-mail addresses here, before any
channel escapes them for its own format. No prompt can get in: none of what is read here holds one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stillwatch.model import Campaign, Decision, Verdict
from stillwatch.report.words import (
    accused_count,
    claim,
    counted,
    join_and,
    moment,
    percent,
    reasons_against,
    reasons_for,
    visible,
)

MAX_ACCOUNTS = 10
MAIL = "[e-mail address]"
# wider than a valid address on purpose: everything up to the next space that stands around an @, written in any way
_MAIL = re.compile(r"\S+(?:@|%40|\uff20|\ufe6b)\S+", re.IGNORECASE)
NAMES: dict[Verdict, tuple[str, str]] = {
    "extraction": ("an", "extraction campaign"),
    "resale": ("a", "resale pool"),
    "coordinated": ("a", "coordinated group of unclear purpose"),
}


def clean(text: str, limit: int = 400) -> str:
    """One line without e-mail addresses, invisible characters spelled out, cut in its middle beyond ``limit``."""
    # cut before the search, whose cost grows with the square of a word's length
    short = " ".join(text[: 4 * limit].split())
    return visible(_MAIL.sub(MAIL, short), limit)


def account(platform: str, account_id: str) -> str:
    """``platform/account_id``, unless the id is itself an e-mail address; the link leads to who it is."""
    return f"{clean(platform, 32)}/{clean(account_id, 64)}"


def accounts_of(campaign: Campaign) -> tuple[str, ...]:
    """The accused accounts that are surest, at most ten."""
    accused = [one for one in campaign.roster if one.accused]
    accused.sort(key=lambda one: (-one.probability, one.platform, one.account_id))
    return tuple(account(one.platform, one.account_id) for one in accused[:MAX_ACCOUNTS])


def decided_accounts(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """The accounts of some decisions, surest first, each once, at most ten."""
    ordered = sorted(decisions, key=lambda one: (-one.probability, one.platform, one.account_id))
    return tuple(dict.fromkeys(account(one.platform, one.account_id) for one in ordered))[:MAX_ACCOUNTS]


def account_count(decisions: Iterable[Decision]) -> int:
    """How many different accounts some decisions are about."""
    return len({(one.platform, one.account_id) for one in decisions})


def size(campaign: Campaign) -> str:
    """``60 accounts, confidence 97%``."""
    return f"{counted(accused_count(campaign), 'account')}, confidence {percent(campaign.confidence)}"


def body(campaign: Campaign, opening: str, closing: str = "") -> str:
    """The whole alert in plain sentences: what happened, what it is, how sure, for, against, and who is not accused."""
    parts = [opening, f"{claim(campaign)}.", _sure(campaign), _volume(campaign)]
    parts += [sides(pro(campaign), contra(campaign)), _linked(campaign), closing]
    return clean(" ".join(part for part in parts if part), 2400)


def pro(campaign: Campaign) -> tuple[str, ...]:
    """The strongest reasons for the verdict, one a question it rests on."""
    return tuple(clean(reason) for reason in reasons_for(campaign))


def contra(campaign: Campaign) -> tuple[str, ...]:
    """The strongest counter-evidence, one a question."""
    return tuple(clean(reason) for reason in reasons_against(campaign))


def sides(reasons: Sequence[str], against: Sequence[str]) -> str:
    """Both sides, in words; that nothing spoke against it is said, since it is not the same as having looked away."""
    first = f"For it: {join_and(reasons)}." if reasons else "No single reason is strong enough to be named."
    second = f"Against it: {join_and(against)}." if against else "No counter-evidence of note was found."
    return f"{first} {second}"


def _sure(campaign: Campaign) -> str:
    return f"Confidence {percent(campaign.confidence)}: the share of these accounts that is expected to be right."


def _volume(campaign: Campaign) -> str:
    span = f"between {moment(campaign.first_seen)} and {moment(campaign.last_seen)} UTC"
    harvest = f", {campaign.extraction_exchanges:,} of them harvesting" if campaign.verdict == "extraction" else ""
    return f"{counted(campaign.exchanges, 'exchange')} {span}{harvest}."


def _linked(campaign: Campaign) -> str:
    linked = len(campaign.roster) - accused_count(campaign)
    return f"{counted(linked, 'more account is', 'more accounts are')} linked to it and not accused." if linked else ""
