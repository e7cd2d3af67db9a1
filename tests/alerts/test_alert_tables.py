from __future__ import annotations

import asyncio
import json
import tomllib
from pathlib import Path

import pytest
from written_alerts import found

from stillwatch.alerts.configure import AlertTable, open_channels, read_alerts
from stillwatch.alerts.slack import Slack
from stillwatch.alerts.webhook import Webhook
from stillwatch.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"
SECRETS = {
    "env:STILLWATCH_SLACK": "https://hooks.slack.example/services/T0/B0/token\n",
    "env:STILLWATCH_HOOK": "https://hooks.example/in",
    "env:STILLWATCH_HOOK_KEY": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "file:/run/secrets/siem_url": "https://siem.example/in",
    "file:/run/secrets/siem_token": "Bearer abc",
}


def read(text: str) -> object:
    return tomllib.loads(text)["alerts"]


def documented() -> str:
    return DOCS.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]


def test_the_configuration_in_the_documents_opens(tmp_path: Path) -> None:
    tables = read_alerts(read(documented()))
    channels = open_channels(tables, SECRETS.__getitem__, folder=tmp_path, console="https://console.example")
    assert len(channels) == len(tables) == 4
    assert {type(channel) for channel, _ in channels.values()} >= {Slack, Webhook}
    assert channels["on-call"][1].pace_s == 1.0
    asyncio.run(channels["archive"][0].send(found()))
    line = json.loads((tmp_path / "alerts.ndjson").read_text())
    assert line["class_uid"] == 2004
    assert line["finding_info"]["src_url"] == "https://console.example/campaigns/c-7f3a"


def test_every_key_of_a_table_is_documented() -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert [name for name in AlertTable.__struct_fields__ if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[alerts]]\nkind = "slak"\nurl = "env:X"', "alerts[0]"),
        ('[[alerts]]\nkind = "slack"', "alerts[0].url: is missing"),
        (
            '[[alerts]]\nkind = "slack"\nurl = "https://hooks.slack.com/services/T/B/token"',
            "write env:NAME or file:PATH",
        ),
        ('[[alerts]]\nkind = "webhook"\nurl = "env:X"\nsecrets = ["whsec_abc"]', "alerts[0].secrets"),
        ('[[alerts]]\nkind = "webhook"\nurl = "env:X"\nauthorization = "Bearer abc"', "alerts[0].authorization"),
        ('[[alerts]]\nkind = "slack"\nurl = "env:X"\nformat = "ocsf"', "a slack channel has no use for it"),
        ('[[alerts]]\nkind = "file"', "alerts[0].path"),
        ('[[alerts]]\nkind = "file"\npath = "a"\nleest = "low"', "alerts[0].leest: unknown key, did you mean least?"),
        ('[[alerts]]\nkind = "file"\npath = "a"\nevents = ["campaign.fond"]', "did you mean 'campaign.found'?"),
        ('[[alerts]]\nkind = "file"\npath = "a"\nleast = "loud"', "alerts[0]"),
        (
            '[[alerts]]\nkind = "file"\npath = "a"\nname = "x"\n[[alerts]]\nkind = "file"\npath = "b"\nname = "x"',
            "taken",
        ),
        ('[alerts]\nkind = "file"', "write [[alerts]]"),
    ],
)
def test_what_is_wrong_is_said_at_its_key_and_no_secret_is_shown(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_alerts(read(text), "stillwatch.toml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("stillwatch.toml: ")
    assert "token" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_all_errors_are_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        read_alerts(read('[[alerts]]\nkind = "slack"\n[[alerts]]\nkind = "file"\n[[alerts]]\nkind = "fax"'))
    assert all(f"alerts[{number}]" in str(caught.value) for number in range(3))


def test_a_secret_that_cannot_be_used_is_an_error_at_its_key(tmp_path: Path) -> None:
    tables = read_alerts(read('[[alerts]]\nkind = "webhook"\nurl = "env:URL"\nsecrets = ["env:KEY"]'))
    for values, key in (
        ({"env:URL": "http://plain.example/token", "env:KEY": SECRETS["env:STILLWATCH_HOOK_KEY"]}, "alerts[0].url"),
        ({"env:URL": "https://fine.example/", "env:KEY": "whsec_abcd"}, "alerts[0].secrets"),
    ):
        with pytest.raises(ConfigError) as caught:
            open_channels(tables, values.__getitem__, folder=tmp_path)
        assert str(caught.value).startswith(key)
        assert "token" not in str(caught.value)


def test_topics_and_matters_choose_what_is_sent(tmp_path: Path) -> None:
    tables = read_alerts(read('[[alerts]]\nkind = "file"\npath = "a"\nevents = ["health", "campaign.found"]'))
    ((_, wanted),) = open_channels(tables, str, folder=tmp_path).values()
    assert wanted.matters == {"health.doubt", "health.over", "campaign.found"}
