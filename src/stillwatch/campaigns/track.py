"""Campaigns through time: which of those just mined is which of those known, and what became of the others.

Membership turns over (accounts are closed and replaced), so a campaign is recognised by the members that are left,
weighted by their exchanges, and by what it does and pays with, its signature. Pure: known campaigns and a mining go in,
all campaigns under stable ids and the turns in their lives come out. Ids are never used again: one that was merged into
another stays known as ``merged``. It does not know whether a campaign is guilty, nor what people did about it, but
that they dismissed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csgraph

from stillwatch.campaigns.signature import Signature, similarity
from stillwatch.errors import InputError
from stillwatch.model import Campaign, CampaignEvent, KnownCampaign

Name = tuple[str, str]
POSSIBLE_WEIGHT = 0.25  # of a member who is not accused, beside one who is
LEAST_SHARE = 0.25  # of either's work by shared members, for two campaigns to be one
LEAST_ALIKE = 0.5  # similarity of signatures that makes them one without any member in common
MOST_SHARE = 0.5  # of a campaign's work that must go on in another to have merged into it
OLDER = 0.25  # shares of work: so much larger must a younger campaign's part be for its id to survive a merge
CHANGE_SHARE, CHANGE_COUNT = 0.2, 3  # growth and loss of members worth an event


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """Every campaign ever known, by (found_at, id), and what happened at this mining, by (id, kind)."""

    campaigns: tuple[KnownCampaign, ...]
    events: tuple[CampaignEvent, ...]


def track(
    known: Sequence[KnownCampaign],
    found: Sequence[Campaign],
    at: datetime,
    signatures: Mapping[str, bytes] | None = None,
) -> Tracked:
    """Match a mining's campaigns with the known ones. Order does not matter; the same mining again changes nothing.

    ``known``: all ever known, whatever their state. ``signatures``: of ``found``, by the id each has there; those
    without one are compared by members alone. Cost: the members, and cubic in campaigns that share some.
    """
    turn = _Turn(
        known=sorted(known, key=lambda k: (k.found_at, k.campaign.campaign_id)),
        found=sorted(found, key=lambda f: f.campaign_id),
        at=at,
        signatures=dict(signatures or {}),
    )
    return turn.told()


@dataclass(frozen=True, kw_only=True)
class _Link:
    """Share of the known campaign's and of the found one's work done by shared members; how alike signatures are."""

    of_known: float
    of_found: float
    alike: float

    @property
    def by_members(self) -> bool:
        return max(self.of_known, self.of_found) >= LEAST_SHARE

    @property
    def holds(self) -> bool:
        return self.by_members or self.alike >= LEAST_ALIKE

    @property
    def strength(self) -> float:
        return (self.of_known + self.of_found) / 2 + self.alike / 2


@dataclass
class _Turn:
    """One mining against what was known; positions are those of the sorted ``known`` and ``found``."""

    known: list[KnownCampaign]
    found: list[Campaign]
    at: datetime
    signatures: dict[str, bytes]
    events: list[CampaignEvent] = field(default_factory=list[CampaignEvent])

    def told(self) -> Tracked:
        links = self._links()
        heir = self._assigned(links)  # found -> known
        new = {f: self._new_id(self.found[f]) for f in range(len(self.found)) if f not in heir}
        after = [self._gone(k, links, heir) for k in range(len(self.known)) if k not in set(heir.values())]
        after += [self._went_on(k, f) for f, k in heir.items()]
        after += [self._appeared(f, name, links, heir) for f, name in new.items()]
        self._parents(new, links, heir)
        return Tracked(
            campaigns=tuple(sorted(after, key=lambda k: (k.found_at, k.campaign.campaign_id))),
            events=tuple(sorted(self.events, key=lambda e: (e.campaign_id, e.kind, e.others))),
        )

    # who could be whom

    def _links(self) -> dict[tuple[int, int], _Link]:
        """Pairs (known, found) that may be one, found through shared members or through signatures."""
        alive = [k for k, one in enumerate(self.known) if one.state != "merged"]
        mine = {k: _weights(self.known[k].campaign) for k in alive}
        theirs = [_weights(campaign) for campaign in self.found]
        holders: dict[Name, list[int]] = {}
        for f, weights in enumerate(theirs):
            for name in weights:
                holders.setdefault(name, []).append(f)
        before = {k: _read(self.known[k].signature) for k in alive}
        now = [_read(self.signatures.get(campaign.campaign_id, b"")) for campaign in self.found]
        links: dict[tuple[int, int], _Link] = {}
        for k in alive:
            met = {f for name in mine[k] for f in holders.get(name, ())}
            for f in range(len(self.found)):
                alike = similarity(before[k], now[f])
                if f in met or alike >= LEAST_ALIKE:
                    link = _link(mine[k], theirs[f], alike)
                    if link.holds:
                        links[k, f] = link
        return links

    def _assigned(self, links: Mapping[tuple[int, int], _Link]) -> dict[int, int]:
        """Found -> known: the same members first, then the assignment of the greatest strength altogether."""
        heir = self._unchanged(links)
        taken = set(heir.values())
        open_links = {(k, f): link for (k, f), link in links.items() if f not in heir and k not in taken}
        open_links = {(k, f): link for (k, f), link in open_links.items() if self._still(k, link)}
        oldest: dict[int, int] = {}
        for (k, f), link in sorted(open_links.items()):
            if link.by_members:
                oldest.setdefault(f, k)  # ``known`` is sorted by age
        strength = {
            (k, f): link.strength + OLDER * (oldest.get(f) == k) - 1e-9 * k for (k, f), link in open_links.items()
        }
        return heir | _best(strength, len(self.known), len(self.found))

    def _unchanged(self, links: Mapping[tuple[int, int], _Link]) -> dict[int, int]:
        of_members: dict[frozenset[Name], list[int]] = {}
        for k, one in enumerate(self.known):
            if one.state != "merged":
                of_members.setdefault(frozenset(_weights(one.campaign)), []).append(k)
        heir: dict[int, int] = {}
        for f, campaign in enumerate(self.found):
            same = of_members.get(frozenset(_weights(campaign)), [])
            same = [k for k in same if (k, f) in links]
            if same:
                of_members[frozenset(_weights(campaign))].remove(same[0])
                heir[f] = same[0]
        return heir

    def _still(self, k: int, link: _Link) -> bool:
        """What people dismissed stays dismissed while it is mostly that; under a larger campaign it is another."""
        if self.known[k].state != "dismissed":
            return True
        return link.of_found >= MOST_SHARE or (not link.by_members and link.alike >= LEAST_ALIKE)

    # what became of each

    def _went_on(self, k: int, f: int) -> KnownCampaign:
        before, campaign = self.known[k], self.found[f]
        name = before.campaign.campaign_id
        signature = self.signatures.get(campaign.campaign_id, before.signature)
        if before.state == "dormant":
            self._say(name, "returned", "it works again")
        if before.state != "dismissed":
            self._compare(before.campaign, campaign)
        return KnownCampaign(
            campaign=msgspec.structs.replace(campaign, campaign_id=name),
            signature=signature,
            found_at=before.found_at,
            mined_at=max(before.mined_at, self.at),
            state="dismissed" if before.state == "dismissed" else "active",
        )

    def _compare(self, before: Campaign, now: Campaign) -> None:
        had, has = (sum(member.accused for member in one.roster) for one in (before, now))
        if abs(has - had) >= max(CHANGE_COUNT, CHANGE_SHARE * had):
            kind = "grown" if has > had else "shrunk"
            self._say(before.campaign_id, kind, f"from {had} to {has} accounts")
        seen = {pivot.to_model for pivot in before.model_pivots}
        for pivot in now.model_pivots:
            if pivot.to_model not in seen:
                seen.add(pivot.to_model)
                self._say(before.campaign_id, "pivoted", f"moved {pivot.share:.0%} of its work to {pivot.to_model}")

    def _gone(self, k: int, links: Mapping[tuple[int, int], _Link], heir: Mapping[int, int]) -> KnownCampaign:
        before = self.known[k]
        name = before.campaign.campaign_id
        if before.state not in {"active", "dormant"}:
            return before
        into = [
            (-link.of_known, heir[f])
            for (other, f), link in links.items()
            if other == k and f in heir and link.of_known >= MOST_SHARE
        ]
        if into:
            survivor = self.known[min(into)[1]].campaign.campaign_id
            self._say(name, "merged", f"goes on as {survivor}", survivor)
            self._say(survivor, "merged", f"{name} was the same operator", name)
            return msgspec.structs.replace(before, state="merged")
        if before.state == "active":
            self._say(name, "dormant", "nothing more is seen of it")
        return msgspec.structs.replace(before, state="dormant")

    def _appeared(
        self, f: int, name: str, links: Mapping[tuple[int, int], _Link], heir: Mapping[int, int]
    ) -> KnownCampaign:
        campaign = self.found[f]
        if not self._parent(f, links, heir):
            accounts = sum(member.accused for member in campaign.roster)
            akin = sorted(
                self.known[k].campaign.campaign_id
                for (k, other), link in links.items()
                if other == f and link.by_members and self.known[k].state == "dismissed"
            )
            beyond = f", far more than the dismissed {', '.join(akin)}" if akin else ""
            self._say(name, "found", f"{campaign.verdict} by {accounts} accounts{beyond}", *akin)
        return KnownCampaign(
            campaign=msgspec.structs.replace(campaign, campaign_id=name),
            signature=self.signatures.get(campaign.campaign_id, b""),
            found_at=self.at,
            mined_at=self.at,
        )

    def _parent(self, f: int, links: Mapping[tuple[int, int], _Link], heir: Mapping[int, int]) -> str | None:
        """The campaign that this one came off, where one did."""
        went_on = set(heir.values())
        found = [
            (-link.of_found, k)
            for (k, other), link in links.items()
            if other == f and k in went_on and link.by_members and self.known[k].state != "dismissed"
        ]
        return self.known[min(found)[1]].campaign.campaign_id if found else None

    def _parents(self, new: Mapping[int, str], links: Mapping[tuple[int, int], _Link], heir: Mapping[int, int]) -> None:
        """Say of both sides what split from what."""
        parts: dict[str, list[str]] = {}
        for f, name in new.items():
            parent = self._parent(f, links, heir)
            if parent:
                self._say(name, "split", f"split from {parent}", parent)
                parts.setdefault(parent, []).append(name)
        for parent, names in parts.items():
            self._say(parent, "split", f"{len(names)} of its parts now stand alone", *sorted(names))

    def _say(self, name: str, kind: str, says: str, *others: str) -> None:
        event = {"campaign_id": name, "at": self.at, "kind": kind, "says": says, "others": others}
        self.events.append(msgspec.convert(event, CampaignEvent))

    def _new_id(self, campaign: Campaign) -> str:
        """The id the mining gave, unless a campaign ever had it."""
        used = {one.campaign.campaign_id for one in self.known}
        name, number = campaign.campaign_id, 0
        while name in used:
            number += 1
            digest = hashlib.sha256(f"{campaign.campaign_id}/{self.at.isoformat()}/{number}".encode()).hexdigest()
            name = f"campaign-{digest[:12]}"
        return name


def _weights(campaign: Campaign) -> dict[Name, float]:
    """Work of each member; whoever is not accused weighs less, nobody nothing."""
    return {
        (m.platform, m.account_id): max(1, m.exchanges) * (1.0 if m.accused else POSSIBLE_WEIGHT)
        for m in campaign.roster
    }


def _link(mine: Mapping[Name, float], theirs: Mapping[Name, float], alike: float) -> _Link:
    both = mine.keys() & theirs.keys()
    return _Link(
        of_known=_share(mine, both),
        of_found=_share(theirs, both),
        alike=alike,
    )


def _share(weights: Mapping[Name, float], both: set[Name]) -> float:
    """Added up in a fixed order, so that no order of the input shows in the last digit."""
    whole = sum(weights[name] for name in sorted(weights))
    return sum(weights[name] for name in sorted(both)) / whole if whole else 0.0


def _read(signature: bytes) -> Signature | None:
    """None where there is none, or one of another version: members alone decide then."""
    try:
        return Signature.read(signature) if signature else None
    except InputError:
        return None


def _best(strength: Mapping[tuple[int, int], float], rows: int, columns: int) -> dict[int, int]:
    """Column -> row of the one-to-one choice with the greatest sum, worked out per connected part."""
    if not strength:
        return {}
    pairs = np.array(sorted(strength), dtype=np.int64)
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], rows + pairs[:, 1])), shape=(rows + columns,) * 2)
    part: npt.NDArray[np.int32] = csgraph.connected_components(joined, directed=False)[1]
    chosen: dict[int, int] = {}
    for number in np.unique(part[pairs[:, 0]]).tolist():
        here = pairs[part[pairs[:, 0]] == number]
        left, right = np.unique(here[:, 0]), np.unique(here[:, 1])
        worth = np.zeros((len(left), len(right)))
        for k, f in here.tolist():
            worth[np.searchsorted(left, k), np.searchsorted(right, f)] = strength[k, f]
        for i, j in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
            if worth[i, j] > 0:
                chosen[int(right[j])] = int(left[i])
    return chosen
