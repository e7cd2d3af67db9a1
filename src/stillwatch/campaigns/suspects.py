"""Candidate clusters, refined and without duplicates: everything that will be judged.

Communities come from each family of views; accounts with much traffic of their own are judged alone as well, because a
party needs only one account to harvest, and because an attacker can hide behind one organisation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.operators.affinity import Affinity, affinity
from stillwatch.operators.communities import MIN_NODES, candidates
from stillwatch.operators.null import Significance, significance
from stillwatch.operators.refine import MARGINS_BITS, Walked, refine
from stillwatch.operators.views import joined
from stillwatch.tally.roster import codes

Bool = npt.NDArray[np.bool_]
SOLO_EXCHANGES = 120  # from here on a node's own traffic says enough to judge it alone
MAX_SHARE = 0.15  # of all nodes: a larger cluster is the population
SAME = 0.85  # Jaccard overlap from which two clusters are one


def find_suspects(scene: Scene) -> list[Suspect]:
    """All clusters to judge, in a fixed order."""
    seeds = list(_starts(candidates(scene.views)))
    tested = significance(scene.views, seeds, _strata(scene))
    return [*_groups(scene, seeds, tested), *_solos(scene)]


def _strata(scene: Scene) -> list[npt.NDArray[np.int64]]:
    """Per node, what honest accounts already have in common: network class, country, client, sign-up week."""
    facts, roster = scene.facts, scene.roster
    first_account = np.unique(roster.node, return_index=True)[1]
    first_row = scene.row_start[first_account]
    created = np.asarray(pc.fill_null(roster.side.column("created_at").cast(pa.int64()), 0))
    week = created[first_account] // (7 * 86_400_000_000)
    found = [facts.word_codes("network")[first_row], facts.word_codes("country")[first_row]]
    found.append(codes(roster.side.column("plan").take(pa.array(first_account))))
    found.append(np.unique(week, return_inverse=True)[1].astype(np.int64))
    return found


def _starts(seeds: list[tuple[str, Bool]]) -> Iterator[tuple[str, Bool]]:
    """Seeds worth a look, the largest first, without those that are nearly one of them."""
    known = Known()
    size = [int(seed.sum()) for _, seed in seeds]
    for i in sorted(range(len(seeds)), key=lambda i: (-size[i], i)):
        if size[i] <= MAX_SHARE * len(seeds[i][1]) and known.add(seeds[i][1]):
            yield seeds[i]


def _groups(scene: Scene, seeds: list[tuple[str, Bool]], tested: Significance) -> Iterator[Suspect]:
    kept, node_count = Known(), len(scene.roster.node_size)
    walked = Walked(joined(scene.views)) if scene.views else None
    # whoever was checked is in nobody's fleet, however much is shared with it
    vouched = np.zeros(node_count, dtype=bool)
    vouched[scene.roster.node[scene.roster.vouched]] = True
    for i, (family, seed) in enumerate(seeds):
        p = {name: float(values[i]) for name, values in tested.p.items()}
        for margin in MARGINS_BITS:
            refined = refine(scene.views, seed, margin, walked)
            members = refined.members & ~vouched
            size = int(members.sum())
            if MIN_NODES <= size <= MAX_SHARE * node_count and kept.add(members):
                same = size == len(refined.nodes)
                own = refined.affinity if same else affinity(scene.views, members)
                yield Suspect(scene=scene, members=members, affinity=own, found_in=family, held_out_p=p)


class Known:
    """Clusters seen so far, to recognise one that is nearly the same.

    Two clusters that overlap by ``SAME`` leave out few of each other's nodes, so that each has one of its first few
    among the other's first few: only those are looked up. Source: Bayardo, Ma and Srikant 2007, prefix filtering.
    """

    def __init__(self) -> None:
        self._clusters: list[npt.NDArray[np.int64]] = []
        self._of_node: dict[int, list[int]] = {}

    def add(self, members: Bool) -> bool:
        """False where a cluster with Jaccard overlap ``SAME`` is known already; else it is remembered."""
        nodes = np.flatnonzero(members)
        size = len(nodes)
        first = nodes[: int((1 - SAME) * size) + 2].tolist()
        for cluster in {cluster for node in first for cluster in self._of_node.get(node, ())}:
            other = self._clusters[cluster]
            if min(size, len(other)) >= SAME * max(size, len(other)):
                both = int(np.count_nonzero(members[other]))
                if both >= SAME * (size + len(other) - both):
                    return False
        for node in first:
            self._of_node.setdefault(node, []).append(len(self._clusters))
        self._clusters.append(nodes)
        return True


def _solos(scene: Scene) -> Iterator[Suspect]:
    node_count = len(scene.roster.node_size)
    exchanges = np.bincount(scene.roster.node, weights=scene.facts.per_account, minlength=node_count)
    # an organisation that holds much of a log is what everybody there looks like, and nothing stands out against it
    most = max(1.0, MAX_SHARE * len(scene.roster))
    for node in np.flatnonzero((exchanges >= SOLO_EXCHANGES) & (scene.roster.node_size <= most)).tolist():
        members = np.zeros(node_count, dtype=bool)
        members[node] = True
        yield Suspect(scene=scene, members=members, affinity=Affinity({}, {}), found_in="volume", held_out_p={})
