from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_alerts import AT

from stillwatch.alerts.health import Health, State, Thresholds, health
from stillwatch.errors import ConfigError

LIMITS = Thresholds()


def state(after_s: float = 0, **changes: object) -> State:
    at = AT + timedelta(seconds=after_s)
    values: dict[str, object] = {
        "at": at,
        "started_at": AT - timedelta(days=1),
        "newest_stored_at": at,
        "last_mined_at": at,
        "snapshot_at": at,
        "coverage": {"network": 0.9, "client": 0.02},
        "usual_coverage": {"network": 0.95, "client": 0.03},
        "recent_exchanges": 10_000,
    }
    return State(**{**values, **changes})


def ago(seconds: float) -> object:
    return AT - timedelta(seconds=seconds)


def matters(found: Health) -> list[tuple[str, str]]:
    return [(reason.matter, reason.status) for reason in found.reasons]


def test_a_service_in_order_is_ok_and_knows_everything() -> None:
    found = health(state(), LIMITS)
    assert (found.status, found.reasons, found.unknown) == ("ok", (), ())


@pytest.mark.parametrize(
    ("changes", "matter", "status"),
    [
        ({"store_answers": False}, "store_away", "failing"),
        ({"oldest_unscored_at": ago(61)}, "detection_stale", "degraded"),
        ({"oldest_unscored_at": ago(901)}, "detection_stale", "failing"),
        ({"last_mined_at": ago(7300)}, "mining_stale", "degraded"),
        ({"last_mined_at": None}, "mining_stale", "degraded"),
        ({"mining_failures": 2}, "mining_failing", "degraded"),
        ({"newest_stored_at": ago(901)}, "silent", "degraded"),
        ({"newest_stored_at": None, "last_mined_at": None}, "silent", "degraded"),
        ({"lag_s": {"nats": 601.0, "http": 3.0}}, "ingest_late", "degraded"),
        ({"recent_dead_letters": 200}, "dead_letters", "degraded"),
        ({"coverage": {"network": 0.4, "client": 0.0}}, "coverage_lost.network", "degraded"),
        ({"snapshot_at": ago(121)}, "snapshot_stale", "degraded"),
        ({"undelivered_alerts": 1}, "alerts_undelivered", "degraded"),
    ],
)
def test_each_doubt_is_found_alone(changes: dict[str, object], matter: str, status: str) -> None:
    found = health(state(**changes), LIMITS)
    assert matters(found) == [(matter, status)]
    assert found.status == status


@pytest.mark.parametrize(
    "changes",
    [
        {"oldest_unscored_at": ago(60)},
        {"mining_failures": 1},
        {"recent_dead_letters": 19, "recent_exchanges": 0},
        {"recent_dead_letters": 100},
        {"coverage": {"network": 0.48, "client": 0.0}},
        {"coverage": {"client": 0.0}},
        {"coverage": None},
        {"usual_coverage": None},
    ],
)
def test_what_lies_within_limits_or_is_unknown_is_no_doubt(changes: dict[str, object]) -> None:
    assert health(state(**changes), LIMITS).status == "ok"


def test_what_cannot_be_known_yet_is_said() -> None:
    fresh = health(State(at=AT, started_at=AT), LIMITS)
    assert fresh.status == "ok"
    assert len(fresh.unknown) == 4


def test_a_matter_keeps_the_time_it_began_and_flapping_is_one_matter() -> None:
    looked = health(state(store_answers=False), LIMITS)
    for after_s, answers in ((60, False), (120, True), (180, False), (240, True), (300, True)):
        looked = health(state(after_s, store_answers=answers), LIMITS, looked)
        assert looked.over == ()
        (reason,) = (*looked.reasons, *looked.settling)
        assert reason.since == AT
    looked = health(state(240 + 300), LIMITS, looked)
    assert [one.since for one in looked.over] == [AT]
    again = health(state(600, store_answers=False), LIMITS, looked)
    assert again.reasons[0].since == AT + timedelta(seconds=600)
    assert again.over == again.settling == ()


def test_health_survives_the_wire() -> None:
    looked = health(state(store_answers=False), LIMITS)
    assert msgspec.json.decode(msgspec.json.encode(looked), type=Health) == looked


@given(st.floats(min_value=0, max_value=1e6), st.floats(min_value=0, max_value=1e6))
def test_waiting_longer_is_never_better(one: float, other: float) -> None:
    order = ("ok", "degraded", "failing")
    less, more = (
        order.index(health(state(oldest_unscored_at=ago(age)), LIMITS).status) for age in sorted((one, other))
    )
    assert less <= more


@pytest.mark.parametrize("wrong", [{"unscored_s": -1.0}, {"dead_share": 1.5}, {"unscored_failing_s": 1.0}])
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Thresholds(**wrong)
