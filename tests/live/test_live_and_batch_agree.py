from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from live_services import batch_of, intake_at, offered
from stillwatch import api
from stillwatch.clock import now
from stillwatch.compose import World, write_world
from stillwatch.config import Config, Ingest, Live
from stillwatch.live.miner import Miner
from stillwatch.live.replay import Event, Pace, events, play
from stillwatch.live.watch import Watch
from stillwatch.model import Campaign
from stillwatch.policy.backtest import Replay, Terms
from stillwatch.policy.compile import compile_policy, policy_text
from stillwatch.store import PolicyVersion, open_store

EAGER = """
version = "eager"
[defaults]
min_confidence = 0.5
min_probability = 0.5
jitter_s = 60
[[rules]]
name = "ask"
action = "challenge"
verdicts = ["extraction", "resale", "coordinated"]
who = ["accused", "recognised"]
[[rules]]
name = "look"
action = "observe"
verdicts = ["extraction", "resale", "coordinated"]
who = ["accused", "recognised", "possible"]
"""


def told(campaigns: tuple[Campaign, ...] | list[Campaign]) -> list[tuple[Any, ...]]:
    rows: list[Any] = [
        (c.verdict, c.confidence, sorted((m.account_id, m.probability, m.accused) for m in c.roster), c.exchanges)
        for c in campaigns
    ]
    return sorted(rows)


def test_the_same_world_gives_the_same_campaigns_live_and_in_batch(tiny_world: World, tmp_path: Path) -> None:
    write_world(tiny_world, tmp_path / "world")
    config = Config(ingest=Ingest(salt="salt"), live=Live(state=str(tmp_path / "live")))
    report = api.scan(
        tmp_path / "world" / "exchanges.parquet", accounts=tmp_path / "world" / "accounts.parquet", config=config
    )
    store = open_store(tmp_path / "live.sqlite")
    watch = Watch(store, b"key", 0.1)
    watch.put_accounts(tiny_world.accounts.to_pylist())
    shuffled = batch_of(tiny_world.exchanges).take(pa.array(range(tiny_world.exchanges.num_rows - 1, -1, -1)))
    with intake_at(tmp_path / "live", store=store) as intake:
        for start in range(0, shuffled.num_rows, 700):  # late, out of order, and some of it twice
            offered(intake, shuffled.slice(start, 900))
        miner = Miner(store, intake._log, intake, watch, config, tmp_path / "live", lambda _: None)
        turn = miner.mine_once(now())
        assert [event.kind for event in turn.events] == ["found"] * len(report.campaigns)
        assert told([known.campaign for known in watch.known()]) == told(report.campaigns)
        assert report.campaigns
        again = miner.mine_once(now())
        assert again.events == ()


@pytest.fixture(scope="module")
def history(tiny_prints: pa.Table, tiny_world: World) -> list[Event]:
    pace = Pace(slice=timedelta(hours=12), mine_every=timedelta(days=7))
    return list(events(tiny_prints, tiny_world.accounts, Config(), pace))


def test_a_history_holds_every_exchange_once_and_nothing_of_the_future(
    history: list[Event], tiny_prints: pa.Table
) -> None:
    assert sum(event.prints.num_rows for event in history) == tiny_prints.num_rows
    for event in history:
        assert all(at < event.at for at in event.prints.column("at").to_pylist())
        if event.mined is not None:
            assert event.mined.result.input.last < event.at
    assert history[-1].mined is not None


@pytest.mark.parametrize("mode", ["shadow", "staged", "armed"])
def test_a_backtest_decides_what_live_decided(history: list[Event], tiny_world: World, mode: str) -> None:
    terms = Terms(mode=mode, share=0.5, key=b"secret")  # type: ignore[arg-type]
    played = play(history, tiny_world.accounts, EAGER, terms)
    assert played.decisions, "a history in which nothing is decided would show nothing"
    replay = Replay(compile_policy(EAGER)[0], terms)
    for step in played.steps:
        replay.take(step)
    live = {(d.decision_id, d.starts_at, d.action, d.simulated, d.held) for d in played.decisions}
    assert {(d.decision_id, d.starts_at, d.action, d.simulated, d.held) for d in replay.decisions} == live


def test_arming_is_never_done_by_a_start(tmp_path: Path) -> None:
    from stillwatch.serve.running import install_policy

    store = open_store(tmp_path / "store.sqlite")
    install_policy(store, "standard")
    assert [(v.mode, v.active) for v in store.policies()] == [("shadow", True)]
    store.set_mode(store.policies()[0].digest, "armed")
    install_policy(store, "cautious")
    assert len(store.policies()) == 1
    store.close()


def test_rules_that_touch_too_many_vouched_accounts_go_back_to_shadow(history: list[Event], tmp_path: Path) -> None:
    mined = next(event.mined for event in reversed(history) if event.mined is not None)
    accused = {m.account_id for c in mined.result.campaigns for m in c.roster if m.accused}
    assert accused
    text = EAGER.replace("jitter_s = 60", "jitter_s = 0")
    policy, _ = compile_policy(text)
    store = open_store(tmp_path / "store.sqlite")
    at = history[-1].at
    store.put_policy(
        PolicyVersion(digest=policy.digest, text=text, added_at=at, added_by="t", mode="armed", active=True)
    )
    watch = Watch(store, b"key", 1.0)
    watch.mined(mined, at)
    enforced = [d for d in store.decisions() if not d.simulated and not d.held and d.action == "challenge"]
    assert enforced
    rows = [{"platform": d.platform, "account_id": d.account_id, "plan": "enterprise"} for d in enforced]
    watch.put_accounts(rows)  # somebody signed contracts with them
    turn = watch.decide_again(at + timedelta(hours=1))
    assert turn.disarmed is not None
    assert store.policies()[0].mode == "shadow"
    standing = [d for d in store.decisions(live_at=at + timedelta(hours=1)) if not d.simulated]
    assert standing == []
    assert store.audit()[-1].what == "policy.disarm"
    store.close()


def test_shipped_rules_are_read_by_name() -> None:
    assert "version" in policy_text("standard")
