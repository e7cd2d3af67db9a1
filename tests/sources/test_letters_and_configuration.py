"""Dead letters and their limit; sources from a configuration; what is read ahead is bounded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stillwatch.errors import ConfigError
from stillwatch.sources import Body, dead_letters
from stillwatch.sources.config import Files, Kafka, Nats, Secret
from stillwatch.sources.configure import configured, open_source, secret_of
from stillwatch.sources.inbox import Inbox
from stillwatch.sources.letters import Limit, Tally, letter
from stillwatch.sources.protocol import Delivery

AT = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_letter_is_cut_and_shows_no_credential() -> None:
    sent = b'{"authorization": "Bearer abc.def", "prompt": "' + b"p" * 9000
    (kept,) = dead_letters("gateway", [letter("line 3", "not valid JSON", sent, "full")], AT)
    assert (kept.source, kept.position, kept.because, kept.at) == ("gateway", "line 3", "not valid JSON", AT)
    assert len(kept.excerpt) == 500
    assert "abc.def" not in kept.excerpt
    assert letter("line 3", "because", sent, "features").excerpt == ""
    assert "<email>" in letter("line 3", "because", b"jo@example.org", "redacted").excerpt


def test_a_source_is_paused_when_most_of_what_it_sends_is_rejected_and_trusted_again_later() -> None:
    tally = Tally(Limit(share=0.5, window=100))
    tally.add(0, 60)
    assert tally.too_many() is None  # too little was seen
    tally.add(40, 60, [letter("line 1", "missing account_id", None, "full")])
    assert "missing account_id" in (tally.too_many() or "")
    for _ in range(10):
        tally.add(100, 0)
    assert tally.too_many() is None
    assert (tally.accepted, tally.rejected) == (1040, 120)


def test_tables_become_sources_of_three_kinds() -> None:
    found = configured(
        [
            {"kind": "files", "name": "logs", "paths": ["/var/log/gateway"], "letters": {"share": 0.2}},
            {"kind": "nats", "name": "bus", "stream": "calls", "token": {"env": "TOKEN"}},
            {"kind": "kafka", "name": "log", "topics": ["calls"], "format": "litellm"},
        ]
    )
    assert [type(item) for item in found] == [Files, Nats, Kafka]
    assert found[0].letters.share == 0.2


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        configured(
            [
                {"kind": "file", "name": "a"},
                {"kind": "files", "name": "b", "path": ["x"], "paths": ["y"], "poll_s": 0},
                {"kind": "kafka", "name": "b", "topics": [], "properties": {"group.id": "x"}},
                {"kind": "nats", "name": "n", "format": "nosuch", "stream": "s"},
                {"kind": "nats", "name": "m"},
            ],
            "stillwatch.toml",
        )
    said = str(caught.value)
    for part in (
        "stillwatch.toml",
        "sources[1].kind",
        "sources[2].path, did you mean paths?",
        "sources[2].poll_s",
        "sources[3].topics is empty",
        "group.id is set by Stillwatch",
        "two sources are called 'b'",
        "nosuch",
        "sources[5]",
    ):
        assert part in said


def test_a_secret_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from a file\nnot this\n")
    monkeypatch.setenv("STILLWATCH_TEST_TOKEN", "from outside")
    assert secret_of(Secret(file=str(tmp_path / "token")), "x") == "from a file"
    assert secret_of(Secret(env="STILLWATCH_TEST_TOKEN"), "x") == "from outside"
    for wrong in (Secret(), Secret(file="a", env="b"), Secret(env="STILLWATCH_NO_SUCH"), Secret(file="/no/such")):
        with pytest.raises(ConfigError, match="x"):
            secret_of(wrong, "x")


@pytest.mark.parametrize(("package", "extra"), [("nats", "nats"), ("confluent_kafka", "kafka")])
def test_without_a_client_the_package_imports_and_the_error_names_the_extra(package: str, extra: str) -> None:
    program = f"""
import sys
sys.modules[{package!r}] = None
import stillwatch.sources
from stillwatch.sources.configure import configured, open_source
table = {{"kind": {extra!r}, "name": "x", "stream": "s", "topics": ["t"]}}
del table["topics" if {extra!r} == "nats" else "stream"]
try:
    open_source(configured([table])[0])
except stillwatch.errors.ConfigError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"stillwatch[{extra}]" in done.stdout


def delivery(size: int) -> Delivery:
    return Delivery(source="s", partition="p", position="1", body=Body(data=b"x" * size))


def test_what_is_read_ahead_is_bounded() -> None:
    async def story() -> None:
        inbox = Inbox(most_bytes=100, most=3)
        await inbox.put(delivery(1_000))  # one always fits
        assert inbox.full()
        blocked = asyncio.ensure_future(inbox.put(delivery(10)))
        await asyncio.sleep(0.01)
        assert not blocked.done()
        assert len(await inbox.take()) == 1
        await blocked
        for _ in range(2):
            await inbox.put(delivery(1))
        assert inbox.full()
        assert inbox.held() == 3

    asyncio.run(story())


def test_a_reader_that_breaks_is_not_silent() -> None:
    async def story() -> None:
        inbox = Inbox()
        inbox.fail(RuntimeError("broken"))
        with pytest.raises(RuntimeError, match="broken"):
            await inbox.take()

    asyncio.run(story())


def test_a_source_needs_no_broker_to_be_opened() -> None:
    assert open_source(Nats(name="bus", stream="s")).state().condition == "starting"
