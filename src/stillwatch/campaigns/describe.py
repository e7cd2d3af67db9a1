"""A judged suspect written out as a campaign: counts, capabilities, pivots, successions, timeline, links."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.campaigns.capabilities import capability_mix
from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.members import Membership
from stillwatch.campaigns.pivots import campaign_pivots
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Campaign, Link, Member, ModelPivot, Succession, TimelinePoint, Verdict
from stillwatch.operators.communities import link_weights
from stillwatch.tally.facts import HOUR_US
from stillwatch.tally.pivots import DAY_US

Int = npt.NDArray[np.int64]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LINKS = 600
MAX_LINK_SUPPORT = 24  # values with more holders in the cluster link everybody and show nothing
SUCCESSION_DAYS = 7


def at(us: int) -> datetime:
    """Microseconds since the epoch as a time."""
    return EPOCH + timedelta(microseconds=int(us))


def describe(judged: Judged, membership: Membership, kind: Verdict, confidence: float) -> Campaign:
    """Everything a reader needs, from the cluster's own rows. O(rows of the cluster)."""
    suspect = judged.suspect
    roster = _roster(suspect, membership)
    accused = membership.accounts[membership.accused]
    rows = suspect.scene.rows_of(accused if len(accused) else membership.accounts)
    harvest = np.intersect1d(suspect.harvest_rows, rows, assume_unique=True)
    facts = suspect.scene.facts
    extraction = _harvest_estimate(suspect, rows, harvest) if kind == "extraction" else 0
    return Campaign(
        campaign_id=_identity(suspect, membership),
        verdict=kind,
        confidence=round(confidence, 4),
        roster=roster,
        exchanges=len(rows),
        extraction_exchanges=extraction,
        first_seen=at(facts.at_us[rows].min()),
        last_seen=at(facts.at_us[rows].max()),
        platforms=_counts(suspect, "platform", rows),
        models=_counts(suspect, "model", rows),
        capabilities=capability_mix(suspect, harvest if len(harvest) else rows, harvested=kind == "extraction"),
        model_pivots=_pivots(suspect, harvest, rows),
        evidence=judged.evidence(),
        operator_bits=round(judged.operator, 3),
        harvest_bits=round(judged.harvest, 3),
        links=_links(suspect, membership.accounts),
        timeline=_timeline(suspect, rows, harvest),
        successions=_successions(suspect, membership),
    )


def _identity(suspect: Suspect, membership: Membership) -> str:
    """Stable for the same members: a digest of the most certain ones."""
    order = np.lexsort((membership.accounts, -membership.probability.round(6)))[:8]
    names = suspect.scene.roster.names.take(pa.array(np.sort(membership.accounts[order]))).to_pylist()
    digest = hashlib.sha256("\n".join(f"{n['platform']}/{n['account_id']}" for n in names).encode()).hexdigest()
    return f"campaign-{digest[:12]}"


def _roster(suspect: Suspect, membership: Membership) -> tuple[Member, ...]:
    facts, roster, start = suspect.scene.facts, suspect.scene.roster, suspect.scene.row_start
    names = roster.names.take(pa.array(membership.accounts)).to_pylist()
    side = roster.side.select(["created_at", "closed_at"]).take(pa.array(membership.accounts)).to_pylist()
    found = []
    for i, account in enumerate(membership.accounts.tolist()):
        first, last = int(start[account]), int(start[account + 1]) - 1
        found.append(
            Member(
                platform=names[i]["platform"],
                account_id=names[i]["account_id"],
                probability=round(float(membership.probability[i]), 4),
                accused=bool(membership.accused[i]),
                exchanges=last - first + 1,
                harvest_exchanges=int(membership.harvest_rows[i]),
                first_seen=at(facts.at_us[first]),
                last_seen=at(facts.at_us[last]),
                created_at=side[i]["created_at"],
                closed_at=side[i]["closed_at"],
                evidence=membership.evidence(i),
            )
        )
    return tuple(found)


def _harvest_estimate(suspect: Suspect, rows: Int, harvest: Int) -> int:
    """Rows without a prompt are credited at the rate of those with one."""
    with_prompt = suspect.scene.facts.has_prompt[rows]
    blind = int((~with_prompt).sum())
    if blind == len(rows):
        return len(rows)
    seen = int(suspect.scene.facts.has_prompt[harvest].sum())
    return min(len(rows), seen + round(blind * seen / max(1, int(with_prompt.sum()))))


