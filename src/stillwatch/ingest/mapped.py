"""Formats described in a file instead of in code: paths into a record → columns of the data contract.

Shipped maps stand in ``maps/``; users bring their own with ``--format mapped:FILE.toml`` (or ``.json``). A map is
compiled once, and all its errors are reported together with file and key. What a map cannot say: loops and conditions
over values; for that a format is one file of code.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from stillwatch import tables
from stillwatch.errors import ConfigError
from stillwatch.ingest.context import Context
from stillwatch.ingest.credentials import header_fields, shown
from stillwatch.ingest.messages import as_dict, request_fields, text_of, unwrapped
from stillwatch.ingest.replies import Reply, replied_texts, reply_of
from stillwatch.ingest.rows import BadRowError

_SECTIONS = ("name", "says", "platform", "carries_account", "detect", "calls", "columns", "bodies", "merge")
_COLUMN_KEYS = ("path", "default", "scale", "after", "is", "secret", "first")
_BODY_KEYS = ("request", "response", "messages", "replies", "headers", "path")
_ROW_COLUMNS = tuple(tables.EXCHANGES.names)

Path_ = tuple[str, ...]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """How one column is found: the first path that leads somewhere, then what is done to the value."""

    paths: tuple[Path_, ...]
    default: str | int | float | bool | None = None
    scale: float | None = None
    after: str | None = None
    is_: tuple[str, ...] | None = None
    secret: bool = False
    first: bool = False


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled map."""

    name: str
    platform: str | None
    carries_account: bool
    detect_all: tuple[Path_, ...]
    detect_any: tuple[Path_, ...]
    calls_any: tuple[Path_, ...]
    columns: dict[str, Column]
    bodies: dict[str, tuple[Path_, ...]]
    merge_by: tuple[Path_, ...]
    merge_order: tuple[Path_, ...]


def found(record: Any, path: Path_) -> Any:
    """The value at a path, or None; JSON standing as text is opened on the way, numbers index lists.

    A key that itself contains dots (``gen_ai.request.model``) is tried as a whole first.
    """
    for start in range(len(path)):
        record = unwrapped(record)
        if isinstance(record, list):
            step = path[start]
            if not step.lstrip("-").isdigit() or not -len(record) <= int(step) < len(record):
                return None
            record = record[int(step)]
        elif isinstance(record, dict):
            if start + 1 < len(path) and ".".join(path[start:]) in record:
                return record[".".join(path[start:])]
            if path[start] not in record:
                return None
            record = record[path[start]]
        else:
            return None
    return record


def first_of(record: Any, paths: tuple[Path_, ...]) -> Any:
    """The first value that is neither absent nor empty."""
    for path in paths:
        value = found(record, path)
        if value is not None and value not in ("", "-"):
            return value
    return None


