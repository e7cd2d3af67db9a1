from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_alerts import AT, HOSTILE_IDS, campaign, decision, found, hostile, known

from stillwatch.alerts.alert import AUTOMATIC, alerts
from stillwatch.alerts.health import Health, Reason
from stillwatch.alerts.wording import MAIL, clean
from stillwatch.store.protocol import CampaignEvent

BEFORE = [known(campaign())]


def event(kind: str, **changes: object) -> CampaignEvent:
    values = {"campaign_id": "c-7f3a", "at": AT, "kind": kind, "says": "4 accounts woke up"}
    return CampaignEvent(**{**values, **changes})


def test_a_campaign_found_says_what_it_is_how_sure_for_and_against() -> None:
    alert = found()
    assert alert.title == "New extraction campaign: 14 accounts, confidence 97%"
    assert alert.severity == "high"
    assert "For it: one list of 9,400 prompts is split up and no follow-up in 11,840 turns." in alert.body
    assert "Against it: activity follows five time zones and answers vary in length as people's do." in alert.body
    assert "2 more accounts are linked to it and not accused." in alert.body
    assert alert.link == "/campaigns/c-7f3a"


def test_that_nothing_speaks_against_it_is_said() -> None:
    only_for = tuple(one for one in campaign().evidence if one.bits > 0)
    assert "No counter-evidence of note was found." in found(campaign(evidence=only_for)).body


def test_at_most_ten_accounts_are_named_and_none_that_is_only_linked() -> None:
    alert = found(campaign(size=3, linked=9))
    assert alert.accounts == ("api/acct-0000", "api/acct-0001", "api/acct-0002")
    assert len(found(campaign(size=400)).accounts) == 10


def test_no_e_mail_address_and_no_hidden_character_gets_into_an_alert() -> None:
    alert = found(hostile())
    text = f"{alert.title}{alert.body}{alert.reasons}{alert.accounts}{alert.campaign_id}"
    assert "@evil" not in text
    assert MAIL in text
    assert "\u202e" not in text
    assert len(alert.accounts) == len(HOSTILE_IDS)
    assert alert.link == "/campaigns/c-%3C%21everyone%3E"


@given(st.emails(), st.text(max_size=30), st.text(max_size=30))
def test_no_address_survives_wherever_it_stands(address: str, left: str, right: str) -> None:
    shown = clean(f"{left} {address} {right}")
    assert address not in shown


@pytest.mark.parametrize(
    "address", ["a@b.example", "A.B+c@mail.b.example", "a%40b.example", "a\uff20b.example", "ü@ö.example"]
)
def test_addresses_in_disguise_are_masked(address: str) -> None:
    assert clean(f"pays as {address}.") in {f"pays as {MAIL}", f"pays as {MAIL}."}


def test_nothing_new_is_nothing_to_tell() -> None:
    assert alerts(BEFORE, BEFORE, [], [], None) == []


def test_looking_twice_gives_the_same_keys() -> None:
    events = [event("found"), event("returned"), event("pivoted")]
    once, twice = (alerts([], BEFORE, events, [decision()], None) for _ in range(2))
    assert once == twice
    assert len({alert.key for alert in once}) == len(once) == 4


def test_a_found_event_and_a_new_campaign_are_one_alert() -> None:
    (alert,) = alerts([], BEFORE, [event("found")], [], None)
    assert alert.key == "campaign.found:c-7f3a"


def test_growth_is_told_once_a_doubling() -> None:
    told = []
    sizes = [14, 15, 16, 20, 31, 32, 64, 40, 65]
    for small, large in itertools.pairwise(sizes):
        told += alerts([known(campaign(small))], [known(campaign(large))], [], [], None)
    assert [alert.key for alert in told] == [
        "campaign.grown:c-7f3a:16",
        "campaign.grown:c-7f3a:32",
        "campaign.grown:c-7f3a:64",
        "campaign.grown:c-7f3a:64",
    ]
    assert "has grown from 15 accounts" in told[0].body


def test_a_weaker_verdict_is_news_since_something_may_rest_on_the_stronger() -> None:
    (alert,) = alerts(BEFORE, [known(campaign(verdict="coordinated"))], [], [], None)
    assert alert.matter == "campaign.verdict"
    assert alert.severity == "high"
    assert "was taken for an extraction campaign before" in alert.body


