from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest
from answering_server import serving
from hypothesis import given, settings
from hypothesis import strategies as st
from written_alerts import AT, numbered

from stillwatch.alerts.alert import Alert
from stillwatch.alerts.channel import Channel, Target, UndeliveredError
from stillwatch.alerts.journal import Journal
from stillwatch.alerts.outbox import Outbox, Patience, Wanted, wait_s
from stillwatch.alerts.slack import Slack
from stillwatch.errors import StillwatchError

QUICK = Patience(first_s=0.01, longest_s=0.05)


class Told:
    """The store's memory of keys."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def first_alert(self, key: str, at: datetime) -> bool:
        assert at.tzinfo is not None
        first = key not in self.keys
        self.keys.add(key)
        return first


class Inbox:
    """A channel that takes everything, or what ``fails`` lets it."""

    def __init__(self, *fails: UndeliveredError) -> None:
        self.got: list[str] = []
        self.fails = list(fails)

    async def send(self, alert: Alert) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise self.fails.pop(0)
        self.got.append(alert.key)


def outbox(
    channel: Channel, folder: Path, told: Told | None = None, wanted: Wanted | None = None, patience: Patience = QUICK
) -> Outbox:
    known = told or Told()
    return Outbox({"one": (channel, wanted or Wanted())}, folder, known.first_alert, patience=patience, now=lambda: AT)


def running(made: Callable[[], Outbox], work: Callable[[Outbox], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        box = made()
        task = asyncio.create_task(box.run())
        try:
            await asyncio.wait_for(work(box), 20)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(all_of_it())


def test_the_same_alert_is_delivered_once(tmp_path: Path) -> None:
    inbox, told = Inbox(), Told()

    async def work(box: Outbox) -> None:
        assert box.put([numbered(1), numbered(1)], AT) == 1
        assert box.put([numbered(1)], AT) == 0
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path, told), work)
    running(lambda: outbox(inbox, tmp_path, told), _nothing_new)
    assert inbox.got == [numbered(1).key]


async def _nothing_new(box: Outbox) -> None:
    assert box.put([numbered(1)], AT) == 0
    assert box.counts["one", "repeated"] == 1
    assert await box.drain(5)


def test_an_alert_survives_failures_of_every_kind_over_real_http(tmp_path: Path) -> None:
    async def all_of_it() -> None:
        async with serving([500, "close", (429, "1"), "hang", 502, 200]) as server:
            box = outbox(Slack(Target(server.url(), timeout_s=0.3)), tmp_path)
            task = asyncio.create_task(box.run())
            box.put([numbered(1)], AT)
            assert await box.drain(15)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert len(server.got) >= 6  # a slow machine may time out once more
            assert box.counts["one", "failed"] >= 5
            assert box.counts["one", "delivered"] == 1

    asyncio.run(all_of_it())


def test_a_crash_before_delivery_loses_nothing(tmp_path: Path) -> None:
    told = Told()

    async def crashing() -> None:
        box = outbox(Inbox(), tmp_path, told)
        box.put([numbered(1), numbered(2)], AT)  # never run: the process is gone

    asyncio.run(crashing())
    inbox = Inbox()

    async def work(box: Outbox) -> None:
        assert box.put([numbered(1)], AT) == 0
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path, told), work)
    assert sorted(inbox.got) == [numbered(1).key, numbered(2).key]
    assert Journal(tmp_path / "alerts.journal").pending == {}


KILLED = """
import asyncio, os, pathlib, signal, sys
from stillwatch.alerts.outbox import Outbox, Wanted
from written_alerts import AT, numbered

class Dying:
    async def send(self, alert):
        os.kill(os.getpid(), signal.SIGKILL)

async def work():
    box = Outbox({"one": (Dying(), Wanted())}, pathlib.Path(sys.argv[1]), lambda *_: True)
    box.put([numbered(n) for n in range(5)], AT)
    await box.run()

