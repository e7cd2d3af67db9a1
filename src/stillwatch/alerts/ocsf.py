"""Alerts as findings of the Open Cybersecurity Schema Framework, version 1.8.0: class Detection Finding (2004).

Attributes and their numbers are those of the published schema (schema.ocsf.io/1.8.0/classes/detection_finding). A
finding lives: ``finding_info.uid`` is the campaign's (or the doubt's), created by the first alert, updated by the
next, closed at the end. What the class has no attribute for stands in ``unmapped``.
"""

from __future__ import annotations

from datetime import datetime

from stillwatch import __version__
from stillwatch.alerts.alert import Alert, Matter, Severity
from stillwatch.alerts.webhook import console_link, message_id

OCSF_VERSION = "1.8.0"
_CATEGORY, _CLASS = 2, 2004  # Findings, Detection Finding
_SEVERITY: dict[Severity, tuple[int, str]] = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_CREATE, _UPDATE, _CLOSE = (1, "Create"), (2, "Update"), (3, "Close")
_ACTIVITY: dict[Matter, tuple[int, str]] = {
    "campaign.found": _CREATE,
    "campaign.dismissed": _CLOSE,
    "enforcement.enforced": _CREATE,
    "enforcement.approval_needed": _CREATE,
    "enforcement.disarmed": _CREATE,
    "enforcement.undone": _CLOSE,
    "health.doubt": _CREATE,
    "health.over": _CLOSE,
}
_STATUS = {"Create": (1, "New"), "Update": (2, "In Progress"), "Close": (4, "Resolved")}
_LEARNING = (4, "Learning (ML/DL)")  # trees weigh the evidence; a health alert is a rule
_RULE = (1, "Rule")
_USER_UID = 31  # observable type: User Object: uid


def finding(alert: Alert, console: str = "") -> dict[str, object]:
    """One Detection Finding, no attribute in it that is unknown. Times are milliseconds since 1970."""
    activity = _ACTIVITY.get(alert.matter, _UPDATE)
    status, severity = _STATUS[activity[1]], _SEVERITY[alert.severity]
    found: dict[str, object] = {
        "activity_id": activity[0],
        "activity_name": activity[1],
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Detection Finding",
        "type_uid": _CLASS * 100 + activity[0],
        "type_name": f"Detection Finding: {activity[1]}",
        "time": _ms(alert.at),
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
        "is_alert": activity != _CLOSE,
        "message": alert.title,
        "metadata": _metadata(alert),
        "finding_info": _info(alert, console),
        "unmapped": _unmapped(alert),
    }
    found |= _confidence(alert.confidence)
    if alert.first_seen and alert.last_seen:
        found |= {"start_time": _ms(alert.first_seen), "end_time": _ms(alert.last_seen)}
    if alert.accounts:
        found["observables"] = [
            {"type_id": _USER_UID, "type": "User Object: uid", "name": "evidences[].user.uid", "value": one}
            for one in alert.accounts
        ]
        found["evidences"] = [{"user": {"uid": one}} for one in alert.accounts]
    return found


def _metadata(alert: Alert) -> dict[str, object]:
    shown: dict[str, object] = {
        "version": OCSF_VERSION,
        "product": {"name": "Stillwatch", "vendor_name": "Stillwatch", "version": __version__},
        "uid": message_id(alert),
        "event_code": alert.matter,
        "labels": ["stillwatch", alert.topic],
    }
    if alert.campaign_id:
        shown["correlation_uid"] = alert.campaign_id
    return shown


def _info(alert: Alert, console: str) -> dict[str, object]:
    kind = _RULE if alert.topic == "health" else _LEARNING
    shown: dict[str, object] = {
        "uid": _finding_uid(alert),
        "title": alert.title,
        "desc": alert.body,
        "types": [alert.verdict or alert.topic],
        "analytic": {"name": f"stillwatch {alert.topic}", "type_id": kind[0], "type": kind[1]},
        "created_time": _ms(alert.at),
    }
    if alert.first_seen and alert.last_seen:
        shown |= {"first_seen_time": _ms(alert.first_seen), "last_seen_time": _ms(alert.last_seen)}
    if console:
        shown["src_url"] = console_link(alert, console)
    return shown


def _finding_uid(alert: Alert) -> str:
    """The same for everything that happens to one campaign, and to one doubt from its beginning to its end."""
    if alert.topic == "campaign" and alert.campaign_id:
        return f"campaign:{alert.campaign_id}"
    if alert.topic == "health":
        return alert.key.removeprefix(f"{alert.matter}:").removesuffix(":degraded").removesuffix(":failing")
    return alert.key


def _confidence(value: float | None) -> dict[str, object]:
    """OCSF has three levels beside the score: cut at 0.8, from which a campaign is named, and at 0.95."""
    if value is None:
        return {"confidence_id": 0, "confidence": "Unknown"}
    level = (3, "High") if value >= 0.95 else (2, "Medium") if value >= 0.8 else (1, "Low")
    return {"confidence_id": level[0], "confidence": level[1], "confidence_score": int(value * 100)}


def _unmapped(alert: Alert) -> dict[str, object]:
    known = {
        "key": alert.key,
        "link": alert.link,
        "verdict": alert.verdict,
        "account_count": alert.account_count,
        "exchanges": alert.exchanges,
        "extraction_exchanges": alert.extraction_exchanges,
        "reasons": list(alert.reasons) or None,
        "against": list(alert.against) or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
