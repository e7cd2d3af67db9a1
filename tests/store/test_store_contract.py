"""What every store does, asked of SQLite and of a real PostgreSQL alike."""

from __future__ import annotations

import msgspec
import pytest
from written_values import (
    HOSTILE,
    NOON,
    campaign,
    decision,
    later,
    letter,
    login,
    policy,
    seen,
    segment,
    somebody,
    token,
    turn,
)

from stillwatch.errors import InputError
from stillwatch.store import Offset, PendingLogin, Store, open_store
from stillwatch.store.chain import GENESIS, chain_of


def offset(position: str, partition: str = "0") -> Offset:
    return Offset(source="kafka", partition=partition, position=position)


def test_a_segment_and_the_offsets_it_was_read_up_to_arrive_together(store: Store) -> None:
    store.add_segment(segment("a"), [offset("5"), offset("9", "1")])
    store.add_segment(segment("b", 1), [offset("7")])
    assert store.segments() == [segment("a"), segment("b", 1)]
    assert store.offsets("kafka") == {"0": "7", "1": "9"}
    assert store.offsets("nats") == {}
    store.put_offsets([offset("8")])
    assert store.offsets("kafka")["0"] == "8"


def test_segments_since_a_time_are_those_that_still_reach_it(store: Store) -> None:
    for hours in range(5):
        store.add_segment(segment(f"s{hours}", hours), [])
    assert [s.name for s in store.segments(since=later(3))] == ["s3", "s4"]


def test_a_segment_told_twice_is_there_once_and_another_of_its_name_is_refused(store: Store) -> None:
    store.add_segment(segment("a"), [offset("5")])
    store.add_segment(segment("a"), [offset("5")])
    with pytest.raises(ValueError, match="named a"):
        store.add_segment(segment("a", exchanges=8), [offset("6")])
    assert store.segments() == [segment("a")]
    assert store.offsets("kafka") == {"0": "5"}


def test_replacing_segments_is_all_or_nothing_and_may_be_said_twice(store: Store) -> None:
    for name in "abc":
        store.add_segment(segment(name), [])
    store.replace_segments(["a", "b"], segment("ab", 1))
    store.replace_segments(["a", "b"], segment("ab", 1))
    assert [s.name for s in store.segments()] == ["c", "ab"]
    with pytest.raises(ValueError, match="gone"):
        store.replace_segments(["c", "a"], segment("ca"))
    assert [s.name for s in store.segments()] == ["c", "ab"]
    store.replace_segments(["c"], None)
    assert [s.name for s in store.segments()] == ["ab"]


def test_of_dead_letters_the_last_stay_whatever_bytes_are_in_them(store: Store) -> None:
    store.add_dead_letters([letter(str(n)) for n in range(4)], keep=3)
    store.add_dead_letters([letter("4")], keep=3)
    assert store.dead_letters(2) == [letter("4"), letter("3")]
    assert store.dead_letter_count() == 3
    store.add_dead_letters([], keep=0)
    assert store.dead_letter_count() == 0


def test_later_rows_of_an_account_replace_earlier_ones(store: Store) -> None:
    rows = [{"platform": "api", "account_id": name, "plan": None, "created_at": NOON} for name in ("b", "a", "b")]
    rows[2]["plan"] = HOSTILE.replace("\ud800", "")
    assert store.put_accounts(iter(rows)) == 3
    assert [(row["account_id"], row["plan"]) for row in store.accounts()] == [("a", None), ("b", rows[2]["plan"])]
    assert store.accounts()[0]["created_at"] == NOON.isoformat().replace("+00:00", "Z")


def test_an_account_without_an_id_is_refused_and_nothing_of_its_batch_kept(store: Store) -> None:
    many = [{"platform": "api", "account_id": str(n)} for n in range(6_000)]
    with pytest.raises(InputError, match="account_id"):
        store.put_accounts([*many, {"platform": "api"}])
    assert store.accounts() == []


def test_text_is_ordered_by_its_bytes_in_every_store(store: Store) -> None:
    names = ["Zed", "abe", "Émile", "_x", "a b", "ab"]
    store.put_accounts({"platform": "api", "account_id": name} for name in names)
    assert [row["account_id"] for row in store.accounts()] == sorted(names)


