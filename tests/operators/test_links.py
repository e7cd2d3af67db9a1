"""Values are numbered by their first holder, and named by their place in their view."""

from __future__ import annotations

import numpy as np
from written_views import view_of

from stillwatch.detectors.suspect import Scene
from stillwatch.operators.links import by_first_holder
from stillwatch.operators.views import joined


def test_values_of_earlier_nodes_come_first() -> None:
    matrix = view_of([{5}, {9, 3}, {9, 3, 1}, {5, 1}]).matrix  # columns 1, 3, 5, 9
    order, place = by_first_holder(matrix)
    assert order.tolist() == [2, 1, 3, 0]
    assert place[order].tolist() == [0, 1, 2, 3]


def test_links_are_those_of_the_views(tiny_scene: Scene) -> None:
    links = joined(tiny_scene.views)
    for node in range(0, links.node_count, 7):
        span = slice(links.arrays.node_ptr[node], links.arrays.node_ptr[node + 1])
        found = np.sort(links.original[links.arrays.value_of[span]])
        own = [
            view.matrix[node].indices + first
            for view, first in zip(tiny_scene.views, links.first_value[:-1], strict=True)
        ]
        assert found.tolist() == np.sort(np.concatenate(own)).tolist()
    assert np.sort(links.original).tolist() == list(range(int(links.first_value[-1])))
