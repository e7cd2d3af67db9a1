"""Who belongs to a campaign, with evidence of their own.

An account is accused only when its own evidence goes beyond shared content: an address, a card, a sign-up slot, a
parameter habit, a place in the hand-over of closed accounts, or harvesting behaviour of its own. Whoever is merely
linked is a possible member, and nothing is done to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.forest import Forest
from stillwatch.campaigns.judge import LEAST_BITS, Judged, probability
from stillwatch.campaigns.weights import log_odds
from stillwatch.model import Evidence

Float = npt.NDArray[np.float64]
LEAST_CHANCE = 0.5  # the data contract says so
BEYOND_CONTENT_BITS = 1.0
NOT_LINKS = frozenset(
    {
        *("own_harvest", "agreement", "falls_short", "share_of_work", "margin", "own_share", "size"),
        *("support", "voices", "verdict", "alone", "activity"),
    }
)
CONTENT_FAMILIES = frozenset({"content"})
SHARES_BITS = 3.0
TIED_FAMILIES = 2  # that tie an account to a group in which nothing else is asked of it
LACKING_UNIT = 4.0  # bits lacking per unit of counter-evidence
OWN_ITEMS = 8  # prompts of the campaign's kind, none followed up, that are behaviour of one's own
# what is said of evidence that speaks for membership, and against it
SAYS = {
    "network": ("uses addresses of the group", "does not use the addresses of the group"),
    "client": ("uses the group's client stack", "does not use the group's client stack"),
    "payment": ("pays with an instrument of the group", "shares no payment instrument with the group"),
    "signup": ("signed up in the group's slot, mail domain or address", "did not sign up as the group did"),
    "session": ("shares credentials, conversations or end users with the group", "shares no sessions with the group"),
    "content": ("sends the group's templates or kind of prompt", "hardly sends what the group sends"),
    "params": ("sends the group's parameters", "does not send the group's parameters"),
    "agreement": ("is tied to the group in several further ways", "is tied to the group in few further ways"),
    "falls_short": ("has the habits that nearly all members share", "lacks habits that nearly all members share"),
    "share_of_work": ("does its part of the group's work", "does less of the group's work than members do"),
    "support": ("other clusters of the campaign hold it too", "no other cluster of the campaign holds it"),
    "voices": ("most of what was found of the campaign holds it", "little of what was found of the campaign holds it"),
    "verdict": ("the verdict on the group is certain", "the verdict on the group is uncertain"),
    "alone": ("by itself it behaves as harvesters do", "by itself it does not behave as harvesters do"),
    "activity": ("it is as active as members are", "it is not as active as members are"),
    "margin": ("is tied to the group as its typical member is", "is tied to the group less than its typical member"),
    "own_share": ("is used for what the group has in common", "is used for other things than the group"),
    "size": ("the group is of a size that seldom holds strangers", "the group is of a size that often holds strangers"),
    "own_harvest": ("gathers items of the group's kind without follow-ups", "hardly gathers items of the group's kind"),
}


@dataclass(frozen=True, kw_only=True)
class Membership:
    """Per account of the cluster, aligned with ``accounts`` (roster positions)."""

    accounts: npt.NDArray[np.int64]
    probability: Float
    accused: npt.NDArray[np.bool_]
    bits: dict[str, Float]  # family -> bits it adds
    harvest_rows: npt.NDArray[np.int64]

    def worth(self, least: float) -> float:
        """Right accusations expected, less what wrong ones cost: so much that one at ``least`` is worth nothing."""
        certain = np.maximum(self.probability[self.accused] - least, 0.0)
        return float(certain.sum() / (1.0 - least)) if least < 1 else 0.0

    def only(self, kept: npt.NDArray[np.bool_]) -> Membership:
        """Without the accounts that are not ``kept`` (bool[accounts])."""
        return Membership(
            accounts=self.accounts[kept],
            probability=self.probability[kept],
            accused=self.accused[kept],
            bits={name: values[kept] for name, values in self.bits.items()},
            harvest_rows=self.harvest_rows[kept],
        )

    def evidence(self, i: int) -> tuple[Evidence, ...]:
        """The account's own reasons, strongest first."""
        found = [
            Evidence(
                name=f"member_{family}",
                family=family,
                axis="harvest" if family == "own_harvest" else "operator",
                bits=round(float(bits[i]), 3),
                says=SAYS[family][int(bits[i] < 0)] if family in SAYS else family,
            )
            for family, bits in self.bits.items()
            if abs(bits[i]) >= LEAST_BITS
        ]
        return tuple(sorted(found, key=lambda e: (-abs(e.bits), e.name)))


