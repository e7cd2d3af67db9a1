from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answering_server import Answer, serving
from hypothesis import given
from hypothesis import strategies as st
from written_alerts import AT, found

from stillwatch.alerts.channel import Target, UndeliveredError, checked_url, retry_after
from stillwatch.alerts.ndjson import File, append
from stillwatch.alerts.slack import Slack
from stillwatch.alerts.webhook import Webhook, message_id, sign, signed_headers, signing_key, verify
from stillwatch.errors import ConfigError, InputError

# the example every library of the specification is tested with
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published, to test with
NEXT_SECRET = "whsec_" + "QUJD" * 11


def refused(answer: Answer, timeout_s: float = 5.0) -> UndeliveredError:
    """How one attempt ends at a server that answers like this."""

    async def attempt() -> UndeliveredError:
        async with serving([answer]) as server:
            with pytest.raises(UndeliveredError) as caught:
                await Slack(Target(server.url(), timeout_s=timeout_s)).send(found())
            assert len(server.got) == 1
        return caught.value

    return asyncio.run(attempt())


def test_slack_gets_one_post_of_json_at_its_address() -> None:
    async def attempt() -> None:
        async with serving([200]) as server:
            await Slack(Target(server.url())).send(found())
            (got,) = server.got
            assert got.path == "/services/T0/B0/secret-token"
            assert got.headers["content-type"] == "application/json"
            assert json.loads(got.body)["blocks"][0]["type"] == "header"

    asyncio.run(attempt())


@pytest.mark.parametrize("answer", [500, 502, 503, 408, 425, 429, "close", "hang", "drip"])
def test_what_may_pass_is_tried_again(answer: Answer) -> None:
    assert refused(answer, 0.3).again


@pytest.mark.parametrize("answer", [301, 307, 400, 401, 403, 404, 410])
def test_what_is_refused_for_good_is_not_tried_again_and_no_redirect_is_followed(answer: Answer) -> None:
    assert not refused(answer).again


def test_a_server_that_is_not_there_may_come_back() -> None:
    with pytest.raises(UndeliveredError) as caught:
        asyncio.run(Slack(Target("http://127.0.0.1:1/x")).send(found()))
    assert caught.value.again


@pytest.mark.parametrize("answer", [500, 404, "close", "hang", (429, "7")])
def test_no_error_shows_the_address_that_holds_the_token(answer: Answer) -> None:
    error = refused(answer, 0.3)
    assert "secret-token" not in str(error)
    assert "secret-token" not in repr(error)
    assert error.__cause__ is None


def test_no_log_shows_the_address_that_holds_the_token(caplog: pytest.LogCaptureFixture) -> None:
    async def attempt() -> None:
        async with serving([200]) as server:
            await Slack(Target(server.url())).send(found())

    with caplog.at_level(logging.DEBUG):
        asyncio.run(attempt())
    assert "127.0.0.1" in caplog.text, "httpx logs no more, and this test is worth nothing"
    assert "secret-token" not in caplog.text


def test_a_receiver_says_how_long_to_wait() -> None:
    assert refused((429, "7")).after_s == 7.0
    assert refused((503, "30")).after_s == 30.0
    assert refused((404, "30")).after_s is None


def test_a_wait_may_be_a_date_and_is_never_longer_than_an_hour() -> None:
    assert retry_after("Fri, 20 Mar 2026 09:30:12 GMT", AT) == 12.0
    assert retry_after("Fri, 20 Mar 2026 09:00:00 GMT", AT) == 0.0
    assert retry_after("99999999999", AT) == 3600.0
    assert retry_after("Fri, 20 Mar 2099 09:00:00 GMT", AT) == 3600.0


@given(st.text(max_size=40))
def test_whatever_a_receiver_asks_for_is_a_sane_wait_or_nothing(value: str) -> None:
    wait = retry_after(value, AT)
    assert wait is None or 0.0 <= wait <= 3600.0


