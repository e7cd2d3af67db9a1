"""Views from plain sets: which node holds which values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from stillwatch.operators.views import View

NOWHERE = np.zeros(0, dtype=np.int64)


def view_of(holdings: Sequence[set[int]], name: str = "address", family: str = "network") -> View:
    """Values nobody shares are left out, as the real builder does; their holders stay informed."""
    support = Counter(value for own in holdings for value in own)
    shared = sorted(value for value, count in support.items() if count >= 2)
    place = {value: i for i, value in enumerate(shared)}
    pairs = [(node, place[value]) for node, own in enumerate(holdings) for value in sorted(own) if value in place]
    node, column = (np.array([pair[i] for pair in pairs], dtype=np.int64) for i in (0, 1))
    matrix = sparse.csr_matrix((np.ones(len(pairs), np.float32), (node, column)), shape=(len(holdings), len(shared)))
    return View(
        name=name,
        family=family,
        matrix=matrix,
        support=np.array([support[value] for value in shared], dtype=np.int64),
        informed=np.array([bool(own) for own in holdings]),
        row=NOWHERE,
        column=NOWHERE,
    )


def mask(count: int, nodes: Sequence[int]) -> np.ndarray:
    found = np.zeros(count, dtype=bool)
    found[list(nodes)] = True
    return found
