"""Campaigns keep their ids, whatever happens to their accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_by_hand import signature_of

from stillwatch.campaigns.track import Tracked, track
from stillwatch.model import Campaign, CampaignEvent, KnownCampaign, Member, ModelPivot

T0 = datetime(2026, 7, 1, tzinfo=UTC)


def hours(count: float) -> datetime:
    return T0 + timedelta(hours=count)


def member(number: int, exchanges: int = 10, *, accused: bool = True) -> Member:
    return Member(
        platform="api",
        account_id=f"a{number:03d}",
        probability=0.9,
        accused=accused,
        exchanges=exchanges,
        harvest_exchanges=exchanges,
        first_seen=T0,
        last_seen=T0,
    )


def mined(name: str, members: list[Member] | range, pivots: tuple[str, ...] = ()) -> Campaign:
    roster = tuple(one if isinstance(one, Member) else member(one) for one in members)
    return Campaign(
        campaign_id=name,
        verdict="extraction",
        confidence=0.9,
        roster=roster,
        exchanges=sum(one.exchanges for one in roster),
        extraction_exchanges=0,
        first_seen=T0,
        last_seen=T0,
        platforms={},
        models={},
        capabilities={},
        model_pivots=tuple(ModelPivot(at=T0, to_model=name, share=0.5) for name in pivots),
        evidence=(),
        operator_bits=5.0,
        harvest_bits=5.0,
    )


def ids(tracked: Tracked, state: str = "active") -> list[str]:
    return sorted(k.campaign.campaign_id for k in tracked.campaigns if k.state == state)


def turns(tracked: Tracked) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(e.campaign_id, e.kind, e.others) for e in tracked.events]


def state_of(tracked: Tracked, name: str) -> KnownCampaign:
    (found,) = (k for k in tracked.campaigns if k.campaign.campaign_id == name)
    return found


def test_a_new_campaign_is_found_under_the_id_that_mining_gave_it() -> None:
    first = track((), [mined("x", range(5))], hours(0))
    assert ids(first) == ["x"]
    assert turns(first) == [("x", "found", ())]


def test_growth_keeps_the_id_and_is_told() -> None:
    first = track((), [mined("x", range(5))], hours(0))
    later = track(first.campaigns, [mined("y", range(40))], hours(1))
    assert ids(later) == ["x"]
    assert turns(later) == [("x", "grown", ())]
    assert len(state_of(later, "x").campaign.roster) == 40
    assert state_of(later, "x").found_at == hours(0)
    assert state_of(later, "x").mined_at == hours(1)


def test_little_growth_is_not_news() -> None:
    first = track((), [mined("x", range(50))], hours(0))
    assert turns(track(first.campaigns, [mined("y", range(52))], hours(1))) == []


def test_bans_shrink_a_campaign_and_a_pivot_is_told() -> None:
    first = track((), [mined("x", range(30))], hours(0))
    later = track(first.campaigns, [mined("y", range(20, 30), pivots=("new-model",))], hours(1))
    assert turns(later) == [("x", "pivoted", ()), ("x", "shrunk", ())]
    assert turns(track(later.campaigns, [mined("y", range(20, 30), pivots=("new-model",))], hours(2))) == []


def test_a_campaign_with_all_accounts_replaced_is_known_by_its_signature() -> None:
    before = signature_of({"network": range(10), "content": range(20), "payment": range(4)})
    after = signature_of({"network": range(2, 12), "content": range(20), "payment": range(4)})
    first = track((), [mined("x", range(9))], hours(0), {"x": before})
    later = track(first.campaigns, [mined("y", range(100, 109))], hours(1), {"y": after})
    assert ids(later) == ["x"]
    assert state_of(later, "x").signature == after


def test_shared_content_alone_makes_no_two_campaigns_one() -> None:
    one = signature_of({"content": range(20)})
    first = track((), [mined("x", range(9))], hours(0), {"x": one})
    later = track(first.campaigns, [mined("y", range(100, 109))], hours(1), {"y": one})
    assert ids(later) == ["y"]
    assert ids(later, "dormant") == ["x"]


def test_in_a_merge_the_older_of_two_alike_in_size_survives() -> None:
    first = track((), [mined("old", range(10))], hours(0))
    first = track(first.campaigns, [mined("old", range(10)), mined("young", range(10, 22))], hours(1))
    later = track(first.campaigns, [mined("both", range(22))], hours(2))
    assert ids(later) == ["old"]
    assert ids(later, "merged") == ["young"]
    assert ("young", "merged", ("old",)) in turns(later)
    assert ("old", "merged", ("young",)) in turns(later)


def test_in_a_merge_a_far_larger_one_survives() -> None:
    first = track((), [mined("old", range(4))], hours(0))
    first = track(first.campaigns, [mined("old", range(4)), mined("young", range(10, 200))], hours(1))
    assert ids(track(first.campaigns, [mined("both", [*range(4), *range(10, 200)])], hours(2))) == ["young"]


def test_in_a_split_the_largest_part_keeps_the_id_and_the_other_names_its_parent() -> None:
    first = track((), [mined("x", range(10))], hours(0))
    later = track(first.campaigns, [mined("p", range(3)), mined("q", range(3, 10))], hours(1))
    assert ids(later) == ["p", "x"]
    assert len(state_of(later, "x").campaign.roster) == 7
    assert ("p", "split", ("x",)) in turns(later)
    assert ("x", "split", ("p",)) in turns(later)


def test_a_split_followed_by_a_merge_returns_the_first_id() -> None:
    first = track((), [mined("x", range(10))], hours(0))
    apart = track(first.campaigns, [mined("p", range(5)), mined("q", range(5, 10))], hours(1))
    again = track(apart.campaigns, [mined("r", range(10))], hours(2))
    assert ids(again) == ["x"]


def test_what_is_not_found_sleeps_and_returns() -> None:
    first = track((), [mined("x", range(5))], hours(0))
    quiet = track(first.campaigns, [], hours(1))
    assert ids(quiet, "dormant") == ["x"]
    assert turns(quiet) == [("x", "dormant", ())]
    assert turns(track(quiet.campaigns, [], hours(2))) == []
    back = track(quiet.campaigns, [mined("y", range(5))], hours(3))
    assert ids(back) == ["x"]
    assert turns(back) == [("x", "returned", ())]


def dismissed(tracked: Tracked, name: str) -> list[KnownCampaign]:
    return [
        msgspec.structs.replace(k, state="dismissed") if k.campaign.campaign_id == name else k
        for k in tracked.campaigns
    ]


def test_a_dismissed_campaign_stays_dismissed_without_a_word() -> None:
    known = dismissed(track((), [mined("x", range(10))], hours(0)), "x")
    later = track(known, [mined("y", range(1, 14))], hours(1))
    assert ids(later, "dismissed") == ["x"]
    assert ids(later) == []
    assert turns(later) == []


def test_what_far_outgrows_a_dismissed_campaign_is_found_and_says_so() -> None:
    known = dismissed(track((), [mined("x", range(10))], hours(0)), "x")
    later = track(known, [mined("y", range(100))], hours(1))
    assert ids(later) == ["y"]
    assert ids(later, "dismissed") == ["x"]
    assert turns(later) == [("y", "found", ("x",))]


def test_possible_members_hold_less_than_accused_ones() -> None:
    first = track((), [mined("x", range(10)), mined("y", range(10, 20))], hours(0))
    of_x = [member(i, accused=False) for i in range(10)]
    later = track(first.campaigns, [mined("z", [*of_x, *(member(i) for i in range(10, 20))])], hours(1))
    assert ids(later) == ["y"]


def test_an_id_that_was_merged_away_is_not_given_again() -> None:
    first = track((), [mined("old", range(10))], hours(0))
    first = track(first.campaigns, [mined("old", range(10)), mined("young", range(10, 20))], hours(1))
    merged = track(first.campaigns, [mined("both", range(20))], hours(2))
    again = track(merged.campaigns, [mined("both", range(10)), mined("young", range(200, 210))], hours(3))
    assert state_of(again, "young").state == "merged"
    assert len(ids(again)) == 2


def test_what_was_merged_away_does_not_rise_again_when_the_merged_splits() -> None:
    first = track((), [mined("old", range(10))], hours(0))
    first = track(first.campaigns, [mined("old", range(10)), mined("young", range(10, 19))], hours(1))
    merged = track(first.campaigns, [mined("both", range(19))], hours(2))
    apart = track(merged.campaigns, [mined("old", range(10)), mined("part", range(10, 19))], hours(3))
    assert state_of(apart, "young").state == "merged"
    assert ids(apart) == ["old", "part"]
    assert ("part", "split", ("old",)) in turns(apart)


def test_the_very_same_members_keep_their_id_beside_an_older_one_that_looks_alike() -> None:
    alike = signature_of({"network": range(10), "payment": range(4)})
    known = [
        KnownCampaign(campaign=mined("old", range(10)), signature=alike, found_at=hours(0), mined_at=hours(0)),
        KnownCampaign(campaign=mined("young", range(5, 25)), signature=b"", found_at=hours(1), mined_at=hours(1)),
    ]
    later = track(known, [mined("f", range(5, 25))], hours(2), {"f": alike})
    assert len(state_of(later, "young").campaign.roster) == 20
    assert state_of(later, "young").state == "active"


@st.composite
def minings(draw: st.DrawFn) -> list[list[Campaign]]:
    """A few minings over 24 accounts; an account is in one campaign at a time, under whatever id."""
    found = []
    for turn in range(draw(st.integers(1, 4))):
        place = draw(st.lists(st.integers(0, 4), min_size=24, max_size=24))
        weight = draw(st.lists(st.integers(1, 60), min_size=24, max_size=24))
        groups = [[i for i, at in enumerate(place) if at == group] for group in range(1, 5)]
        names = draw(st.permutations(["k0", "k1", "k2", f"k{turn + 3}"]))
        found.append([mined(n, [member(i, weight[i]) for i in g]) for n, g in zip(names, groups, strict=True) if g])
    return found


def followed(turns_: list[list[Campaign]]) -> tuple[list[Tracked], tuple[KnownCampaign, ...]]:
    known: tuple[KnownCampaign, ...] = ()
    said = []
    for hour, found in enumerate(turns_):
        said.append(track(known, found, hours(hour)))
        known = said[-1].campaigns
    return said, known


@settings(max_examples=60, deadline=None)
@given(minings())
def test_no_campaign_is_lost_and_no_id_is_used_twice(turns_: list[list[Campaign]]) -> None:
    said, known = followed(turns_)
    names = [k.campaign.campaign_id for k in known]
    assert len(names) == len(set(names))
    before: set[str] = set()
    for tracked, found in zip(said, turns_, strict=True):
        now = {k.campaign.campaign_id for k in tracked.campaigns}
        assert before <= now
        before = now
        mined_now = sorted(sorted(m.account_id for m in c.roster) for c in found)
        active = [k for k in tracked.campaigns if k.state == "active"]
        assert sorted(sorted(m.account_id for m in k.campaign.roster) for k in active) == mined_now
        new = [e.campaign_id for e in tracked.events if e.kind in {"found", "split"}]
        assert len(new) == len(set(new)) or any(e.kind == "split" for e in tracked.events)
    merged = {k.campaign.campaign_id for k in known if k.state == "merged"}
    assert merged == {e.campaign_id for t in said for e in t.events if e.kind == "merged" and "goes on" in e.says}


@settings(max_examples=60, deadline=None)
@given(minings())
def test_the_same_mining_again_changes_nothing(turns_: list[list[Campaign]]) -> None:
    _, known = followed(turns_)
    again = track(known, turns_[-1], hours(len(turns_) - 1))
    assert again.events == ()
    assert again.campaigns == known


@settings(max_examples=60, deadline=None)
@given(minings(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_and_found_does_not_matter(turns_: list[list[Campaign]], dice: Random) -> None:
    _, known = followed(turns_[:-1])
    found = turns_[-1]
    straight = track(known, found, hours(9))
    known, found = list(known), [msgspec.structs.replace(c, roster=tuple(reversed(c.roster))) for c in found]
    dice.shuffle(known)
    dice.shuffle(found)
    other = track(known, found, hours(9))
    assert other.events == straight.events
    assert [(k.campaign.campaign_id, k.state) for k in other.campaigns] == [
        (k.campaign.campaign_id, k.state) for k in straight.campaigns
    ]


@settings(max_examples=40, deadline=None)
@given(minings())
def test_the_same_members_under_other_ids_keep_every_id(turns_: list[list[Campaign]]) -> None:
    _, known = followed(turns_)
    renamed = [msgspec.structs.replace(c, campaign_id=f"other-{i}") for i, c in enumerate(turns_[-1])]
    later = track(known, renamed, hours(9))
    assert later.events == ()
    assert ids(later) == sorted(k.campaign.campaign_id for k in known if k.state == "active")


def test_events_are_what_the_store_keeps() -> None:
    (event,) = track((), [mined("x", range(5))], hours(0)).events
    assert msgspec.json.decode(msgspec.json.encode(event), type=CampaignEvent) == event


def test_a_signature_that_cannot_be_read_does_not_stop_tracking() -> None:
    first = track((), [mined("x", range(5))], hours(0), {"x": b"not a signature"})
    assert ids(track(first.campaigns, [mined("y", range(5))], hours(1), {"y": b"\xff"})) == ["x"]