def test_a_mining_writes_campaigns_events_and_its_summary(store: Store) -> None:
    assert store.last_mining() is None
    store.put_mining(NOON, [campaign("c1"), campaign("c2")], [turn("c1"), turn("c2")], "two")
    store.put_mining(later(1), [campaign("c1", 1)], [turn("c1", "grown", 1, others=("c2",))], "one")
    assert store.campaigns() == [campaign("c1", 1), campaign("c2")]
    assert store.history("c1") == [turn("c1"), turn("c1", "grown", 1, others=("c2",))]
    assert store.history() == [turn("c1"), turn("c2"), turn("c1", "grown", 1, others=("c2",))]
    assert store.last_mining() == (later(1), "one")


def test_the_same_mining_told_twice_leaves_its_events_once(store: Store) -> None:
    for _ in range(2):
        store.put_mining(NOON, [campaign("c1")], [turn("c1")], "one")
    assert store.history() == [turn("c1")]


def test_what_a_person_dismissed_no_mining_brings_back(store: Store) -> None:
    store.put_mining(NOON, [campaign("c1")], [turn("c1")], "")
    for _ in range(2):  # said twice
        store.set_campaign_state("c1", "dismissed", turn("c1", "dismissed", 1))
    store.put_mining(later(2), [campaign("c1", 2)], [], "")
    assert store.campaigns() == [campaign("c1", 2, "dismissed")]
    assert [event.kind for event in store.history()] == ["found", "dismissed"]
    store.set_campaign_state("c1", "active", turn("c1", "returned", 3))
    assert store.campaigns()[0].state == "active"
    with pytest.raises(InputError, match="no campaign c9"):
        store.set_campaign_state("c9", "dismissed", turn("c9", "dismissed"))


def test_recognised_accounts_are_listed_by_time_and_once(store: Store) -> None:
    found = [seen("b", "c1", 2), seen("a", "c1", 1), seen("a", "c2", 3)]
    store.add_recognised(found)
    store.add_recognised(found[:1])
    assert store.recognised() == [found[1], found[0], found[2]]
    assert store.recognised("c2") == [found[2]]


def test_a_decision_comes_back_as_it_was(store: Store) -> None:
    odd = decision(
        "d1", account_id=HOSTILE, because=(HOSTILE, ""), campaign_id="c1", verdict="resale", held=True, value=None
    )
    assert store.add_decisions([odd, decision("d2"), odd]) == 2
    assert store.decisions() == [odd, decision("d2")]
    assert store.decisions(campaign_id="c1") == [odd]
    assert store.add_decisions([decision("d1", account_id="another")]) == 0
    assert store.decisions()[0] == odd


def test_live_decisions_are_neither_undone_nor_over_and_no_clock_revives_one(store: Store) -> None:
    store.add_decisions([decision("over", expires_at=later(1)), decision("on"), decision("undone")])
    assert store.undo_decisions(["undone", "nobody"], later(3), "ann", "mistaken") == 1
    assert [d.decision_id for d in store.decisions(live_at=later(1))] == ["on"]
    assert [d.decision_id for d in store.decisions(live_at=later(-1))] == ["on", "over"]
    assert len(store.decisions()) == 3


def test_undoing_and_approving_happen_once_and_say_who(store: Store) -> None:
    store.add_decisions([decision("a", held=True), decision("b")])
    assert store.approve_decisions(["a", "b"], later(1), "bob") == 1
    assert store.approve_decisions(["a"], later(1), "bob") == 0
    assert store.undo_decisions(["a", "a"], later(2), "ann", "why") == 1
    assert store.undo_decisions(["a"], later(3), "bob", "no") == 0
    told = {d.decision_id: d for d in store.decisions()}["a"]
    assert (told.held, told.undone_at, told.undone_by, told.undone_because) == (False, later(2), "ann", "why")


def test_what_was_undone_cannot_be_approved(store: Store) -> None:
    store.add_decisions([decision("a", held=True)])
    store.undo_decisions(["a"], later(1), "ann", "why")
    assert store.approve_decisions(["a"], later(2), "bob") == 0
    assert store.decisions()[0].held


