"""Alerts as events of the Elastic Common Schema, version 9.4 (the same fields have been there since 8.0).

What the schema has no field for stands under ``stillwatch``, a namespace of its own, as the schema asks. It is an alert
about accounts of a service: no field about hosts or addresses is filled, because none was looked at here.
"""

from __future__ import annotations

from datetime import datetime

from stillwatch import __version__
from stillwatch.alerts.alert import Alert, Severity
from stillwatch.alerts.webhook import console_link, message_id

ECS_VERSION = "9.4.0"
# ECS leaves the scale of event.severity to the source; these are the scores of Elastic's own detection rules
SEVERITY: dict[Severity, int] = {"info": 0, "low": 21, "medium": 47, "high": 73, "critical": 99}


def event(alert: Alert, console: str = "") -> dict[str, object]:
    """One document, nested, nothing in it that is unknown. Health alerts carry no category: the schema has none."""
    found: dict[str, object] = {
        "@timestamp": _time(alert.at),
        "ecs": {"version": ECS_VERSION},
        "event": _event(alert, console),
        "message": f"{alert.title}. {alert.body}",
        "observer": {
            "vendor": "Stillwatch",
            "product": "Stillwatch",
            "version": __version__,
            "type": "ids",
        },
        "rule": {"name": alert.matter, "category": alert.topic, "ruleset": "stillwatch"},
        "tags": ["stillwatch", alert.topic],
        "stillwatch": _own(alert),
    }
    if alert.accounts:
        found["related"] = {"user": list(alert.accounts)}
    return found


def _event(alert: Alert, console: str) -> dict[str, object]:
    shown: dict[str, object] = {
        "kind": "alert",
        "type": ["info"],
        "action": alert.matter.replace(".", "-").replace("_", "-"),
        "id": message_id(alert),
        "module": "stillwatch",
        "dataset": "stillwatch.alert",
        "provider": "stillwatch",
        "severity": SEVERITY[alert.severity],
        "created": _time(alert.at),
    }
    if alert.topic != "health":
        shown["category"] = ["intrusion_detection"]
    if console:
        shown["url"] = console_link(alert, console)
    if alert.reasons:
        shown["reason"] = "; ".join(alert.reasons)
    if alert.first_seen and alert.last_seen:
        shown |= {"start": _time(alert.first_seen), "end": _time(alert.last_seen)}
    return shown


def _own(alert: Alert) -> dict[str, object]:
    known = {
        "key": alert.key,
        "link": alert.link,
        "campaign_id": alert.campaign_id,
        "verdict": alert.verdict,
        "confidence": alert.confidence,
        "account_count": alert.account_count,
        "exchanges": alert.exchanges,
        "extraction_exchanges": alert.extraction_exchanges,
        "against": list(alert.against) or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
