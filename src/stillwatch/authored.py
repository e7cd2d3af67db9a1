"""Files that people write: TOML to frozen structs, every error at once, each with file and key.

The struct says what is allowed (types, ``Meta`` ranges, literals); this walks a parsed file beside it. It knows no
meaning: what contradicts what is checked by whoever owns the struct.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from stillwatch.errors import ConfigError


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, or doubtful. ``key`` is empty where it is about the file as a whole."""

    file: str
    key: str
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.says) if part)


def nearest(name: str, known: Sequence[str], what: str) -> str:
    """That a name is not known, with the known name nearest to it, or all of them where none is near."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"unknown {what} {name}" + (f", did you mean {close[0]}?" if close else f"; known: {', '.join(known)}")


def parse(text: str, file: str) -> dict[str, object]:
    """A TOML text as plain values. Raises ConfigError where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=file) from error


def read(path: Path) -> str:
    """The text of a file that a person wrote. Raises ConfigError where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text", where=str(path)) from error


def problems(raw: dict[str, object], struct: type[msgspec.Struct], file: str) -> list[Problem]:
    """Everything in ``raw`` that ``struct`` does not allow, in the order of the file; then what is missing."""
    return [Problem(file=file, key=key, says=says) for key, says in _table(raw, _kind_of(struct), "")]


def refuse(found: Iterable[Problem], file: str) -> None:
    """Raise one ConfigError that lists the problems, if there are any."""
    says = "; ".join(str(msgspec.structs.replace(problem, file="")) for problem in found)
    if says:
        raise ConfigError(says, where=file)


Found = Iterator[tuple[str, str]]


@cache
def _kind_of(struct: type[msgspec.Struct]) -> Any:
    return inspect.type_info(struct)  # milliseconds


def _table(raw: dict[str, object], kind: Any, at: str) -> Found:
    fields = {field.encode_name: field for field in kind.fields}
    for name, value in raw.items():
        if name in fields:
            yield from _value(value, fields[name].type, f"{at}.{name}" if at else name)
        else:
            yield at, nearest(name, tuple(fields), "key")
    for name, field in fields.items():
        if field.required and name not in raw:
            yield (f"{at}.{name}" if at else name), "is missing"


def _value(value: object, kind: Any, key: str) -> Found:
    match kind:
        case inspect.UnionType():
            (kind,) = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            yield from _value(value, kind, key)
        case inspect.StructType():
            yield from _table(value, kind, key) if isinstance(value, dict) else _wrong(key, value, "a table")
        case inspect.VarTupleType():
            yield from _items(value, kind, key) if isinstance(value, list) else _wrong(key, value, "a list")
        case inspect.DictType():
            yield from _entries(value, kind, key) if isinstance(value, dict) else _wrong(key, value, "a table")
        case _:
            yield from _plain(value, kind, key)


def _plain(value: object, kind: Any, key: str) -> Found:
    match kind:
        case inspect.LiteralType():
            if value not in kind.values:
                yield key, nearest(str(value), tuple(str(one) for one in kind.values), "value")
        case inspect.IntType() | inspect.FloatType():
            yield from _number(value, kind, key)
        case inspect.StrType():
            yield from _text(value, kind, key)
        case inspect.DateTimeType():
            yield from _time(value, key)
        case _:
            if not isinstance(value, bool):
                yield from _wrong(key, value, "true or false")


def _wrong(key: str, value: object, wanted: str) -> Found:
    yield key, f"{value!r} is not {wanted}"


def _items(value: list[Any], kind: Any, key: str) -> Found:
    """Tables of a list are named by their ``name`` where each has its own, else counted from 1."""
    names = [item.get("name") if isinstance(item, dict) else None for item in value]
    for number, (item, name) in enumerate(zip(value, names, strict=True), 1):
        named = isinstance(name, str) and name and names.count(name) == 1
        yield from _value(item, kind.item_type, f"{key}.{name}" if named else f"{key}[{number}]")


def _entries(value: dict[str, object], kind: Any, key: str) -> Found:
    for name, item in value.items():
        yield from _value(name, kind.key_type, key)
        yield from _value(item, kind.value_type, f"{key}.{name}")


def _number(value: object, kind: Any, key: str) -> Found:
    whole = isinstance(kind, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        yield from _wrong(key, value, "a whole number" if whole else "a number")
    elif not math.isfinite(value):
        yield from _wrong(key, value, "a finite number")
    elif (kind.ge is not None and value < kind.ge) or (kind.le is not None and value > kind.le):
        both = kind.ge is not None and kind.le is not None
        yield key, f"{value} is not within {kind.ge:g}..{kind.le:g}" if both else f"{value} is {_beyond(value, kind)}"


def _beyond(value: float, kind: Any) -> str:
    return f"below {kind.ge:g}" if kind.ge is not None and value < kind.ge else f"above {kind.le:g}"


def _text(value: object, kind: Any, key: str) -> Found:
    if not isinstance(value, str):
        yield from _wrong(key, value, "a text")
    elif kind.min_length and len(value.strip()) < kind.min_length:
        yield key, "is empty"


def _time(value: object, key: str) -> Found:
    if not isinstance(value, datetime):
        yield from _wrong(key, str(value), "a time, such as 2027-01-31T00:00:00Z")
    elif value.tzinfo is None:
        yield key, f"{value.isoformat()} has no time zone; write {value.isoformat()}Z for UTC"