def test_the_version_grows_with_every_change_and_only_then(store: Store) -> None:
    steps = [
        lambda: store.add_decisions([decision("a", held=True)]),
        lambda: store.approve_decisions(["a"], NOON, "bob"),
        lambda: store.undo_decisions(["a"], NOON, "ann", "why"),
        lambda: store.purge("decisions", later(1)),
    ]
    for step in steps:
        before = store.decision_version()
        assert step() == 1
        assert store.decision_version() > before
        after = store.decision_version()
        assert step() == (1 if step is steps[0] else 0) or store.decision_version() == after
        store.add_decisions([decision("a")])
    version = store.decision_version()
    assert store.undo_decisions(["nobody"], NOON, "ann", "why") == 0
    assert store.decision_version() == version


def test_thousands_of_decisions_are_undone_in_one_go(store: Store) -> None:
    many = [decision(f"d{n:06}") for n in range(12_000)]
    assert store.add_decisions(many) == len(many)
    assert store.undo_decisions([d.decision_id for d in many], later(1), "ann", "all of it") == len(many)
    assert store.decisions(live_at=NOON) == []


def test_one_version_of_the_rules_is_active(store: Store) -> None:
    store.put_policy(policy("p1"))
    store.put_policy(policy("p2", 1))
    assert [(p.digest, p.active) for p in store.policies()] == [("p1", False), ("p2", True)]
    store.put_policy(msgspec.structs.replace(policy("p1", 5, mode="armed"), text="forged"))
    assert store.policies() == [policy("p1", mode="armed"), policy("p2", 1, active=False)]
    store.set_mode("p1", "off")
    assert store.policies()[0].mode == "off"
    with pytest.raises(InputError, match="p9"):
        store.set_mode("p9", "armed")


def test_a_revoked_token_stays_revoked(store: Store) -> None:
    store.put_token(token("t1", revoked_at=later(1)))
    store.put_token(token("t1", name=HOSTILE))
    assert store.token("t1") == token("t1", name=HOSTILE, revoked_at=later(1))
    assert store.token("t2") is None
    store.put_token(token("t0", expires_at=later(5)))
    assert [t.token_id for t in store.tokens()] == ["t0", "t1"]


def test_people_are_known_by_name_and_a_subject_belongs_to_one(store: Store) -> None:
    store.put_person(somebody("ann", subject="https://idp 1"))
    store.put_person(somebody("bob"))
    store.put_person(somebody("cid"))
    store.put_person(somebody("bob", role="admin"))
    assert store.person("bob") == somebody("bob", role="admin")
    assert store.person("Bob") is None
    assert [p.name for p in store.people()] == ["ann", "bob", "cid"]
    with pytest.raises(InputError, match="ann"):
        store.put_person(somebody("eve", subject="https://idp 1"))
    assert store.person("eve") is None


def test_sessions_end_one_by_one_and_all_at_once(store: Store) -> None:
    for digest, name in (("1", "ann"), ("2", "ann"), ("3", "ann"), ("4", "bob")):
        store.put_session(login(digest, name))
    store.end_session("1")
    store.end_session("1")
    assert store.session("1") is None
    assert store.session("2") == login("2")
    assert store.end_sessions("ann") == 2
    assert store.session("3") is None
    assert store.session("4") == login("4", "bob")


def test_a_pending_login_is_answered_once(store: Store) -> None:
    pending = PendingLogin(digest="d", state="s", nonce="n", verifier="v", expires_at=later(0.2))
    store.put_pending_login(pending)
    assert store.take_pending_login("d") == pending
    assert store.take_pending_login("d") is None
    store.put_pending_login(pending)
    store.put_pending_login(msgspec.structs.replace(pending, digest="e", expires_at=later(5)))
    assert store.take_pending_login("d") is None


def test_attempts_are_counted_within_their_window(store: Store) -> None:
    assert store.add_attempts(["a", "b"], NOON, later(-1)) == {"a": 1, "b": 1}
    assert store.add_attempts(["a"], later(0.5), later(-0.5)) == {"a": 2}
    assert store.add_attempts(["a"], later(1.2), later(0.2)) == {"a": 2}
    store.forget_attempts(["a"])
    assert store.add_attempts(["a", "b"], later(0.6), later(-1)) == {"a": 1, "b": 2}