def own_evidence(
    judged: Judged, support: tuple[Float, Float] | None = None, sure: float | None = None
) -> tuple[npt.NDArray[np.int64], dict[str, Float], npt.NDArray[np.int64]]:
    """(accounts, family -> bits per account, harvest rows per account) of a cluster's accounts.

    ``support``: as ``opinions.support`` has it; ``sure``: confidence of the verdict; where they are known.
    """
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
    total = families.sum(axis=0)
    bits["margin"] = total - np.median(total)
    bits["own_share"] = harvested / np.maximum(facts.per_account[accounts], 1)
    bits["size"] = np.full(len(accounts), np.log2(max(1, len(suspect.nodes))))
    bits["activity"] = np.log2(1.0 + facts.per_account[accounts])
    if suspect.scene.alone is not None:
        bits["alone"] = suspect.scene.alone[accounts]
    if support is not None:
        bits["support"], bits["voices"] = support
    if sure is not None:
        bits["verdict"] = np.full(len(accounts), log_odds(sure))
    return accounts, bits, harvested


def membership(
    judged: Judged,
    forest: Forest,
    support: tuple[Float, Float] | None = None,
    sure: float | None = None,
    least: float = LEAST_CHANCE,
) -> Membership:
    """Probabilities of a cluster's accounts to be what the verdict on it says: that it is right counts among the rest.

    ``support``, ``sure``: see ``own_evidence``. ``least``: probability from which an account is accused, never below
    what the data contract says.
    """
    accounts, bits, harvested = own_evidence(judged, support, sure)
    table = np.full((len(accounts), len(forest.features)), np.nan)
    for j, name in enumerate(forest.features):
        if name in bits:
            table[:, j] = bits[name]
    chance = 1.0 / (1.0 + 2.0 ** -np.clip(forest.of_table(table), -40, 40))
    if judged.solo:  # one party: there is nobody to tell it from
        chance = np.full(len(accounts), probability(judged.harvest))
    beyond = np.zeros(len(accounts))
    for family, values in bits.items():
        if family not in CONTENT_FAMILIES and family not in NOT_LINKS:
            beyond = np.maximum(beyond, np.nan_to_num(values))
    own = 2.0 ** (bits["own_harvest"] + 1.0) - 1.0 >= OWN_ITEMS
    accused = (chance >= max(least, LEAST_CHANCE)) & ((beyond >= BEYOND_CONTENT_BITS) | own | judged.solo)
    accused &= ~judged.suspect.scene.roster.vouched[accounts]  # somebody checked them; see the roster
    weighed = dict(zip(forest.features, forest.shares_of_table(table).T, strict=True))
    return Membership(accounts=accounts, probability=chance, accused=accused, bits=weighed, harvest_rows=harvested)


def tied(judged: Judged, least: float = LEAST_CHANCE) -> Membership:
    """Who is run by the party that runs the group, whatever they do: the accounts that several families tie to it.

    They belong as surely as there is one party; the others are linked. ``bits``: what each family ties them by.
    """
    accounts, bits, harvested = own_evidence(judged)
    enough = bits["agreement"] >= TIED_FAMILIES
    sure = probability(judged.operator)
    families = {family: np.nan_to_num(bits[family]) for family in judged.suspect.affinity.by_family}
    return Membership(
        accounts=accounts,
        probability=np.where(enough, sure, sure / 2),
        accused=enough & (sure >= max(least, LEAST_CHANCE)) & ~judged.suspect.scene.roster.vouched[accounts],
        bits=families,
        harvest_rows=harvested,
    )
