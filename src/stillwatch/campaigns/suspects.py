"""Candidate clusters, refined and without duplicates: everything that will be judged.

Communities come from each family of views; accounts with much traffic of their own are judged alone as well, because a
party needs only one account to harvest, and because an attacker can hide behind one organisation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.operators.affinity import affinity
from stillwatch.operators.communities import MIN_NODES, candidates
from stillwatch.operators.null import Significance, significance
from stillwatch.operators.refine import MARGINS_BITS, refine
from stillwatch.tally.roster import codes

Bool = npt.NDArray[np.bool_]
SOLO_EXCHANGES = 120  # from here on a node's own traffic says enough to judge it alone
MAX_SHARE = 0.15  # of all nodes: a larger cluster is the population
SAME = 0.85  # Jaccard overlap from which two clusters are one


def find_suspects(scene: Scene) -> list[Suspect]:
    """All clusters to judge, in a fixed order."""
    seeds = candidates(scene.views)
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


def _groups(scene: Scene, seeds: list[tuple[str, Bool]], tested: Significance) -> Iterator[Suspect]:
    started, kept = Known(), Known()
    # whoever was checked is in nobody's fleet, however much is shared with it
    vouched = np.zeros(len(scene.roster.node_size), dtype=bool)
    vouched[scene.roster.node[scene.roster.vouched]] = True
    for i in sorted(range(len(seeds)), key=lambda i: (-int(seeds[i][1].sum()), i)):
        family, seed = seeds[i]
        if seed.sum() > MAX_SHARE * len(seed) or not started.add(seed):
            continue
        p = {name: float(values[i]) for name, values in tested.p.items()}
        for margin in MARGINS_BITS:
            refined = refine(scene.views, seed, margin)
            members = refined.members & ~vouched
            size = int(members.sum())
            if MIN_NODES <= size <= MAX_SHARE * len(seed) and kept.add(members):
                same = size == int(refined.members.sum())
                found = refined.affinity if same else affinity(scene.views, members)
                yield Suspect(scene=scene, members=members, affinity=found, found_in=family, held_out_p=p)


class Known:
    """Clusters seen so far, to recognise one that is nearly the same.

    Cost per look-up: its nodes x clusters each is in.
    """

    def __init__(self) -> None:
        self._size: list[int] = []
        self._of_node: dict[int, list[int]] = {}

    def add(self, members: Bool) -> bool:
        """False where a cluster with Jaccard overlap ``SAME`` is known already; else it is remembered."""
        nodes = np.flatnonzero(members).tolist()
        shared: Counter[int] = Counter()
        for node in nodes:
            shared.update(self._of_node.get(node, ()))
        for cluster, both in shared.items():
            if both >= SAME * (len(nodes) + self._size[cluster] - both):
                return False
        for node in nodes:
            self._of_node.setdefault(node, []).append(len(self._size))
        self._size.append(len(nodes))
        return True


def _solos(scene: Scene) -> Iterator[Suspect]:
    node_count = len(scene.roster.node_size)
    exchanges = np.bincount(scene.roster.node, weights=scene.facts.per_account, minlength=node_count)
    for node in np.flatnonzero(exchanges >= SOLO_EXCHANGES).tolist():
        members = np.zeros(node_count, dtype=bool)
        members[node] = True
        yield Suspect(scene=scene, members=members, affinity=affinity((), members), found_in="volume", held_out_p={})
