"""One alert in every format, against golden files: ``python tests/alerts/test_alert_formats.py`` writes them anew."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_alerts import AT, campaign, decision, found, hostile

from stillwatch.alerts import ecs, ocsf
from stillwatch.alerts.alert import MATTERS, SEVERITIES, Alert, alerts
from stillwatch.alerts.health import State, Thresholds, health
from stillwatch.alerts.slack import escaped, message
from stillwatch.alerts.webhook import message_id, plain

GOLDEN = Path(__file__).parent / "golden"
CONSOLE = "https://console.example"
HOSTILE_TEXT = st.text(min_size=1, max_size=40) | st.text("<>&|`!@:/*ab.", min_size=1, max_size=30)
FORMATS: dict[str, Callable[[Alert, str], dict[str, object]]] = {
    "slack": message,
    "webhook": plain,
    "ecs": ecs.event,
    "ocsf": ocsf.finding,
}
# OCSF 1.8.0, class detection_finding, as published (schema.ocsf.io): what is required, and the numbers that are allowed
OCSF_REQUIRED = {
    "activity_id", "category_uid", "class_uid", "finding_info", "metadata", "severity_id", "time", "type_uid",
}  # fmt: skip
OCSF_ENUMS = {
    "activity_id": {0: "Unknown", 1: "Create", 2: "Update", 3: "Close", 99: "Other"},
    "severity_id": {
        0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical", 6: "Fatal", 99: "Other",
    },
    "status_id": {
        0: "Unknown", 1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved", 5: "Archived", 6: "Deleted",
        99: "Other",
    },
    "confidence_id": {0: "Unknown", 1: "Low", 2: "Medium", 3: "High", 99: "Other"},
    "type_uid": dict.fromkeys((200400, 200401, 200402, 200403, 200499), ""),
}  # fmt: skip
OCSF_KNOWN = {
    *OCSF_REQUIRED, "activity_name", "category_name", "class_name", "type_name", "severity", "status_id", "status",
    "is_alert", "message", "unmapped", "confidence_id", "confidence", "confidence_score", "start_time", "end_time",
    "observables", "evidences",
}  # fmt: skip
OCSF_KNOWN_INFO = {
    "uid", "title", "desc", "types", "analytic", "created_time", "first_seen_time", "last_seen_time", "src_url",
}  # fmt: skip
# ECS 9.4.0, generated/ecs/ecs_flat.yml: field -> type, with [] where it is normalised to an array
ECS_FIELDS = {
    "@timestamp": "date", "ecs.version": "keyword", "message": "match_only_text", "tags": "keyword[]",
    "event.kind": "keyword", "event.category": "keyword[]", "event.type": "keyword[]", "event.action": "keyword",
    "event.id": "keyword", "event.module": "keyword", "event.dataset": "keyword", "event.provider": "keyword",
    "event.severity": "long", "event.created": "date", "event.url": "keyword", "event.reason": "keyword",
    "event.start": "date", "event.end": "date", "observer.vendor": "keyword", "observer.product": "keyword",
    "observer.version": "keyword", "observer.type": "keyword", "rule.name": "keyword", "rule.category": "keyword",
    "rule.ruleset": "keyword", "related.user": "keyword[]",
}  # fmt: skip


def every_alert() -> list[Alert]:
    """One of every matter, as the rules make them, and one with names that want out."""
    made = {found().matter: found()}
    quiet = health(State(at=AT, started_at=AT, store_answers=False), Thresholds())
    over = health(State(at=AT.replace(hour=12), started_at=AT.replace(hour=12)), Thresholds(settle_s=0), quiet)
    undone = {"undone_at": AT, "undone_because": "budget"}
    decisions = [
        decision(0),
        decision(1, held=True),
        decision(2, undone_by="automatic", **undone),
        decision(3, undone_by="ann", **undone),
    ]
    for looked in (quiet, over):
        for alert in alerts([], [], [], decisions, looked):
            made.setdefault(alert.matter, alert)
    for matter in MATTERS:
        if matter not in made:
            values = {name: getattr(found(), name) for name in Alert.__struct_fields__}
            made[matter] = Alert(**{**values, "matter": matter, "key": f"{matter}:c-7f3a"})
    return [*made.values(), found(hostile())]


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)


def flat(value: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, part in value.items():
        if isinstance(part, dict):
            yield from flat(part, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", part


def rendered(name: str, alert: Alert) -> str:
    return json.dumps(FORMATS[name](alert, CONSOLE), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("which", ["campaign", "hostile"])
def test_the_formats_are_as_they_were(name: str, which: str) -> None:
    alert = found(hostile() if which == "hostile" else campaign())
    assert rendered(name, alert) == (GOLDEN / f"{name}_{which}.json").read_text(encoding="utf-8")


def test_every_matter_is_looked_at() -> None:
    assert {alert.matter for alert in every_alert()} == set(MATTERS)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_ever_holds_an_e_mail_address_or_a_hidden_character(name: str) -> None:
    for alert in every_alert():
        for text in strings(FORMATS[name](alert, CONSOLE)):
            assert "@evil" not in text
            assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]", text)


@given(st.text(max_size=200))
def test_no_text_gets_out_of_its_place_in_slack(text: str) -> None:
    shown = escaped(text)
    assert not re.search(r"[<>]", shown)
    assert re.sub(r"&(amp|lt|gt);", "", shown).count("&") == 0


@given(st.lists(HOSTILE_TEXT, min_size=1, max_size=12), HOSTILE_TEXT)
def test_no_account_mentions_anybody_or_links_anywhere_in_slack(names: list[str], campaign_id: str) -> None:
    base = campaign(size=len(names), linked=0)
    roster = tuple(
        type(one)(**{**{f: getattr(one, f) for f in one.__struct_fields__}, "account_id": name})
        for one, name in zip(base.roster, names, strict=True)
    )
    sent = message(found(campaign(roster=roster, campaign_id=campaign_id)), CONSOLE)
    for text in strings(sent):
        links = re.findall(r"<[^>]*>", text)
        assert all(
            re.fullmatch(r"<https://console\.example/campaigns/[^|<>\s]*\|Open in the console>", one) for one in links
        )
        assert "<" not in re.sub(r"<[^>]*>", "", text)
        assert "://" not in re.sub(r"<[^>]*>", "", text)
    spans = sent["blocks"][3]["text"]["text"]
    assert spans.count("`") == 2 * min(len(names), 10)


def test_a_slack_message_keeps_to_slacks_limits() -> None:
    crowded = campaign(size=400, campaign_id="&" * 300)
    sent = message(found(crowded), CONSOLE)
    blocks = sent["blocks"]
    assert isinstance(blocks, list)
    header, body, fields, accounts, _ = blocks
    assert len(header["text"]["text"]) <= 150
    assert len(body["text"]["text"]) <= 3000
    assert len(fields["fields"]) <= 10
    assert accounts["text"]["text"].count("`") == 20
    assert accounts["text"]["text"].endswith(" and 390 more")


def test_slack_shows_no_link_where_no_console_is_known() -> None:
    assert not any("<" in text for text in strings(message(found())))


def test_an_ecs_event_has_fields_of_the_schema_alone() -> None:
    for alert in every_alert():
        for name, value in flat(ecs.event(alert, CONSOLE)):
            if name.startswith("stillwatch."):
                continue
            kind = ECS_FIELDS[name]
            assert isinstance(value, list) == kind.endswith("[]"), name
            assert kind != "long" or isinstance(value, int)
            assert kind != "date" or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(value))


def test_an_ecs_event_says_alert_and_the_category_allows_its_type() -> None:
    for alert in every_alert():
        event = ecs.event(alert)["event"]
        assert (event["kind"], event["type"]) == ("alert", ["info"])
        assert event.get("category", []) == ([] if alert.topic == "health" else ["intrusion_detection"])


def test_an_ocsf_finding_has_what_the_class_requires_and_nothing_it_does_not_know() -> None:
    for alert in every_alert():
        made = ocsf.finding(alert, CONSOLE)
        assert OCSF_REQUIRED <= set(made) <= OCSF_KNOWN
        assert {"uid"} <= set(made["finding_info"]) <= OCSF_KNOWN_INFO
        assert {"product", "version"} <= set(made["metadata"])
        assert made["type_uid"] == made["class_uid"] * 100 + made["activity_id"]
        for name, allowed in OCSF_ENUMS.items():
            assert made[name] in allowed
            word = {"activity_id": "activity_name"}.get(name, name.removesuffix("_id"))
            assert name == "type_uid" or made[word] == allowed[made[name]]


def test_an_ocsf_finding_validates_against_the_published_schema() -> None:
    published = pytest.importorskip("ocsf_json_schema", reason="the published schema as a package is not installed")
    jsonschema = pytest.importorskip("jsonschema")
    classes = published.OcsfJsonSchemaEmbedded(published.get_ocsf_schema(version=ocsf.OCSF_VERSION))
    schema = classes.get_class_schema(class_name=classes.lookup_class_name_from_uid(2004), profiles=[])
    validator = jsonschema.Draft202012Validator(schema)
    for alert in every_alert():
        made = ocsf.finding(alert, CONSOLE)
        unmapped = made.pop("unmapped")
        assert isinstance(unmapped, dict)
        assert [error.message for error in validator.iter_errors(made)] == []


def test_a_finding_keeps_its_uid_through_a_campaigns_life() -> None:
    made = [ocsf.finding(alert) for alert in every_alert()[:-1] if alert.topic == "campaign"]
    assert {one["finding_info"]["uid"] for one in made} == {"campaign:c-7f3a"}
    assert len({one["metadata"]["uid"] for one in made}) == len(made)
    doubts = [ocsf.finding(one) for one in every_alert() if one.topic == "health"]
    assert len({one["finding_info"]["uid"] for one in doubts}) == 1


def test_severities_keep_their_order_in_every_format() -> None:
    assert [ecs.SEVERITY[one] for one in SEVERITIES] == sorted(ecs.SEVERITY.values())
    assert [ocsf._SEVERITY[one][0] for one in SEVERITIES] == [1, 2, 3, 4, 5]


def test_a_message_id_holds_no_full_stop_and_differs_by_key() -> None:
    ids = {message_id(alert) for alert in every_alert()}
    assert len(ids) == len(every_alert())
    assert not any("." in one for one in ids)


if __name__ == "__main__":
    for kind in FORMATS:
        for which, one in (("campaign", campaign()), ("hostile", hostile())):
            (GOLDEN / f"{kind}_{which}.json").write_text(rendered(kind, found(one)), encoding="utf-8")
    sys.stdout.write(f"wrote {len(FORMATS) * 2} files to {GOLDEN}\n")
