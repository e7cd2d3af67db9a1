"""What overlapping clusters say of each other: a campaign shows in many of them, an accident in one.

The same accounts are found in several views, tightly and widely. Each such cluster is judged on its own measurements,
so their odds are opinions on much the same accounts. A small cluster that alone among its neighbours looks like a
campaign is one of thousands that were looked at; an account that only one of them holds is a passer-by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.members import Membership, membership, tied
from stillwatch.campaigns.weights import Weights, probability
from stillwatch.model import Verdict

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
NEAR = 0.2  # Jaccard overlap from which two clusters are about the same accounts
SAME = 0.9  # and from which they are one and the same, so that it is no second opinion
PART = 0.5  # share of a cluster that lies in a campaign for it to be about that campaign
MOST_ODDS = 8.0
LEAST_VOICE = 0.02  # confidence below which a cluster says nothing of who belongs
AXIS_OF = {"extraction": "harvest", "resale": "resale"}
CONTEXT = ("claim", "operator", "lean", "near_mean", "near_most", "near_for", "part_mean", "part_most", "held", "size")


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """``holds``: CSR float32[clusters, accounts] of 0 and 1; ``size``: float64[clusters]."""

    holds: sparse.csr_matrix
    size: Float


def clusters(accounts: Sequence[Int], account_count: int) -> Clusters:
    """From the accounts of each cluster."""
    size = np.array([len(own) for own in accounts], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(size)])
    column = np.concatenate(accounts) if accounts else np.zeros(0, dtype=np.int64)
    ones = np.ones(len(column), dtype=np.float32)
    holds = sparse.csr_matrix((ones, column, start), shape=(len(accounts), account_count))
    return Clusters(holds=holds, size=size.astype(np.float64))


def overlap(found: Clusters, accounts: Int) -> tuple[Float, Float]:
    """(accounts in common, Jaccard overlap) of a set of accounts with every cluster: float64[clusters] each."""
    mask = np.zeros(found.holds.shape[1], dtype=np.float32)
    mask[accounts] = 1
    common = np.asarray(found.holds @ mask, dtype=np.float64)
    return common, common / np.maximum(found.size + len(accounts) - common, 1)


def hearsay(found: Clusters, odds: Float, common: Float, jaccard: Float) -> dict[str, float]:
    """What other clusters' log2 odds (float64[clusters]) say of a set of accounts with these overlaps.

    ``near_mean``, ``near_most``, ``near_for``: mean weighted by overlap, largest, and how many speak for it, of the
    clusters near it. ``part_mean``, ``part_most``: of those that are mostly inside it. ``held``: mean probability of
    the clusters that hold its accounts. What there is none of is left out.
    """
    bits = np.clip(odds, -MOST_ODDS, MOST_ODDS)
    apart = (jaccard < SAME) & (common > 0)
    near, part = apart & (jaccard >= NEAR), apart & (common >= PART * found.size)
    heard: dict[str, float] = {"near_for": float((bits[near] > 0).sum())}
    if near.any():
        heard |= {"near_mean": float(np.average(bits[near], weights=jaccard[near])), "near_most": bits[near].max()}
    if part.any():
        heard |= {"part_mean": float(bits[part].mean()), "part_most": float(bits[part].max())}
    if apart.any():
        chance = 1.0 / (1.0 + 2.0 ** -bits[apart])
        heard["held"] = float((chance * common[apart]).sum() / common[apart].sum())
    return heard


def support(found: Clusters, confidence: Float, accounts: Int, common: Float, jaccard: Float) -> tuple[Float, Float]:
    """Which accounts are held by the other clusters about the same campaign.

    Returns (most confidence of one that holds it, share of all their confidence in those that do), float64[accounts].

    ``confidence``: float64[clusters]; ``common``, ``jaccard``: ``overlap`` with ``accounts``.
    """
    about = (common >= PART * found.size) & (jaccard < SAME) & (confidence >= LEAST_VOICE) & (common > 0)
    voices = np.flatnonzero(about)
    if not len(voices):
        return np.zeros(len(accounts)), np.full(len(accounts), np.nan)
    held = found.holds[voices][:, accounts].multiply(confidence[voices, None]).tocsc()
    most = np.asarray(held.max(axis=0).todense(), dtype=np.float64).ravel()
    return most, np.asarray(held.sum(axis=0), dtype=np.float64).ravel() / confidence[voices].sum()


def context(odds: Mapping[str, float], kind: str, accounts: int, heard: Mapping[str, float]) -> dict[str, float]:
    """What decides how sure a verdict is: ``CONTEXT``. ``odds``: log2 odds of each axis of the cluster itself."""
    lean = odds[AXIS_OF[kind]]
    own = {"claim": min(odds["operator"], lean), "operator": odds["operator"], "lean": lean}
    return own | dict(heard) | {"size": float(np.log2(accounts))}


class Opinions:
    """All judged groups of a scan, to ask what they say of any cluster of theirs, or left of one."""

    def __init__(self, judged: Sequence[Judged], weights: Weights) -> None:
        self._weights = weights
        groups = [item for item in judged if not item.solo]
        count = len(groups[0].suspect.scene.roster) if groups else 0
        self._clusters = clusters([item.suspect.accounts for item in groups], count)
        self._claims = {kind: np.array([item.claims[kind] for item in groups]) for kind in AXIS_OF}
        # by object: what was said of these is asked for again when they are heard
        self._said = {id(item): (item, *self._ask(item)) for item in groups}
        self._confidence = {
            kind: np.array([self._said[id(item)][2][kind] * (item.leans == kind) for item in groups])
            for kind in AXIS_OF
        }

    def heard(self, item: Judged) -> Judged:
        """The same with what others say of its accounts, and the confidence that follows."""
        if item.solo:
            return item
        known = self._said.get(id(item))
        others, confidence = known[1:] if known else self._ask(item)
        return replace(item, others=others, confidence=confidence)

    def support(self, item: Judged, kind: str) -> tuple[Float, Float]:
        """See ``support``; NaN where nobody can be asked."""
        accounts = item.suspect.accounts
        if item.solo or kind not in self._confidence:
            return np.full(len(accounts), np.nan), np.full(len(accounts), np.nan)
        return support(self._clusters, self._confidence[kind], accounts, *overlap(self._clusters, accounts))

    def members(self, item: Judged, kind: Verdict, least: float) -> Membership:
        """Who of a suspect's accounts is what the verdict says; see ``members.membership``."""
        if kind == "coordinated":  # says nothing of what they do, so that what they do says nothing of who belongs
            return tied(item, least)
        sure = item.confidence.get(kind)
        return membership(item, self._weights.member, self.support(item, kind), sure, least)

    def _ask(self, item: Judged) -> tuple[dict[str, float], dict[str, float]]:
        accounts = item.suspect.accounts
        shared = overlap(self._clusters, accounts)
        odds = {"operator": item.operator, "harvest": item.harvest, "resale": item.resale}
        others: dict[str, float] = {}
        confidence: dict[str, float] = {}
        for kind, claims in self._claims.items():
            heard = hearsay(self._clusters, claims, *shared)
            others[kind] = heard.get("near_mean", float("nan"))
            confidence[kind] = probability(self._weights.confidence[kind](context(odds, kind, len(accounts), heard)))
        return others, confidence