asyncio.run(work())
"""


def test_a_process_killed_while_it_sends_loses_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    inbox = Inbox()

    async def work(box: Outbox) -> None:
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path), work)
    assert sorted(inbox.got) == [numbered(n).key for n in range(5)]


def test_a_crash_between_the_journal_and_the_store_loses_nothing(tmp_path: Path) -> None:
    Journal(tmp_path / "alerts.journal").add([(numbered(1), ["one"])])
    inbox = Inbox()

    async def work(box: Outbox) -> None:
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path), work)
    assert inbox.got == [numbered(1).key]


def test_a_store_that_is_away_keeps_no_alert_back(tmp_path: Path) -> None:
    class Away(Told):
        def first_alert(self, key: str, at: datetime) -> bool:
            raise StillwatchError(f"away: {key} {at}")

    inbox = Inbox()

    async def work(box: Outbox) -> None:
        for _ in range(2):
            box.put([numbered(1)], AT)
            assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path, Away()), work)
    assert inbox.got == [numbered(1).key]


def test_what_is_refused_for_good_is_kept_where_a_person_finds_it(tmp_path: Path) -> None:
    inbox = Inbox(UndeliveredError("host: HTTP 404, refused", again=False))

    async def work(box: Outbox) -> None:
        box.put([numbered(1)], AT)
        assert await box.drain(5)
        assert box.undelivered() == 1
        box.put([numbered(2)], AT)
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path), work)
    (line,) = (tmp_path / "alerts-undelivered.ndjson").read_text().splitlines()
    assert json.loads(line)["alert"]["key"] == numbered(1).key
    assert json.loads(line)["because"] == "host: HTTP 404, refused"
    assert inbox.got == [numbered(2).key]


def test_a_channel_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async def all_of_it() -> None:
        inbox = Inbox()
        async with serving(["hang"]) as server:
            channels: dict[str, tuple[Channel, Wanted]] = {
                "hangs": (Slack(Target(server.url(), timeout_s=15)), Wanted()),
                "works": (inbox, Wanted()),
            }
            box = Outbox(channels, tmp_path, Told().first_alert)
            task = asyncio.create_task(box.run())
            box.put([numbered(n) for n in range(20)], AT)
            while box.pending()["works"]:  # noqa: ASYNC110 - the outbox signals nothing
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert len(inbox.got) == 20
        assert box.pending()["hangs"] == 20

    asyncio.run(asyncio.wait_for(all_of_it(), 20))


def test_an_alert_that_waits_for_its_next_attempt_holds_up_no_other(tmp_path: Path) -> None:
    inbox = Inbox(UndeliveredError("host: HTTP 500", again=True))

    async def work(box: Outbox) -> None:
        box.put([numbered(1, "critical"), numbered(2, "low")], AT)
        while len(inbox.got) < 1:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)

    running(lambda: outbox(inbox, tmp_path, patience=Patience(first_s=60)), work)
    assert inbox.got == [numbered(2).key]


def test_a_channel_asked_for_patience_is_left_alone(tmp_path: Path) -> None:
    inbox = Inbox(UndeliveredError("host: HTTP 429", again=True, after_s=60))

    async def work(box: Outbox) -> None:
        box.put([numbered(1, "critical"), numbered(2, "low")], AT)
        await asyncio.sleep(0.2)

    running(lambda: outbox(inbox, tmp_path), work)
    assert inbox.got == []
    assert len(Journal(tmp_path / "alerts.journal").pending) == 2


def test_the_most_severe_goes_first(tmp_path: Path) -> None:
    inbox = Inbox()

    async def work(box: Outbox) -> None:
        box.put([numbered(1, "low"), numbered(2, "critical"), numbered(3, "medium")], AT)
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path), work)
    assert inbox.got == [numbered(n).key for n in (2, 3, 1)]


def test_a_channel_is_sent_what_it_asked_for(tmp_path: Path) -> None:
    inbox = Inbox()

    async def work(box: Outbox) -> None:
        box.put([numbered(1, "low"), numbered(2, "high")], AT)
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path, wanted=Wanted(least="medium")), work)
    assert inbox.got == [numbered(2).key]


def test_an_outage_fills_no_disk_and_the_least_severe_go_first(tmp_path: Path) -> None:
    async def crowded() -> None:
        box = outbox(Inbox(), tmp_path, patience=Patience(most_pending=3))
        box.put([numbered(n, "low" if n % 2 else "high") for n in range(6)], AT)
        assert box.pending() == {"one": 3}

    asyncio.run(crowded())
    kept = Journal(tmp_path / "alerts.journal").pending
    assert sorted(kept) == [numbered(n).key for n in (0, 2, 4)]
    assert len((tmp_path / "alerts-undelivered.ndjson").read_text().splitlines()) == 3


def test_a_channel_taken_out_of_the_configuration_leaves_its_alerts_with_a_person(tmp_path: Path) -> None:
    Journal(tmp_path / "alerts.journal").add([(numbered(1), ["gone", "one"])])
    inbox = Inbox()

    async def work(box: Outbox) -> None:
        assert await box.drain(5)

    running(lambda: outbox(inbox, tmp_path), work)
    assert inbox.got == [numbered(1).key]
    assert "not configured" in (tmp_path / "alerts-undelivered.ndjson").read_text()
    assert Journal(tmp_path / "alerts.journal").pending == {}


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1))
def test_waits_grow_to_a_limit_and_never_vanish(attempt: int, draw: float) -> None:
    patience = Patience()
    wait = wait_s(attempt, patience, draw)
    assert 0.5 * min(patience.longest_s, patience.first_s) <= wait <= patience.longest_s
    assert wait_s(attempt + 1, patience, draw) >= wait


@settings(max_examples=30)  # every example writes to disk
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["add", "a", "b"])), max_size=30), st.integers(0, 400))
def test_a_journal_cut_anywhere_still_reads_and_forgets_at_most_its_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]], cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = Journal(path)
    for number, step in steps:
        if step == "add":
            journal.add([(numbered(number), ["a", "b"])])
        else:
            journal.done(numbered(number).key, step)
    if path.exists():
        assert Journal(path).pending == journal.pending
        whole = path.read_bytes()
        kept = whole[: max(0, len(whole) - cut)]
        path.write_bytes(kept)
        torn = Journal(path)
        assert torn.torn <= 1
        lines = kept[: kept.rfind(b"\n") + 1]
        path.write_bytes(lines)
        if torn.torn or lines == kept:  # else the cut took the line's end alone, and the line counts
            assert Journal(path).pending == torn.pending


def test_a_long_journal_is_rewritten_and_keeps_what_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillwatch.alerts.journal._COMPACT_FROM", 500)
    journal = Journal(tmp_path / "journal")
    journal.add([(numbered(0), ["a"])])
    for number in range(1, 50):
        journal.add([(numbered(number), ["a"])])
        journal.done(numbered(number).key, "a")
    assert (tmp_path / "journal").stat().st_size < 3000
    assert list(Journal(tmp_path / "journal").pending) == [numbered(0).key]
