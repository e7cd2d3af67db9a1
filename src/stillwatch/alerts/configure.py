"""``[[alerts]]`` of the configuration: where alerts go, in which format, and which of them.

Tables become frozen structs, with all errors at once and each at its key. Addresses and keys stand there by reference
alone (``env:NAME``, ``file:PATH``); they are resolved by whoever opens the channels, and never shown.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from stillwatch.alerts import ecs, ocsf
from stillwatch.alerts.alert import MATTERS, Matter, Severity
from stillwatch.alerts.channel import Channel, Target
from stillwatch.alerts.ndjson import File
from stillwatch.alerts.outbox import Wanted
from stillwatch.alerts.slack import PACE_S, Slack
from stillwatch.alerts.webhook import Render, Webhook, plain, signing_key
from stillwatch.errors import ConfigError

Kind = Literal["slack", "webhook", "file"]
Format = Literal["stillwatch", "ecs", "ocsf"]
_RENDER: dict[Format, Render] = {"stillwatch": plain, "ecs": ecs.event, "ocsf": ocsf.finding}
_USES: dict[Kind, frozenset[str]] = {
    "slack": frozenset({"url"}),
    "webhook": frozenset({"url", "secrets", "authorization", "format"}),
    "file": frozenset({"path", "format"}),
}
_ALWAYS = frozenset({"kind", "name", "least", "events", "proxy"})


class AlertTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[alerts]]`` table.

    ``url``, ``secrets``, ``authorization``: references to secrets. ``secrets``: signing keys (``whsec_`` + base64);
    two while one is being replaced. ``authorization``: the whole value of that header, for a collector that asks for
    one. ``format``: the shape of the JSON. ``path``: the file that lines are appended to. ``least``: severity from
    which alerts are sent. ``events``: matters (``campaign.found``) or topics (``campaign``); all where it is empty.
    ``proxy``: address of a proxy to go through; none is taken from the environment.
    """

    kind: Kind
    name: str = ""
    url: str = ""
    path: str = ""
    secrets: tuple[str, ...] = ()
    authorization: str = ""
    format: Format = "stillwatch"
    least: Severity = "low"
    events: tuple[str, ...] = ()
    proxy: str = ""


def read_alerts(raw: object, where: str = "") -> tuple[AlertTable, ...]:
    """The tables under ``alerts`` of a parsed TOML file, each with a name of its own.

    Raises ConfigError naming every wrong key as ``alerts[0].url``; ``where`` is the file.
    """
    if not isinstance(raw, list):
        raise ConfigError("alerts has to be a list of tables", where=where, hint="write [[alerts]]")
    tables: list[AlertTable] = []
    problems: list[str] = []
    for number, values in enumerate(raw):
        at = f"alerts[{number}]"
        try:
            table = msgspec.convert(values, AlertTable)
        except msgspec.ValidationError as error:
            problems += list(_unknown(values, at)) or [f"{at}: {error}".replace(" - at `$.", " - at `")]
            continue
        table = msgspec.structs.replace(table, name=table.name or f"{table.kind}-{number + 1}")
        if any(one.name == table.name for one in tables):
            problems.append(f"{at}.name: {table.name!r} is taken already")
        problems += [f"{at}.{problem}" for problem in _problems(table, values)]
        tables.append(table)
    if problems:
        raise ConfigError("; ".join(problems), where=where)
    return tuple(tables)


def open_channels(
    tables: Sequence[AlertTable],
    resolve: Callable[[str], str],
    *,
    folder: Path,
    console: str = "",
) -> dict[str, tuple[Channel, Wanted]]:
    """The channels by name, ready for an outbox.

    ``resolve`` gives the secret behind a reference; ``folder`` is where a relative ``path`` of a file begins;
    ``console`` the address people open the console at. Raises ConfigError at the key where what was resolved cannot
    be used.
    """
    opened: dict[str, tuple[Channel, Wanted]] = {}
    for number, table in enumerate(tables):
        at = f"alerts[{number}]"
        pace_s = PACE_S if table.kind == "slack" else 0.0
        wanted = Wanted(least=table.least, matters=frozenset(_matters(table.events)), pace_s=pace_s)
        opened[table.name] = _open(table, resolve, folder, console, at), wanted
    return opened


def _open(table: AlertTable, resolve: Callable[[str], str], folder: Path, console: str, at: str) -> Channel:
    render = _RENDER[table.format]
    if table.kind == "file":
        return File(folder / table.path, render=render, console=console)
    target = Target(resolve(table.url), proxy=table.proxy or None, where=f"{at}.url")
    if table.kind == "slack":
        return Slack(target, console=console)
    keys = [signing_key(resolve(secret), f"{at}.secrets") for secret in table.secrets]
    authorization = resolve(table.authorization).strip() if table.authorization else None
    return Webhook(target, keys=keys, authorization=authorization, render=render, console=console)


def _problems(table: AlertTable, values: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(set(values) - _USES[table.kind] - _ALWAYS):
        yield f"{key}: a {table.kind} channel has no use for it"
    if "path" in _USES[table.kind] and not table.path:
        yield "path: has to name a file"
    if "url" in _USES[table.kind] and not table.url:
        yield "url: is missing; write it as env:NAME or file:PATH"
    references = {"url": (table.url,), "authorization": (table.authorization,), "secrets": table.secrets}
    for key, given in references.items():
        if any(one and not _is_reference(one) for one in given):
            yield f"{key}: secrets are not written here; write env:NAME or file:PATH"
    for event in table.events:
        if not list(_matters((event,))):
            near = difflib.get_close_matches(event, [*MATTERS, "campaign", "enforcement", "health"], n=1)
            yield f"events: there is no {event!r}" + (f", did you mean {near[0]!r}?" if near else "")


def _is_reference(value: str) -> bool:
    kind, _, rest = value.partition(":")
    return kind in {"env", "file"} and bool(rest)


def _matters(events: Sequence[str]) -> Iterator[Matter]:
    for matter in MATTERS:
        if not events or matter in events or matter.partition(".")[0] in events:
            yield matter


def _unknown(values: object, at: str) -> Iterator[str]:
    known = AlertTable.__struct_fields__
    for key in values if isinstance(values, dict) else ():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            yield f"{at}.{key}: unknown key" + (
                f", did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
            )