def _counts(suspect: Suspect, column: str, rows: Int) -> dict[str, int]:
    facts = suspect.scene.facts
    words = facts.words(column)
    count = np.bincount(facts.word_codes(column)[rows], minlength=len(words))
    return {words[i]: int(count[i]) for i in np.lexsort((np.array(words), -count)).tolist() if count[i]}


def _pivots(suspect: Suspect, harvest: Int, rows: Int) -> tuple[ModelPivot, ...]:
    words = suspect.scene.facts.words("model")
    found = campaign_pivots(suspect.scene.facts, harvest, rows)
    return tuple(ModelPivot(at=at(us), to_model=words[code], share=round(share, 4)) for code, us, share in found)


def _timeline(suspect: Suspect, rows: Int, harvest: Int) -> tuple[TimelinePoint, ...]:
    facts = suspect.scene.facts
    words, model = facts.words("model"), facts.word_codes("model")
    span = int(facts.at_us[rows].max() - facts.at_us[rows].min())
    step = 6 * HOUR_US if span > 3 * DAY_US else HOUR_US
    key = (facts.at_us[rows] // step) * len(words) + model[rows]
    slot, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    harvested = np.bincount(inverse, weights=np.isin(rows, harvest, assume_unique=True), minlength=len(slot))
    return tuple(
        TimelinePoint(
            at=at((int(s) // len(words)) * step),
            model=words[int(s) % len(words)],
            exchanges=int(c),
            harvest_exchanges=int(h),
        )
        for s, c, h in zip(slot.tolist(), count.tolist(), harvested.tolist(), strict=True)
    )


def _links(suspect: Suspect, accounts: Int) -> tuple[Link, ...]:
    """Strongest pairs through rare shared values; a chain per value rather than all its pairs."""
    node = suspect.scene.roster.node
    first = {int(node[a]): i for i, a in reversed(list(enumerate(accounts.tolist())))}
    found: dict[tuple[int, int], tuple[float, list[str]]] = {}
    for view in suspect.scene.views:
        weight = link_weights(view)
        columns = view.matrix[suspect.nodes].tocsc()
        holders = np.diff(columns.indptr)
        for value in np.flatnonzero((holders >= 2) & (holders <= MAX_LINK_SUPPORT) & (weight > 0)).tolist():
            held = suspect.nodes[np.sort(columns.indices[columns.indptr[value] : columns.indptr[value + 1]])].tolist()
            for a, b in pairwise(held):
                bits, reasons = found.get((first[a], first[b]), (0.0, []))
                reason = view.name.replace("_", " ")
                found[first[a], first[b]] = (
                    bits + float(weight[value]),
                    reasons if reason in reasons else [*reasons, reason],
                )
    ordered = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))[:MAX_LINKS]
    return tuple(
        Link(left=a, right=b, bits=round(bits, 2), reasons=tuple(reasons)) for (a, b), (bits, reasons) in ordered
    )


def _successions(suspect: Suspect, membership: Membership) -> tuple[Succession, ...]:
    """Each closed member and the member that first worked soonest after, each successor used once."""
    scene, accounts = suspect.scene, membership.accounts
    closed = np.asarray(pc.fill_null(scene.roster.side.column("closed_at").cast(pa.int64()), 0))[accounts]
    first = scene.facts.at_us[scene.row_start[accounts]]
    used: set[int] = set()
    found = []
    for i in sorted(np.flatnonzero(closed > 0).tolist(), key=lambda i: (int(closed[i]), i)):
        later = [
            j
            for j in np.flatnonzero((first > closed[i]) & (first < closed[i] + SUCCESSION_DAYS * DAY_US)).tolist()
            if j not in used
        ]
        if later:
            j = min(later, key=lambda j: (int(first[j]), j))
            used.add(j)
            hours = (int(first[j]) - int(closed[i])) / HOUR_US
            says = f"first exchange {hours:.0f} h after the closure"
            found.append(Succession(closed=i, successor=j, closed_at=at(closed[i]), resumed_at=at(first[j]), says=says))
    return tuple(found)
