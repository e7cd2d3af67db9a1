"""Which suspects become campaigns, and with which verdict.

Suspects overlap, because the same cluster is found in several views. The one that names most accounts for the risk of
naming a wrong one takes them; what is left of another is judged again, by itself. A group of checked organisations is
nobody's campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.members import Membership
from stillwatch.campaigns.weights import probability
from stillwatch.config import Detection
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Verdict
from stillwatch.operators.affinity import affinity
from stillwatch.operators.communities import MIN_NODES

WHOLE_SHARE = 0.9  # of a suspect that must be left, to name it as it is
REST_SHARE = 0.2  # of a suspect that must be left, to judge the rest by itself
VOUCHED_SHARE = 0.5
OPENLY_SHARE = 0.5  # of a group's accounts in organisations of several, from which their ties prove nothing
OPENLY_CONFIDENCE = 0.9  # that calling such a group a harvest takes at least
POOL_CONFIDENCE = 0.8  # that calling a group a pool takes at least: chance makes those sooner
LEAST_MARGIN_BITS = 2.0  # by which a harvest has to be likelier than a pool that somebody resells


class Named(NamedTuple):
    """A suspect on which a verdict was reached, how sure that is, and who is meant."""

    item: Judged
    kind: Verdict
    confidence: float
    members: Membership


def verdict(judged: Judged, settings: Detection) -> tuple[Verdict, float] | None:
    """The verdict and its confidence, or None where none is certain enough."""
    if judged.suspect.vouched_share >= VOUCHED_SHARE:
        return None
    if judged.solo:
        alone = probability(judged.harvest)
        return ("extraction", alone) if alone >= settings.min_alone else None
    kind = judged.leans
    confidence, operator = judged.confidence.get(kind, 0.0), probability(judged.operator)
    if _certain(judged, confidence) and confidence >= settings.min_confidence and operator >= settings.min_operator:
        return kind, confidence
    return ("coordinated", operator) if operator >= settings.min_coordinated else None


def openly(suspect: Suspect) -> float:
    """Share of a suspect's accounts in organisations that openly hold several: they are tied whatever they do."""
    size = suspect.scene.roster.node_size[suspect.nodes]
    return float(size[size > 1].sum() / size.sum())


def _certain(judged: Judged, confidence: float) -> bool:
    """Whether a harvest may be told from a pool, and from what organisations are anyway; a pool from chance."""
    if judged.leans == "resale":
        return confidence >= POOL_CONFIDENCE
    if judged.harvest - judged.resale < LEAST_MARGIN_BITS:
        return False
    return confidence >= OPENLY_CONFIDENCE or openly(judged.suspect) < OPENLY_SHARE


def is_group(members: Membership, suspect: Suspect) -> bool:
    """Whether enough parties are accused for a group to be what is named, and not one or two who were found in it."""
    accused = suspect.scene.roster.node[members.accounts[members.accused]]
    return len(suspect.nodes) == 1 or len(np.unique(accused)) >= MIN_NODES


def select(
    judged: Sequence[Judged],
    settings: Detection,
    again: Callable[[Suspect], Judged],
    belong: Callable[[Judged, Verdict], Membership],
) -> list[Named]:
    """Campaigns that share no account. Ties are settled in a fixed order.

    ``again`` judges what is left of a suspect; ``belong`` says which of its accounts a verdict is right about.
    """
    named: list[Named] = []
    for item in judged:
        reached = verdict(item, settings)
        if reached is not None:
            one = Named(item, *reached, belong(item, reached[0]))
            if is_group(one.members, item.suspect):
                named.append(one)
    named.sort(key=lambda one: _order(one, settings.min_member))
    taken = np.zeros(len(judged[0].suspect.members) if judged else 0, dtype=bool)
    chosen: list[Named] = []
    for one in named:
        members = one.item.suspect.members
        # in accounts: one declared organisation may be most of a group
        size = one.item.suspect.scene.roster.node_size
        left = float(size[members & ~taken].sum() / size[members].sum())
        found: Named | None = None
        if left >= WHOLE_SHARE:
            found = one if left == 1.0 else _without(one, taken)
        if found is None and left >= REST_SHARE:
            rest = _rest(one.item, members & ~taken, again)
            found = _named(rest, one.kind, settings, belong) if rest is not None else None
        if found is not None and is_group(found.members, found.item.suspect):
            chosen.append(found)
            taken |= found.item.suspect.members
    return chosen


def _named(
    item: Judged, kind: Verdict, settings: Detection, belong: Callable[[Judged, Verdict], Membership]
) -> Named | None:
    reached = verdict(item, settings)
    return Named(item, *reached, belong(item, kind)) if reached and reached[0] == kind else None


def _without(one: Named, taken: np.ndarray) -> Named:
    suspect = one.item.suspect
    free = ~taken[suspect.scene.roster.node[suspect.accounts]]
    kept = replace(one.item, suspect=replace(suspect, members=suspect.members & ~taken))
    return one._replace(item=kept, members=one.members.only(free))


def _rest(item: Judged, left: np.ndarray, again: Callable[[Suspect], Judged]) -> Judged | None:
    if left.sum() < MIN_NODES:
        return None
    suspect = item.suspect
    rest = Suspect(
        scene=suspect.scene,
        members=left,
        affinity=affinity(suspect.scene.views, left),
        found_in=suspect.found_in,
        held_out_p=suspect.held_out_p,
    )
    return again(rest)


def _order(one: Named, least: float) -> tuple[bool, float, list[int]]:
    """Coordinated last, since it says least; else by what naming it is worth."""
    return one.kind == "coordinated", -round(one.members.worth(least), 6), one.item.suspect.nodes.tolist()
