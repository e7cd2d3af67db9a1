"""Who belongs to a campaign, with evidence of their own.

An account is accused only when its own evidence goes beyond shared content: an address, a card, a sign-up slot, a
parameter habit, a place in the hand-over of closed accounts, or harvesting behaviour of its own. Whoever is merely
linked is a possible member, and nothing is done to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.weights import Odds
from stillwatch.model import Evidence

Float = npt.NDArray[np.float64]
LEAST_CHANCE = 0.5  # the data contract says so
BEYOND_CONTENT_BITS = 1.0
NOT_LINKS = frozenset({"prior", "own_harvest", "agreement", "falls_short", "share_of_work"})
CONTENT_FAMILIES = frozenset({"content"})
SHARES_BITS = 3.0
LACKING_UNIT = 4.0  # bits lacking per unit of counter-evidence
OWN_ITEMS = 8  # prompts of the campaign's kind, none followed up, that are behaviour of one's own
SAYS = {
    "network": "uses addresses of the group",
    "client": "uses the group's client stack",
    "payment": "pays with an instrument of the group",
    "signup": "signed up in the group's slot, mail domain or address",
    "session": "shares credentials, conversations or end users with the group",
    "content": "sends the group's templates or kind of prompt",
    "params": "sends the group's parameters",
    "behaviour": "behaves as the group does (hours, lengths, models)",
    "agreement": "is tied to the group in so many further ways",
    "falls_short": "lacks habits that nearly all members share",
    "share_of_work": "does less of the group's work than its members do",
    "own_harvest": "gathers items of the group's kind without follow-ups",
}


@dataclass(frozen=True, kw_only=True)
class Membership:
    """Per account of the cluster, aligned with ``accounts`` (roster positions)."""

    accounts: npt.NDArray[np.int64]
    probability: Float
    accused: npt.NDArray[np.bool_]
    bits: dict[str, Float]  # family -> bits, NaN unknown
    harvest_rows: npt.NDArray[np.int64]

    def evidence(self, i: int) -> tuple[Evidence, ...]:
        """The account's own reasons, strongest first."""
        found = [
            Evidence(
                name=f"member_{family}",
                family=family,
                axis="harvest" if family == "own_harvest" else "operator",
                bits=round(float(bits[i]), 3),
                says=SAYS.get(family, family),
            )
            for family, bits in self.bits.items()
            if family != "prior" and not np.isnan(bits[i])
        ]
        return tuple(sorted(found, key=lambda e: (-abs(e.bits), e.name)))


def own_evidence(judged: Judged) -> tuple[npt.NDArray[np.int64], dict[str, Float], npt.NDArray[np.int64]]:
    """(accounts, family -> bits per account, harvest rows per account) of a cluster's accounts."""
    suspect = judged.suspect
    accounts, roster, facts = suspect.accounts, suspect.scene.roster, suspect.scene.facts
    node = roster.node[accounts]
    by_family = {family: values[node].astype(np.float64) for family, values in suspect.affinity.by_family.items()}
    bits = dict(by_family)
    rows = suspect.harvest_rows
    lone = rows[~facts.followed_up[rows]]
    count = np.bincount(facts.account[lone], minlength=facts.account_count)[accounts]
    harvested = np.bincount(facts.account[rows], minlength=facts.account_count)[accounts]
    others = [values for family, values in by_family.items() if family not in CONTENT_FAMILIES]
    tied = np.nan_to_num(np.array(others).reshape(len(others), len(accounts))) >= SHARES_BITS
    bits["agreement"] = tied.sum(axis=0).astype(np.float64)
    # what nearly all members have and this one lacks speaks against it; what it adds never does
    families = np.nan_to_num(np.array(list(by_family.values()))) if by_family else np.zeros((0, len(accounts)))
    lacking = np.maximum(np.median(families, axis=1, keepdims=True) - families, 0.0)
    bits["falls_short"] = -lacking.sum(axis=0) / LACKING_UNIT
    bits["share_of_work"] = np.minimum(np.log2((1.0 + count) / (1.0 + np.median(count))), 0.0)
    bits["own_harvest"] = np.log2(1.0 + count) - 1.0
    bits["prior"] = np.full(len(accounts), -np.log2(len(suspect.members) / max(1, len(suspect.nodes))))
    return accounts, bits, harvested


def membership(judged: Judged, odds: Odds) -> Membership:
    """Probabilities of a cluster's accounts to belong to it."""
    accounts, bits, harvested = own_evidence(judged)
    total = np.full(len(accounts), odds.intercept)
    for family, values in bits.items():
        total += odds.families.get(family, 0.0) * np.nan_to_num(values)
    chance = 1.0 / (1.0 + 2.0 ** -np.clip(total, -40, 40))
    beyond = np.zeros(len(accounts))
    for family, values in bits.items():
        if family not in CONTENT_FAMILIES and family not in NOT_LINKS:
            beyond = np.maximum(beyond, np.nan_to_num(values))
    own = 2.0 ** (bits["own_harvest"] + 1.0) - 1.0 >= OWN_ITEMS
    accused = (chance >= 0.5) & ((beyond >= BEYOND_CONTENT_BITS) | own | judged.solo)
    accused &= ~judged.suspect.scene.roster.vouched[accounts]  # somebody checked them; see the roster
    weighed = {family: values * odds.families[family] for family, values in bits.items() if odds.families.get(family)}
    return Membership(accounts=accounts, probability=chance, accused=accused, bits=weighed, harvest_rows=harvested)
