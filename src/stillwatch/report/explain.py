"""Why a campaign, or one account, was judged as it was: found by id, with what speaks against it.

It reads a scan's result and adds nothing to it; a terminal, a notebook or a program renders what it returns.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import InputError
from stillwatch.model import Campaign, Evidence, Link, LookAlike, Member, ScanResult
from stillwatch.report.words import visible

SUGGESTIONS = 5
_MOST_COMPARED = 20_000  # accounts a mistyped id is compared with, to answer within a second


class Nearest(msgspec.Struct, frozen=True, kw_only=True):
    """Two accounts of a campaign joined by a link, by name."""

    left: str
    right: str
    bits: float
    reasons: tuple[str, ...]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the per-account table says of one account."""

    platform: str
    account_id: str
    exchanges: int | None
    probability: float | None
    extraction_bits: float | None
    coordination_bits: float | None


class CampaignExplanation(msgspec.Struct, frozen=True, kw_only=True):
    campaign: Campaign
    nearest: tuple[Nearest, ...]


class AccountExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """An account and where it stands: ``campaign`` and ``member`` if it is in one, else the groups let go with it."""

    platform: str
    account_id: str
    standing: Standing | None
    campaign: Campaign | None
    member: Member | None
    nearest: tuple[Nearest, ...]
    lookalikes: tuple[LookAlike, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return () if self.member is None else self.member.evidence


def account_name(platform: str, account_id: str) -> str:
    """``platform/account_id``, an account's name everywhere in a report."""
    return f"{platform}/{account_id}"


def explain(
    result: ScanResult, accounts: pa.Table, wanted: str, *, nearest: int = 10
) -> CampaignExplanation | AccountExplanation:
    """The campaign or account called ``wanted``: a campaign_id, ``platform/account_id``, or an account_id used once.

    ``nearest`` bounds the strongest links returned. Raises ``InputError`` where no such id exists (the nearest ids are
    suggested) or where several platforms know the account_id. Cost: one pass over campaigns and accounts.
    """
    for campaign in result.campaigns:
        if campaign.campaign_id == wanted:
            return CampaignExplanation(campaign=campaign, nearest=_nearest(campaign, campaign.links, nearest))
    found = _accounts_called(result, accounts, wanted)
    if len(found) > 1:
        names = ", ".join(visible(account_name(*one)) for one in found)
        raise InputError(f"{visible(wanted)!r} names {len(found)} accounts", hint=f"write one of {names}")
    if not found:
        raise InputError(f"no campaign or account is called {visible(wanted)!r}", hint=_hint(result, accounts, wanted))
    return _account(result, accounts, *found[0], nearest=nearest)


def suggestions(result: ScanResult, accounts: pa.Table, wanted: str, most: int = SUGGESTIONS) -> list[str]:
    """Ids close to one that does not exist: campaigns first, then accounts that contain it or differ little."""
    campaigns = [campaign.campaign_id for campaign in result.campaigns]
    close = difflib.get_close_matches(wanted, campaigns, n=most, cutoff=0.5)
    names = _names(accounts)
    holding = pc.filter(names, pc.match_substring(names, wanted, ignore_case=True)).slice(0, most).to_pylist()
    close += [name for name in holding if name not in close]
    if len(close) < most:
        pool = [name for name in names.slice(0, _MOST_COMPARED).to_pylist() if abs(len(name) - len(wanted)) <= 16]
        bare = {name.split("/", 1)[-1]: name for name in reversed(pool)}
        for name in difflib.get_close_matches(wanted, [*pool, *bare], n=most, cutoff=0.6):
            full = bare.get(name, name)
            if full not in close:
                close.append(full)
    return close[:most]


def _hint(result: ScanResult, accounts: pa.Table, wanted: str) -> str:
    close = suggestions(result, accounts, wanted)
    if close:
        return f"nearest: {', '.join(visible(name) for name in close)}"
    return "campaigns.json lists the campaigns, accounts.parquet every account"


def _names(accounts: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(accounts["platform"], accounts["account_id"], "/")


def _accounts_called(result: ScanResult, accounts: pa.Table, wanted: str) -> list[tuple[str, str]]:
    """Accounts with this full name, else those with this account_id; in the table, in a roster or in a look-alike."""
    known = set(_in_table(accounts, wanted))
    known.update((m.platform, m.account_id) for campaign in result.campaigns for m in campaign.roster)
    known.update(account for group in result.lookalikes for account in group.accounts)
    full = sorted(one for one in known if account_name(*one) == wanted)
    return full[:1] if full else sorted(one for one in known if one[1] == wanted)


def _in_table(accounts: pa.Table, wanted: str) -> Iterable[tuple[str, str]]:
    is_it = pc.or_(pc.equal(accounts["account_id"], wanted), pc.equal(_names(accounts), wanted))
    rows = accounts.select(["platform", "account_id"]).filter(is_it).to_pylist()
    return ((row["platform"], row["account_id"]) for row in rows)


def _account(
    result: ScanResult, accounts: pa.Table, platform: str, account_id: str, *, nearest: int
) -> AccountExplanation:
    home, position = _home(result, platform, account_id)
    links: list[Link] = []
    if home is not None and position is not None:
        links = [link for link in home.links if position in (link.left, link.right)]
    return AccountExplanation(
        platform=platform,
        account_id=account_id,
        standing=_standing(accounts, platform, account_id),
        campaign=home,
        member=None if home is None or position is None else home.roster[position],
        nearest=() if home is None else _nearest(home, links, nearest, seen_from=position),
        lookalikes=tuple(group for group in result.lookalikes if (platform, account_id) in group.accounts),
    )


def _home(result: ScanResult, platform: str, account_id: str) -> tuple[Campaign, int] | tuple[None, None]:
    """The campaign that accuses the account, else one that links it, and its position there."""
    homes = [
        (campaign, position)
        for campaign in result.campaigns
        for position, member in enumerate(campaign.roster)
        if (member.platform, member.account_id) == (platform, account_id)
    ]
    homes.sort(key=lambda home: (not home[0].roster[home[1]].accused, -home[0].roster[home[1]].probability))
    return homes[0] if homes else (None, None)


def _standing(accounts: pa.Table, platform: str, account_id: str) -> Standing | None:
    is_it = pc.and_(pc.equal(accounts["platform"], platform), pc.equal(accounts["account_id"], account_id))
    rows = accounts.filter(is_it).to_pylist()
    if not rows:
        return None
    return Standing(**{name: rows[0][name] for name in Standing.__struct_fields__})


def _nearest(
    campaign: Campaign, links: Iterable[Link], most: int, *, seen_from: int | None = None
) -> tuple[Nearest, ...]:
    def name(position: int) -> str:
        return account_name(campaign.roster[position].platform, campaign.roster[position].account_id)

    made = []
    for link in sorted(links, key=lambda link: (-link.bits, link.left, link.right))[:most]:
        left, right = (link.right, link.left) if link.right == seen_from else (link.left, link.right)
        made.append(Nearest(left=name(left), right=name(right), bits=link.bits, reasons=link.reasons))
    return tuple(made)