def test_the_signature_is_the_one_of_the_specification() -> None:
    signature = sign(signing_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_verify_what_was_sent_and_nothing_else() -> None:
    async def attempt() -> None:
        async with serving([200]) as server:
            hook = Webhook(Target(server.url()), keys=[signing_key(SECRET)], authorization="Splunk abc", now=lambda: AT)
            await hook.send(found())
            (got,) = server.got
        assert got.headers["authorization"] == "Splunk abc"
        assert verify(got.headers, got.body, [SECRET], AT) == message_id(found()) == got.headers["webhook-id"]
        assert verify(got.headers, got.body, [NEXT_SECRET, SECRET], AT + timedelta(seconds=299))
        for headers, body, secrets, at in (
            (got.headers, got.body + b" ", [SECRET], AT),
            (got.headers, got.body, [NEXT_SECRET], AT),
            (got.headers, got.body, [], AT),
            (got.headers, got.body, [SECRET], AT + timedelta(seconds=301)),
            (got.headers, got.body, [SECRET], AT - timedelta(seconds=301)),
            ({**got.headers, "webhook-id": "msg_other"}, got.body, [SECRET], AT),
            ({**got.headers, "webhook-timestamp": str(int(AT.timestamp()) + 1)}, got.body, [SECRET], AT),
            ({**got.headers, "webhook-timestamp": "now"}, got.body, [SECRET], AT),
            ({**got.headers, "webhook-signature": ""}, got.body, [SECRET], AT),
            ({**got.headers, "webhook-signature": got.headers["webhook-signature"][3:]}, got.body, [SECRET], AT),
        ):
            with pytest.raises(InputError):
                verify(headers, body, secrets, at)

    asyncio.run(attempt())


def test_while_a_secret_is_replaced_both_sign() -> None:
    headers = signed_headers([signing_key(SECRET), signing_key(NEXT_SECRET)], "msg_1", int(AT.timestamp()), b"{}")
    assert verify(headers, b"{}", [SECRET], AT) == verify(headers, b"{}", [NEXT_SECRET], AT) == "msg_1"


@given(st.binary(max_size=80), st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_nothing_made_up_verifies(body: bytes, signature: str, stamp: str, identity: str) -> None:
    headers = {"Webhook-Id": identity, "Webhook-Timestamp": stamp, "Webhook-Signature": f"v1,{signature}"}
    with pytest.raises(InputError):
        verify(headers, body, [SECRET], AT)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64!", "whsec_" + "QUJD" * 40])
def test_a_weak_or_broken_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        signing_key(secret, "alerts[0].secrets")
    assert "alerts[0].secrets" in str(caught.value)
    assert len(secret) < 8 or secret not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://user:pass@example.com/",
        "https://",
        "example.com",
        "https://example.com/a b",
        "https://example.com:port/",
        "https://example.com/\r\nx",
        "",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_url(url, "alerts[1].url")
    assert str(caught.value).startswith("alerts[1].url: ")
    assert "pass@" not in str(caught.value)


def test_the_attempt_and_not_the_alert_has_the_time_that_is_signed() -> None:
    async def attempt() -> None:
        times = iter([AT + timedelta(minutes=5), AT + timedelta(minutes=90)])
        async with serving([500, 200]) as server:
            hook = Webhook(Target(server.url()), keys=[signing_key(SECRET)], now=lambda: next(times, datetime.now(UTC)))
            with pytest.raises(UndeliveredError):
                await hook.send(found())
            times = iter([AT + timedelta(minutes=90)])
            await hook.send(found())
            first, second = server.got
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
        assert first.body == second.body

    asyncio.run(attempt())


def test_a_file_grows_by_whole_lines_even_after_a_crash_tore_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "alerts.ndjson"
    asyncio.run(File(path).send(found()))
    with path.open("ab") as file:
        file.write(b'{"torn": ')
    asyncio.run(File(path).send(found()))
    lines = path.read_bytes().split(b"\n")
    assert [bool(line) for line in lines] == [True, True, True, False]
    assert json.loads(lines[0]) == json.loads(lines[2])
    assert path.stat().st_mode & 0o007 == 0


def test_a_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(UndeliveredError) as caught:
        asyncio.run(File(tmp_path).send(found()))
    assert caught.value.again


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(OSError, match="space"):
        append(Path("/dev/full"), b"line\n")
