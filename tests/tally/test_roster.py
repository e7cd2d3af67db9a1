"""Who is one party before any linking: organisations, legal entities, private domains; never a mail provider."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from built_scenes import accounts_of, exchange, exchanges_of, prints_of, roster_of
from stillwatch.tally.roster import Roster


def roster(rows: list[dict[str, Any]], orgs: dict[str, str] | None = None, extra: int = 0) -> Roster:
    """Accounts of ``rows`` that made one exchange each, and ``extra`` strangers."""
    names = list(dict.fromkeys([row["account_id"] for row in rows] + [f"stranger{i:03d}" for i in range(extra)]))
    made = [exchange(i, name, i, org_id=(orgs or {}).get(name)) for i, name in enumerate(names)]
    return roster_of(prints_of(exchanges_of(made)), accounts_of(rows))


def node(found: Roster, name: str) -> int:
    return int(found.node[found.names.column("account_id").to_pylist().index(name)])


def test_accounts_of_one_organisation_id_are_one_node() -> None:
    found = roster([{"account_id": n} for n in "abc"], orgs={"a": "acme", "c": "acme"})
    assert node(found, "a") == node(found, "c") != node(found, "b")
    assert found.declared.tolist() == [True, False, True]
    assert sorted(found.node_size.tolist()) == [1, 2]


def test_accounts_that_declare_one_legal_entity_are_one_node_but_nobody_vouches_for_them() -> None:
    found = roster([{"account_id": n, "declared_org": "Acme Ltd" if n != "b" else None} for n in "abc"])
    assert node(found, "a") == node(found, "c") != node(found, "b")
    assert not found.vouched.any()


def test_contraction_is_transitive_over_its_reasons() -> None:
    found = roster([{"account_id": "a"}, {"account_id": "b", "declared_org": "Acme"},
                    {"account_id": "c", "declared_org": "Acme"}], orgs={"a": "o", "b": "o"})  # fmt: skip
    assert node(found, "a") == node(found, "b") == node(found, "c")


def test_a_private_domain_paid_from_few_cards_is_one_node() -> None:
    rows = [{"account_id": f"a{i}", "email_domain": "acme.example", "payment_token": f"card{i % 2}"} for i in range(8)]
    found = roster(rows, extra=50)
    assert len({node(found, f"a{i}") for i in range(8)}) == 1
    assert len(found.node_size) == 51


@pytest.mark.parametrize("domain", ["gmail.com", "GMail.com", "qq.com"])
def test_a_mail_provider_is_nobody_s_organisation(domain: str) -> None:
    rows = [{"account_id": f"a{i}", "email_domain": domain, "payment_token": "one"} for i in range(8)]
    found = roster(rows)
    assert len(found.node_size) == 8
    assert not found.declared.any()


def test_a_catch_all_domain_with_a_card_for_each_account_is_left_apart() -> None:
    rows = [{"account_id": f"a{i}", "email_domain": "catch.example", "payment_token": f"card{i}"} for i in range(8)]
    assert len(roster(rows).node_size) == 8


def test_a_domain_with_no_card_at_all_is_left_apart() -> None:
    """Unknown is not few."""
    rows = [{"account_id": f"a{i}", "email_domain": "nocards.example"} for i in range(8)]
    assert len(roster(rows).node_size) == 8


def test_an_unlisted_domain_that_is_common_is_a_mail_provider() -> None:
    rows = [{"account_id": f"a{i:03d}", "email_domain": "new-mail.example", "payment_token": f"c{i % 9}"}
            for i in range(80)]  # fmt: skip
    assert len(roster(rows).node_size) == 80


def test_the_last_row_of_the_side_table_wins() -> None:
    found = roster([{"account_id": "a", "plan": "free"}, {"account_id": "b", "plan": "pro"},
                    {"account_id": "a", "plan": "enterprise"}])  # fmt: skip
    assert found.side.column("plan").to_pylist() == ["enterprise", "pro"]
    assert found.vouched.tolist() == [True, False]


def test_the_same_account_id_on_two_platforms_is_two_accounts() -> None:
    made = [{**exchange(i, "a", i), "platform": platform} for i, platform in enumerate(("api", "bedrock"))]
    prints = prints_of(exchanges_of(made))
    found = roster_of(prints, accounts_of([{"account_id": "a", "platform": "bedrock", "plan": "enterprise"}]))
    assert found.names.to_pylist() == [{"platform": p, "account_id": "a"} for p in ("api", "bedrock")]
    assert found.vouched.tolist() == [False, True]


@pytest.mark.parametrize(
    ("columns", "vouched"),
    [
        ({"verification": "organisation"}, True),
        ({"plan": "enterprise"}, True),
        ({"plan": "education"}, False),
        ({"plan": "research"}, False),
        ({"verification": "phone", "plan": "pro"}, False),
        ({"declared_org": "Acme"}, False),
        ({}, False),
    ],
)
def test_only_what_somebody_checked_is_vouched_for(columns: dict[str, str], vouched: bool) -> None:  # noqa: FBT001
    assert roster([{"account_id": "a", **columns}]).vouched.tolist() == [vouched]


def test_without_a_side_table_every_account_stands_alone_and_nothing_is_claimed() -> None:
    prints = prints_of(exchanges_of(exchange(i, f"a{i % 3}", i) for i in range(9)))
    found = roster_of(prints)
    assert not found.has_side
    assert found.node.tolist() == [0, 1, 2]
    assert not found.declared.any()
    assert not found.vouched.any()
    assert found.side.column("plan").null_count == 3


def test_an_account_of_the_side_table_without_an_exchange_is_left_out() -> None:
    prints = prints_of(exchanges_of([exchange(0, "a", 0)]))
    assert len(roster_of(prints, accounts_of([{"account_id": "a"}, {"account_id": "idle"}]))) == 1


def test_the_order_of_the_exchanges_does_not_change_the_roster() -> None:
    rows = [{"account_id": f"a{i}", "email_domain": f"d{i % 3}.example", "payment_token": f"k{i % 3}"}
            for i in range(12)]  # fmt: skip
    made = [exchange(i, f"a{i % 12}", i, org_id="o" if i % 12 < 2 else None) for i in range(40)]
    one = roster_of(prints_of(exchanges_of(made)), accounts_of(rows))
    other = roster_of(prints_of(exchanges_of(made[::-1])), accounts_of(rows))
    assert one.names.equals(other.names)
    assert one.side.equals(other.side)
    np.testing.assert_array_equal(one.node, other.node)


def test_one_party_seen_with_two_organisation_ids_is_still_a_roster_of_whole_accounts() -> None:
    made = [exchange(i, "a", i, org_id=f"o{i % 2}") for i in range(4)]
    found = roster_of(prints_of(exchanges_of(made)))
    assert isinstance(found.names, pa.Table)
    assert len(found) == 1
