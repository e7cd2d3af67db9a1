"""Views count support in organisations, keep what is shared, and are absent where the log says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from written_views import view_of

from built_scenes import Row, accounts_of, exchange, scene_of
from stillwatch.detectors.suspect import Scene
from stillwatch.operators.communities import CAP_MIN, CAP_SHARE, link_weights


def office(orgs: bool) -> Scene:  # noqa: FBT001
    """Six accounts behind one address, five of them of one organisation; two strangers share another."""
    rows: list[Row] = []
    for i in range(6):
        org = "acme" if orgs and i < 5 else None
        rows += [exchange(10 * i + j, f"a{i}", j, client_address="203.0.113.9", org_id=org) for j in range(3)]
    rows += [exchange(100 + i, f"s{i}", i, client_address="198.51.100.7") for i in range(2)]
    return scene_of([*rows, exchange(200, "lone", 1, client_address="192.0.2.1")])


def test_support_is_counted_in_organisations_never_in_accounts() -> None:
    view = office(orgs=True).view("address")
    assert view is not None
    assert sorted(view.support.tolist()) == [2, 2]
    apart = office(orgs=False).view("address")
    assert apart is not None
    assert sorted(apart.support.tolist()) == [2, 6]


def test_counts_are_of_exchanges_and_support_is_that_of_the_matrix() -> None:
    view = office(orgs=False).view("address")
    assert view is not None
    assert sorted(view.matrix.data.tolist()) == [1, 1, 3, 3, 3, 3, 3, 3]
    np.testing.assert_array_equal(np.asarray((view.matrix > 0).sum(axis=0)).ravel(), view.support)


def test_a_value_of_one_node_is_no_link_but_its_holder_is_informed() -> None:
    scene = office(orgs=False)
    view = scene.view("address")
    assert view is not None
    assert view.matrix.shape[1] == 2
    assert view.informed.all()
    lone = scene.roster.names.column("account_id").to_pylist().index("lone")
    assert view.matrix[scene.roster.node[lone]].nnz == 0


def test_a_column_that_is_missing_makes_no_view() -> None:
    names = {view.name for view in office(orgs=False).views}
    assert {"address", "prefix"} <= names
    assert not names & {"payment", "client", "template", "params", "end_user", "signup_slot"}


def test_null_is_no_value_to_share() -> None:
    scene = scene_of(exchange(i, f"a{i}", i, client_address=None if i < 6 else "203.0.113.9") for i in range(9))
    view = scene.view("address")
    assert view is not None
    assert view.support.tolist() == [3]
    assert int(view.informed.sum()) == 3


@pytest.mark.parametrize("nodes", [100, 1000, 5000])
def test_a_link_weighs_its_rarity_and_nothing_past_the_cap(nodes: int) -> None:
    cap = int(max(CAP_MIN, CAP_SHARE * nodes))
    holdings: list[set[int]] = [set() for _ in range(nodes)]
    for value, support in enumerate((2, 8, cap, min(cap + 1, nodes))):
        for node in range(support):
            holdings[node].add(value)
    for node in holdings:
        node.add(9)  # everybody's
    weight = link_weights(view_of(holdings))
    assert weight[0] == pytest.approx(np.log2(nodes / 2))
    assert weight[1] == pytest.approx(np.log2(nodes / 8))
    assert weight[2] == pytest.approx(np.log2(nodes / cap))
    assert weight[3] == 0
    assert weight[-1] == 0


def test_a_sign_up_slot_is_shared_by_those_of_one_quarter_of_a_day() -> None:
    rows = [exchange(i, f"a{i}", i) for i in range(5)]
    made = accounts_of({"account_id": f"a{i}"} for i in range(5))
    assert made.num_rows == 5
    created = ["2026-02-03T06:05:00+00:00"] * 3 + ["2026-02-05T01:00:00+00:00", None]
    from datetime import datetime

    side = [{"account_id": f"a{i}", "created_at": at and datetime.fromisoformat(at)} for i, at in enumerate(created)]
    view = scene_of(rows, side).view("signup_slot")
    assert view is not None
    assert view.support.tolist() == [3]
    assert view.informed.tolist() == [True, True, True, True, False]