def test_the_audit_log_is_numbered_and_chained(store: Store) -> None:
    assert store.audit() == []
    assert (store.audit_ends().head, store.audit_ends().head_chain) == (0, GENESIS)
    first = store.append_audit(NOON, "ann", "undo", HOSTILE, {"n": HOSTILE, HOSTILE: ""})
    second = store.append_audit(later(1), "bob", "arm", "policy", {})
    assert store.audit() == [first, second]
    assert [first.number, second.number] == [1, 2]
    assert first.chain == chain_of(first, GENESIS)
    assert second.chain == chain_of(second, first.chain)
    assert store.audit(after=1) == [second]
    assert store.audit(limit=1) == [first]
    ends = store.audit_ends()
    assert (ends.before, ends.head, ends.head_chain) == (0, 2, second.chain)


def test_purging_the_audit_log_takes_a_beginning_and_the_chain_goes_on(store: Store) -> None:
    for hours in (0, 5, 1, 6):  # the third was written while the clock ran wrong
        store.append_audit(later(hours), "ann", "undo", "d", {})
    entries = store.audit()
    assert store.purge("audit", later(4)) == 1
    assert store.audit() == entries[1:]
    ends = store.audit_ends()
    assert (ends.before, ends.before_chain) == (1, entries[0].chain)
    assert store.purge("audit", later(9)) == 3
    fifth = store.append_audit(later(9), "ann", "undo", "d", {})
    assert fifth.number == 5
    assert fifth.chain == chain_of(fifth, entries[-1].chain)


def test_an_alert_is_the_first_of_its_kind_once(store: Store) -> None:
    assert store.first_alert("c1 found", NOON)
    assert not store.first_alert("c1 found", later(1))
    assert store.first_alert("c1 grown", later(1))
    assert store.purge("alerts", later(0.5)) == 1
    assert store.first_alert("c1 found", later(2))


def test_each_class_is_purged_on_its_own_and_what_holds_stays(store: Store) -> None:
    store.add_segment(segment("old", -48), [offset("5")])
    store.add_segment(segment("new"), [])
    store.add_dead_letters([letter("1", -48), letter("2")], keep=10)
    store.add_decisions([decision("over", expires_at=later(-1)), decision("on", made_at=later(-900))])
    store.put_session(login("1", hours=-1))
    store.put_session(login("2"))
    assert [store.purge(what, NOON) for what in ("segments", "dead_letters", "decisions", "sessions")] == [1] * 4
    assert [s.name for s in store.segments()] == ["new"]
    assert store.offsets("kafka") == {"0": "5"}
    assert store.dead_letters(5) == [letter("2")]
    assert [d.decision_id for d in store.decisions()] == ["on"]
    assert store.session("2") == login("2")
    assert [store.purge(what, later(1)) for what in ("attempts", "audit", "campaigns", "alerts")] == [0] * 4


def test_a_campaign_not_mined_for_long_goes_with_all_that_is_known_of_it(store: Store) -> None:
    store.put_mining(later(-48), [campaign("old", -48), campaign("new", -48)], [turn("old"), turn("new")], "first")
    store.put_mining(NOON, [campaign("new")], [], "last")
    store.add_recognised([seen("a", "old", 1), seen("b", "new", 1), seen("c", "new", -47)])
    assert store.purge("campaigns", later(-1)) == 1
    assert store.campaigns() == [campaign("new")]
    assert store.history() == [turn("new")]
    assert store.recognised() == [seen("b", "new", 1)]
    assert store.last_mining() == (NOON, "last")


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="without a zone"):
        store.first_alert("k", NOON.replace(tzinfo=None))
    assert store.first_alert("k", NOON)


def test_everything_is_still_there_after_closing_and_opening_again(address: str) -> None:
    first = open_store(address)
    first.add_decisions([decision("d")])
    entry = first.append_audit(NOON, "ann", "decide", "d", {})
    first.close()
    again = open_store(address, migrate=False)
    assert again.healthy()
    assert again.decisions() == [decision("d")]
    assert again.audit() == [entry]
    assert again.decision_version() == 1
    again.close()
