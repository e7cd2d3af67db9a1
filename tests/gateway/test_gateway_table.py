from __future__ import annotations

import subprocess
import sys
from threading import Event, Thread

import pytest
from decided import HOUR_US, NOON_US, decision, snapshot, table_of

from stillwatch.errors import ConfigError, InputError
from stillwatch.gateway import table as table_module
from stillwatch.gateway.snapshot import Snapshot, Stamp
from stillwatch.gateway.table import PASS, Table

SECOND_US = 1_000_000


def delta(base: int, version: int, *decisions: object, removed: tuple[tuple[str, str], ...] = ()) -> Snapshot:
    rows = snapshot(*decisions).rows
    return Snapshot(stamp=Stamp(0, version), made_us=NOON_US, base=base, rows=rows, removed=removed)


def test_an_account_of_which_nothing_is_decided_passes_as_one_constant() -> None:
    table = table_of(decision("crow"))
    assert table.decide("api", "wren", NOON_US) is PASS
    assert table.decide("bedrock", "crow", NOON_US) is PASS


@pytest.mark.parametrize(
    ("action", "passes"),
    [("observe", True), ("watermark", True), ("withhold_reasoning", True), ("challenge", False), ("deny", False)],
)
def test_every_action_of_the_ladder_says_whether_the_exchange_may_go_on(action: str, *, passes: bool) -> None:
    answer = table_of(decision(action=action)).decide("api", "crow", NOON_US)
    assert (answer.passes, answer.action, answer.why, answer.decision_id) == (
        passes,
        action,
        "decided",
        f"d-crow-{action}",
    )


def test_a_simulated_decision_stops_nothing_and_says_what_would_have_been() -> None:
    for action in ("deny", "challenge", "throttle"):
        table = table_of(decision(action=action, simulated=True))
        for _ in range(100):
            answer = table.decide("api", "crow", NOON_US)
            assert (answer.passes, answer.action, answer.would, answer.why) == (True, "observe", action, "simulated")


def test_a_decision_holds_from_its_start_and_up_to_its_end() -> None:
    table = table_of(decision(starts_h=1, ends_h=2), stale_after_s=1e6)
    held = [table.decide("api", "crow", NOON_US + at).passes for at in (HOUR_US - 1, HOUR_US, 2 * HOUR_US - 1)]
    assert held == [True, False, False]
    assert table.decide("api", "crow", NOON_US + 2 * HOUR_US) is PASS


def test_a_throttled_account_gets_a_minute_at_once_and_then_its_rate() -> None:
    table = table_of(decision(action="throttle", value=120.0), stale_after_s=1e6)
    first = [table.decide("api", "crow", NOON_US).passes for _ in range(5)]
    assert first == [True, True, False, False, False]
    refused = table.decide("api", "crow", NOON_US)
    assert (refused.action, refused.retry_after_s) == ("throttle", pytest.approx(30.0))
    assert not table.decide("api", "crow", NOON_US + 29 * SECOND_US).passes
    assert table.decide("api", "crow", NOON_US + 30 * SECOND_US).passes


@pytest.mark.parametrize(("value", "share"), [(60.0, 1.0), (0.5, 1.0), (3_600.0, 0.25), (1_800.0, 1.0)])
def test_over_a_day_of_asking_a_throttled_account_gets_its_rate_and_no_more(value: float, share: float) -> None:
    table = table_of(decision(action="throttle", value=value, ends_h=48), stale_after_s=1e6, share=share)
    asked = range(0, 24 * HOUR_US, 20 * SECOND_US if value < 100 else SECOND_US)
    passed = sum(table.decide("api", "crow", NOON_US + at).passes for at in asked)
    expected = 24 * value * share
    assert expected <= passed <= expected + max(1.0, value * share / 60) + 1