@pytest.mark.parametrize("state", ["merged", "dismissed"])
def test_a_campaign_that_is_settled_is_silent(state: str) -> None:
    after = [known(campaign(200), state=state)]
    assert alerts([], after, [event("grown")], [], None) == []
    assert alerts(BEFORE, after, [event("grown"), event("shrunk")], [], None) == []


def test_a_dismissal_is_told_and_quietly() -> None:
    (alert,) = alerts(BEFORE, [known(campaign(), state="dismissed")], [event("dismissed")], [], None)
    assert (alert.matter, alert.severity) == ("campaign.dismissed", "info")


def test_an_event_of_an_unknown_campaign_tells_nothing_that_was_not_seen() -> None:
    assert alerts([], [], [event("returned")], [], None) == []


def test_the_other_campaigns_of_a_merger_are_named() -> None:
    (alert,) = alerts(BEFORE, BEFORE, [event("merged", others=("c-1", "c-2"))], [], None)
    assert "Other campaigns concerned: c-1 and c-2." in alert.body


def test_shadow_decisions_are_not_told_and_enforced_ones_are_told_as_one() -> None:
    shadow = [decision(n, simulated=True) for n in range(5)]
    observed = [decision(n, "observe") for n in range(5, 9)]
    assert alerts(BEFORE, BEFORE, [], [*shadow, *observed], None) == []
    (alert,) = alerts(BEFORE, BEFORE, [], [decision(n) for n in range(30)], None)
    assert alert.title == "Enforced: throttle for 30 accounts"
    assert alert.account_count == 30
    assert len(alert.accounts) == 10
    assert "Against it: activity follows five time zones" in alert.body, "counter-evidence of the campaign is told"
    assert "2026-03-27 09:30" in alert.body


def test_a_decision_without_a_campaign_claims_no_counter_evidence_was_looked_for() -> None:
    (alert,) = alerts([], [], [], [decision(campaign_id=None)], None)
    assert "counter-evidence" not in alert.body
    assert alert.verdict is None


def test_what_waits_for_a_second_person_is_told_and_said_not_to_be_done() -> None:
    (alert,) = alerts([], [], [], [decision(n, held=True) for n in range(3)], None)
    assert (alert.matter, alert.severity) == ("enforcement.approval_needed", "high")
    assert "nothing is done until then" in alert.body
    later = [decision(9, held=True, made_at=AT + timedelta(hours=1))]
    assert alerts([], [], [], later, None)[0].key != alert.key


def test_disarming_itself_is_critical_and_a_persons_undo_is_not() -> None:
    undone = {"undone_at": AT, "undone_because": "honest-looking accounts beyond budget"}
    (automatic,) = alerts([], [], [], [decision(n, undone_by=AUTOMATIC, **undone) for n in range(4)], None)
    assert (automatic.severity, automatic.title) == ("critical", "Disarmed automatically: 4 decisions undone")
    (person,) = alerts([], [], [], [decision(undone_by="ann@provider.example", **undone)], None)
    assert (person.matter, person.severity) == ("enforcement.undone", "info")
    assert "ann@" not in person.body
    shadow = decision(undone_by=AUTOMATIC, simulated=True, **undone)
    assert alerts([], [], [], [shadow], None) == []


def test_the_most_severe_comes_first() -> None:
    undone = decision(1, undone_by=AUTOMATIC, undone_at=AT, undone_because="budget")
    told = alerts([], BEFORE, [event("dormant")], [undone, decision(2)], None)
    assert [alert.severity for alert in told] == ["critical", "high", "medium", "info"]


def test_a_doubt_is_told_once_worse_once_more_and_when_it_is_over() -> None:
    def looked(status: str, *, over: bool = False) -> Health:
        reason = Reason(matter="detection_stale", status=status, says="Exchanges wait", since=AT, clear_since=AT)
        return Health(at=AT, status="ok" if over else status, **{"over" if over else "reasons": (reason,)})

    states = [looked("degraded"), looked("degraded"), looked("failing"), looked("failing", over=True)]
    told = [alert for one in states for alert in alerts([], [], [], [], one)]
    assert len({alert.key for alert in told}) == 3
    assert [alert.severity for alert in told] == ["medium", "medium", "high", "info"]
