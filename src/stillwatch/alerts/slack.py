"""Alerts as Slack messages: an incoming webhook and Block Kit.

Account ids and reasons are chosen by whom we watch, so whatever comes from an alert stands in plain text blocks or in
code spans, with Slack's three control characters escaped: nothing in it can become a link, a mention or a command.
Limits are Slack's (docs.slack.dev, Block Kit reference): a header holds 150 characters, a section 3,000, a field 2,000.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from stillwatch import clock
from stillwatch.alerts.alert import Alert, Severity
from stillwatch.alerts.channel import Target
from stillwatch.alerts.webhook import console_link
from stillwatch.report.words import count, moment, percent

PACE_S = 1.0  # Slack takes one message a second from a webhook
_NO_TICK = "\u02cb"  # looks like a backtick and ends no code span
_MARKS: dict[Severity, str] = {"info": "⚪", "low": "🔵", "medium": "🟡", "high": "🟠", "critical": "🔴"}


def escaped(text: str) -> str:
    """``&``, ``<`` and ``>`` as entities: the only characters Slack reads as control characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """A code span that its content cannot leave; an address in it is spelled so that no client makes it a link."""
    return f"`{escaped(_unlinked(text).replace('`', _NO_TICK))}`"


def message(alert: Alert, console: str = "") -> dict[str, object]:
    """The message: header, sentences, figures, accounts, and where to look. Without a console there is no link."""
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": _plain(f"{_MARKS[alert.severity]} {alert.title}", 150)},
        {"type": "section", "text": _plain(alert.body, 3000)},
    ]
    if fields := _fields(alert):
        blocks.append({"type": "section", "fields": fields})
    if alert.accounts:
        blocks.append({"type": "section", "text": _mrkdwn(_accounts(alert))})
    blocks.append({"type": "context", "elements": [_mrkdwn(_footer(alert, console))]})
    return {
        "text": escaped(_cut(_unlinked(alert.title), 150)),  # what a notification shows
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }


def _fields(alert: Alert) -> list[dict[str, object]]:
    shown = {
        "Verdict": alert.verdict,
        "Confidence": None if alert.confidence is None else percent(alert.confidence),
        "Accounts": None if alert.account_count is None else count(alert.account_count),
        "Exchanges": None if alert.exchanges is None else count(alert.exchanges),
        "Harvesting": None if alert.extraction_exchanges is None else count(alert.extraction_exchanges),
        "Last seen (UTC)": None if alert.last_seen is None else moment(alert.last_seen),
    }
    return [_plain(f"{name}\n{value}", 2000) for name, value in shown.items() if value is not None]


def _accounts(alert: Alert) -> str:
    left_out = (alert.account_count or 0) - len(alert.accounts)
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return f"Accounts: {', '.join(code(one) for one in alert.accounts)}{more}"


def _footer(alert: Alert, console: str) -> str:
    where = f"<{escaped(console_link(alert, console))}|Open in the console> · " if console else ""
    return f"{where}{alert.severity} · {moment(alert.at)} UTC"


def _unlinked(text: str) -> str:
    """Addresses spelled so that no client makes links of them."""
    return text.replace("://", "[:]//")


def _plain(text: str, limit: int) -> dict[str, object]:
    return {"type": "plain_text", "text": _fitting(_unlinked(text), limit), "emoji": False}


def _mrkdwn(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fitting(text: str, limit: int) -> str:
    """Escaped, within ``limit`` characters, no entity cut in two."""
    while len(shown := escaped(text)) > limit:
        text = _cut(text, len(text) - max(1, (len(shown) - limit) // 5))
    return shown


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class Slack:
    """Posts alerts to one incoming webhook; the channel it writes to is settled in Slack."""

    def __init__(self, target: Target, *, console: str = "", now: Callable[[], datetime] = clock.now) -> None:
        self._target, self._console, self._now = target, console, now

    async def send(self, alert: Alert) -> None:
        body = msgspec.json.encode(message(alert, self._console), order="sorted")
        await self._target.post(body, {"content-type": "application/json"}, clock=self._now)