def test_asking_without_spending_takes_nothing_and_a_clock_that_goes_back_gives_nothing() -> None:
    table = table_of(decision(action="throttle", value=60.0, starts_h=-2), stale_after_s=1e6)
    assert all(table.decide("api", "crow", NOON_US, spend=False).passes for _ in range(10))
    assert table.decide("api", "crow", NOON_US).passes
    for back_us in (HOUR_US // 2, 0, 5 * SECOND_US):
        assert not table.decide("api", "crow", NOON_US - back_us).passes


def test_throttled_accounts_do_not_share_a_bucket_and_threads_do() -> None:
    table = table_of(decision("a", "throttle", value=6_000.0), decision("b", "throttle", value=60.0))
    passed: list[bool] = []
    threads = [
        Thread(target=lambda: passed.extend(table.decide("api", "a", NOON_US).passes for _ in range(500)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 100
    assert table.decide("api", "b", NOON_US).passes


def test_before_the_first_snapshot_the_table_is_open_or_closed_as_configured() -> None:
    opened = Table().decide("api", "crow", NOON_US)
    closed = Table(on_missing="closed").decide("api", "crow", NOON_US)
    assert (opened.passes, opened.why) == (True, "no table yet")
    assert (closed.passes, closed.action, closed.why) == (False, None, "no table yet")


@pytest.mark.parametrize(
    ("on_stale", "crow", "wren"), [("open", True, True), ("closed", False, False), ("keep", False, True)]
)
def test_a_table_that_has_heard_nothing_for_long_does_as_configured(on_stale: str, *, crow: bool, wren: bool) -> None:
    table = table_of(decision(), stale_after_s=60.0, on_stale=on_stale)
    fresh, stale = NOON_US + 60 * SECOND_US, NOON_US + 61 * SECOND_US
    assert [table.decide("api", name, fresh).passes for name in ("crow", "wren")] == [False, True]
    assert [table.decide("api", name, stale).passes for name in ("crow", "wren")] == [crow, wren]
    assert table.status(stale).stale
    assert not table.status(fresh).stale
    table.heard(stale)
    assert [table.decide("api", name, stale).passes for name in ("crow", "wren")] == [False, True]


def test_fail_closed_accuses_nobody() -> None:
    answer = table_of(decision(), stale_after_s=1.0, on_stale="closed").decide("api", "wren", NOON_US + HOUR_US)
    assert (answer.passes, answer.action, answer.decision_id) == (False, None, "")


def test_two_gateways_with_snapshots_of_different_age_each_answer_by_their_own() -> None:
    behind, ahead = table_of(decision()), table_of(decision())
    ahead.apply(delta(1, 2, removed=(("api", "crow"),)), NOON_US)
    assert not behind.decide("api", "crow", NOON_US).passes
    assert ahead.decide("api", "crow", NOON_US) is PASS
    assert (behind.status(NOON_US).version, ahead.status(NOON_US).version) == (1, 2)


def test_an_undone_decision_is_gone_with_the_delta_that_says_so_and_may_come_back() -> None:
    table = table_of(decision(), decision("jay"))
    table.apply(delta(1, 2, removed=(("api", "crow"),)), NOON_US)
    assert (table.decide("api", "crow", NOON_US), table.status(NOON_US).accounts) == (PASS, 1)
    table.apply(delta(2, 3, decision("crow"), decision("kite")), NOON_US)
    assert not table.decide("api", "crow", NOON_US).passes
    assert table.status(NOON_US).accounts == 3


def test_a_delta_that_does_not_fit_or_is_older_changes_nothing() -> None:
    table = table_of(decision())
    with pytest.raises(InputError, match="does not fit"):
        table.apply(delta(7, 8), NOON_US)
    with pytest.raises(InputError, match="does not fit"):
        Table().apply(delta(0, 1), NOON_US)
    with pytest.raises(InputError, match="older"):
        table.apply(snapshot(version=0), NOON_US)
    assert not table.decide("api", "crow", NOON_US).passes


def test_deltas_fold_into_the_rows_without_changing_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "_FOLD_FROM", 10)
    table = table_of(*(decision(f"a{n}") for n in range(40)))
    for version in range(1, 60):
        gone = (("api", f"a{version % 40}"),)
        table.apply(delta(version, version + 1, decision(f"b{version}"), removed=gone), NOON_US)
    assert [table.decide("api", f"a{n}", NOON_US).passes for n in range(40)] == [True] * 40
    assert not any(table.decide("api", f"b{n}", NOON_US).passes for n in range(1, 60))
    assert table.status(NOON_US).accounts == 59
    assert sum(map(len, table._state.layer.values())) < 60


def test_readers_see_the_old_table_or_the_new_one_and_never_a_mixture() -> None:
    """In every version both accounts are denied under the version's id, so two look-ups in one version agree."""
    table = table_of(decision("a", decision_id="1"), decision("b", decision_id="1"))
    stop, seen = Event(), []

    def read() -> None:
        while not stop.is_set():
            state = table._state
            frozen = Table()
            frozen._state = state
            seen.append(
                frozen.decide("api", "a", NOON_US).decision_id == frozen.decide("api", "b", NOON_US).decision_id
            )

    reader = Thread(target=read)
    reader.start()
    for version in range(2, 300):
        one, other = (decision(name, decision_id=str(version)) for name in "ab")
        table.apply(delta(version - 1, version, one, other), NOON_US)
    stop.set()
    reader.join()
    assert seen
    assert all(seen)


def test_a_wrong_configuration_is_refused_at_once() -> None:
    for wrong in ({"stale_after_s": 0}, {"share": 0.0}, {"on_stale": "shut"}, {"on_missing": "keep"}):
        with pytest.raises(ConfigError):
            Table(**wrong)


def test_a_gateway_loads_neither_engines_nor_other_gateways() -> None:
    heavy = "pyarrow numba duckdb litellm grpc httpx litestar"
    code = (
        "import sys, stillwatch.gateway, stillwatch.gateway.client, stillwatch.gateway.asgi,"
        "stillwatch.gateway.litellm_http, stillwatch.gateway.portkey;"
        f"print(*set({heavy.split()!r}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
