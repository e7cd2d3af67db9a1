"""What is known of accounts, put together from campaigns, signatures, the accounts table and traffic."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pyarrow as pa
from known_standings import DAY, NOW, campaign, known, member, policy_of

from stillwatch.model import Decision
from stillwatch.policy.decide import decide
from stillwatch.policy.standing import RecognisedAccount, Standing, Traffic, standings
from stillwatch.tables import ACCOUNTS


def recognised(account_id: str, campaign_id: str = "c1") -> RecognisedAccount:
    return RecognisedAccount(
        platform="api",
        account_id=account_id,
        campaign_id=campaign_id,
        probability=0.97,
        bits=9.0,
        exchanges=12,
        first_seen=NOW,
    )


def accounts(*rows: dict[str, object]) -> pa.Table:
    filled = [{name: row.get(name) for name in ACCOUNTS.names} for row in rows]
    return pa.Table.from_pylist(filled, schema=ACCOUNTS)


def decision(account_id: str, campaign_id: str = "c1") -> Decision:
    policy = policy_of('version = "x"\n[[rules]]\nname = "r"\naction = "deny"\n')
    (made,) = decide(policy, [known()], [], NOW, "armed").new
    return msgspec.structs.replace(made, account_id=account_id, campaign_id=campaign_id)


def by_account(found: tuple[Standing, ...]) -> dict[str, Standing]:
    return {standing.account_id: standing for standing in found}


def test_a_member_stands_as_its_campaign_and_its_own_evidence_say() -> None:
    (found,) = standings([campaign("c1", member("a1"))], [], None, {})
    assert (found.campaign_id, found.verdict, found.confidence) == ("c1", "extraction", 0.99)
    assert found.evidence == {"payment": 4.0}  # the strongest of a family; what speaks against is left out
    assert found.campaign_evidence == {"allocation": 5.0}
    assert (found.harvest_exchanges, found.campaign_harvest) == (800, 5_000)
    assert (found.plan, found.traffic_share, found.revenue_share, found.full_traces) == (None, None, None, None)


def test_details_come_from_the_accounts_table_whatever_columns_it_has() -> None:
    created = datetime.fromisoformat("2026-04-01T00:00:00Z")
    row = {"platform": "api", "account_id": "a1", "plan": "trial", "declared_org": "Acme", "created_at": created}
    twin = {"platform": "vertex", "account_id": "a1", "plan": "enterprise"}
    table, group = accounts(row, twin), [campaign("c1", member("a1"))]
    (found,) = standings(group, [], table, {})
    assert (found.plan, found.org, found.verification, found.created_at) == ("trial", "Acme", None, created)
    (found,) = standings(group, [], table.select(["platform", "account_id", "verification"]), {})
    assert (found.plan, found.created_at) == (None, None)


def test_shares_are_of_everybody_and_unknown_revenue_stays_unknown() -> None:
    traffic = {
        ("api", "a1"): Traffic(exchanges=100, revenue=5.0, full_traces=3),
        ("api", "a2"): Traffic(exchanges=100),
        ("api", "else"): Traffic(exchanges=800, revenue=15.0),
    }
    found = by_account(standings([campaign("c1", member("a1"), member("a2"), member("a3"))], [], None, traffic))
    assert (found["a1"].traffic_share, found["a1"].revenue_share, found["a1"].full_traces) == (0.1, 0.25, 3)
    assert (found["a2"].traffic_share, found["a2"].revenue, found["a2"].revenue_share) == (0.1, None, None)
    assert (found["a3"].traffic_share, found["a3"].revenue_share) == (0.0, None)
    assert "else" not in found


def test_a_recognised_account_stands_by_its_signature_until_a_mining_names_it() -> None:
    groups = [campaign("c1", member("a1"), member("a2", accused=False, probability=0.4))]
    found = by_account(standings(groups, [recognised("a1"), recognised("a2"), recognised("a9")], None, {}))
    assert (found["a1"].accused, found["a1"].recognised) == (True, False)
    assert (found["a2"].recognised, found["a2"].probability) == (True, 0.97)
    assert found["a9"].evidence == {"signature": 9.0}
    assert found["a9"].harvest_exchanges is None
    assert standings(groups, [recognised("a9", "gone")], None, {})[-1].account_id == "a2"


def test_an_account_has_a_standing_in_each_of_its_campaigns() -> None:
    found = standings([campaign("c2", member("a1")), campaign("c1", member("a1"))], [], None, {})
    assert [standing.campaign_id for standing in found] == ["c1", "c2"]


def test_who_was_looked_at_and_is_in_no_campaign_is_cleared_and_who_was_not_seen_is_not() -> None:
    watched = [decision("a1"), decision("a2"), decision("a3")]
    found = standings([campaign("c1", member("a1"))], [], None, {("api", "a2"): Traffic(exchanges=4)}, watched)
    assert [(s.account_id, s.campaign_id) for s in found] == [("a1", "c1"), ("a2", None)]


def test_a_dismissed_campaign_clears_its_accounts_seen_or_not() -> None:
    groups = [campaign("c1", member("a1"))]
    (found,) = standings(groups, [recognised("a5")], None, {}, [decision("a1")], dismissed={"c1"})
    assert (found.account_id, found.campaign_id, found.accused) == ("a1", None, False)


def test_building_and_deciding_go_together() -> None:
    policy = policy_of('version = "x"\n[[rules]]\nname = "r"\naction = "deny"\nplans = ["trial"]\n')
    table = accounts(
        {"platform": "api", "account_id": "a1", "plan": "trial", "created_at": NOW - DAY},
        {"platform": "api", "account_id": "a2", "plan": "enterprise"},
    )
    found = standings([campaign("c1", member("a1"), member("a2"), member("a3", accused=False))], [], table, {})
    assert [d.account_id for d in decide(policy, found, [], NOW, "armed").new] == ["a1"]