class MappedFormat:
    """A format made of a map."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.name = f"mapped:{mapping.name}"
        self.carries_account = mapping.carries_account

    @property
    def merges(self) -> bool:
        return bool(self.mapping.merge_by)

    def sniff(self, record: dict[str, Any] | str) -> float:
        if not isinstance(record, dict) or not (self.mapping.detect_all or self.mapping.detect_any):
            return 0.0
        if any(found(record, path) is None and not _has(record, path) for path in self.mapping.detect_all):
            return 0.0
        if self.mapping.detect_any and not any(_has(record, path) for path in self.mapping.detect_any):
            return 0.0
        return min(0.95, 0.55 + 0.1 * len(self.mapping.detect_all))

    def merge_key(self, record: dict[str, Any]) -> str | None:
        """What records of one call have in common, or None where this one stands alone."""
        value = first_of(record, self.mapping.merge_by)
        return None if value is None else text_of(value)

    def merged(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        """Several records of one call as one: in order, lists appended, otherwise the first known value stays."""
        ordered = sorted(parts, key=lambda part: _order(first_of(part, self.mapping.merge_order)))
        out: dict[str, Any] = {}
        for part in ordered:
            for name, value in part.items():
                known, new = unwrapped(out.get(name)), unwrapped(value)
                if isinstance(known, list) and isinstance(new, list):
                    out[name] = known + new
                elif isinstance(known, dict) and isinstance(new, dict):
                    out[name] = {**new, **known}
                elif known is None or known == "" or (isinstance(known, list | dict) and not known):
                    out[name] = value
                elif _counts(known) and _counts(new):
                    out[name] = max(known, new)
        return out

    def parse(self, record: dict[str, Any] | str, context: Context) -> Iterator[dict[str, Any]]:
        if not isinstance(record, dict):
            return
        if self.mapping.calls_any and not any(found(record, path) is not None for path in self.mapping.calls_any):
            return
        row = self._bodies(record, context)
        for name, column in self.mapping.columns.items():
            value = _column_value(record, column, context)
            if value is not None:
                row[name] = value
        row["platform"] = row.get("platform") or self.mapping.platform
        row["exchange_id"] = row.get("exchange_id") or context.made_up_id(record)
        yield row

    def _bodies(self, record: dict[str, Any], context: Context) -> dict[str, Any]:
        places = {name: first_of(record, paths) for name, paths in self.mapping.bodies.items()}
        row: dict[str, Any] = {}
        url = text_of(places.get("path"))
        if places.get("request") is not None:
            row |= request_fields(as_dict(places["request"]), url)
        elif places.get("messages") is not None:
            row |= request_fields({"messages": places["messages"]}, url)
        reply: Reply | None = None
        if places.get("response") is not None:
            reply = reply_of(places["response"])
        elif places.get("replies") is not None:
            reply = replied_texts(places["replies"])
        if reply is not None:
            row |= {name: value for name, value in reply.fields().items() if value is not None}
        if places.get("headers") is not None:
            found_there = header_fields(unwrapped(places["headers"]), context.salt, in_wire_order=False)
            row |= {name: value for name, value in found_there.items() if value is not None}
        return row


def _has(record: Any, path: Path_) -> bool:
    if found(record, path) is not None:
        return True
    *before, last = path
    parent = found(record, tuple(before)) if before else record
    return (isinstance(parent, dict) and last in parent) or ".".join(path) in record


def _order(value: Any) -> tuple[int, str]:
    text = text_of(value)
    return (int(text), "") if text.isascii() and text.isdigit() else (1 << 62, text)


def _counts(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _column_value(record: dict[str, Any], column: Column, context: Context) -> Any:
    value = first_of(record, column.paths)
    if value is None:
        return column.default
    if column.secret:
        return context.key_id(text_of(value))
    if column.first:
        value = text_of(value).split(",", 1)[0].strip()
    if column.is_ is not None:
        return text_of(value).lower() in column.is_
    if column.after is not None:
        head, marker, tail = text_of(value).partition(column.after)
        value = tail.split("/", 1)[0].split("?", 1)[0] if marker else column.default or head or None
    if column.scale is not None:
        return _scaled(value, column.scale)
    return shown(value) if isinstance(value, str) else value


def _scaled(value: Any, scale: float) -> int:
    try:
        return round(float(value) * scale)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRowError(f"expected a number, found {text_of(value)[:40]!r}") from error


def load(path: Path) -> MappedFormat:
    """Reads and compiles a map. Raises ConfigError naming every mistake with its key."""
    try:
        data = path.read_bytes()
        given = json.loads(data) if path.suffix == ".json" else tomllib.loads(data.decode())
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid {path.suffix[1:].upper()}: {error}", where=str(path)) from error
    return compiled(given, str(path))


def shipped() -> tuple[MappedFormat, ...]:
    """The maps in this package, in order of name."""
    folder = resources.files("stillwatch.ingest") / "maps"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return tuple(compiled(tomllib.loads(entry.read_text("utf-8")), entry.name) for entry in files)


def compiled(given: Any, where: str) -> MappedFormat:
    """A map as read → a format. Raises ConfigError with every mistake at once."""
    problems: list[str] = []
    if not isinstance(given, dict):
        raise ConfigError("a map is a table", where=where)
    _unknown(given, _SECTIONS, "", problems)
    detect, calls, merge = (_table(given, name, problems) for name in ("detect", "calls", "merge"))
    _unknown(detect, ("all", "any"), "detect.", problems)
    _unknown(calls, ("any",), "calls.", problems)
    _unknown(merge, ("by", "order"), "merge.", problems)
    bodies = _table(given, "bodies", problems)
    _unknown(bodies, _BODY_KEYS, "bodies.", problems)
    columns = _table(given, "columns", problems)
    _unknown(columns, _ROW_COLUMNS, "columns.", problems)
    if not columns and not bodies:
        problems.append("columns: a map needs at least one column")
    mapping = Mapping(
        name=str(given.get("name") or Path(where).stem),
        platform=given.get("platform") if isinstance(given.get("platform"), str) else None,
        carries_account=bool(given.get("carries_account", "account_id" in columns)),
        detect_all=_paths(detect.get("all", []), "detect.all", problems),
        detect_any=_paths(detect.get("any", []), "detect.any", problems),
        calls_any=_paths(calls.get("any", []), "calls.any", problems),
        columns={name: _column(value, f"columns.{name}", problems) for name, value in columns.items()},
        bodies={name: _paths(value, f"bodies.{name}", problems) for name, value in bodies.items()},
        merge_by=_paths(merge.get("by", []), "merge.by", problems),
        merge_order=_paths(merge.get("order", []), "merge.order", problems),
    )
    if problems:
        raise ConfigError("; ".join(problems), where=where, hint="docs/formats.md describes maps")
    return MappedFormat(mapping)


def _table(given: dict[str, Any], name: str, problems: list[str]) -> dict[str, Any]:
    value = given.get(name, {})
    if not isinstance(value, dict):
        problems.append(f"{name}: expected a table")
        return {}
    return value


def _unknown(given: dict[str, Any], known: tuple[str, ...], prefix: str, problems: list[str]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            problems.append(f"{prefix}{name}: unknown" + (f", did you mean {near[0]}?" if near else ""))


def _paths(value: Any, key: str, problems: list[str]) -> tuple[Path_, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip(".") for item in items):
        problems.append(f'{key}: expected a path such as "request.id", or a list of paths')
        return ()
    return tuple(tuple(item.split(".")) for item in items)


_KINDS: dict[Literal["default", "scale", "after", "is", "secret", "first"], tuple[type, ...]] = {
    "default": (str, int, float, bool),
    "scale": (int, float),
    "after": (str,),
    "is": (str, list),
    "secret": (bool,),
    "first": (bool,),
}


def _column(value: Any, key: str, problems: list[str]) -> Column:
    if not isinstance(value, dict):
        return Column(paths=_paths(value, key, problems))
    _unknown(value, _COLUMN_KEYS, f"{key}.", problems)
    for name, kinds in _KINDS.items():
        if name in value and not isinstance(value[name], kinds):
            problems.append(f"{key}.{name}: expected {' or '.join(kind.__name__ for kind in kinds)}")
    if "path" not in value and "default" not in value:
        problems.append(f"{key}: needs a path or a default")
    wanted = value.get("is")
    return Column(
        paths=_paths(value.get("path", []), f"{key}.path", problems),
        default=value.get("default") if isinstance(value.get("default"), _KINDS["default"]) else None,
        scale=float(value["scale"]) if isinstance(value.get("scale"), int | float) else None,
        after=value.get("after") if isinstance(value.get("after"), str) else None,
        is_=tuple(str(item).lower() for item in ([wanted] if isinstance(wanted, str) else wanted))
        if isinstance(wanted, str | list)
        else None,
        secret=value.get("secret") is True,
        first=value.get("first") is True,
    )
