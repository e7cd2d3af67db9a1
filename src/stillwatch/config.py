"""Configuration: one TOML file, one table per stage, compiled once into frozen structs.

All errors are found at once, each with file and key; an unknown key fails with the nearest name that exists.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from stillwatch.errors import ConfigError


class Ingest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``max_bad_share``: share of rows (0..1) that may go to quarantine before the run stops; raising it hides more.

    ``content``: what of the text may be looked at: ``full``, ``redacted`` (mail addresses, digits and keys masked
    before fingerprinting), ``features`` or ``none`` (no text at all). ``salt``: keys every hash of an identity; keep
    it secret and keep it the same if you want to compare scans.
    """

    max_bad_share: float = 0.05
    content: Literal["full", "redacted", "features", "none"] = "full"
    salt: str = "stillwatch"


class Detection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``disabled_families`` and ``disabled_detectors``: evidence that is not to be used (for example ``lexical``).

    ``min_confidence``: share of its accounts that have to be right (0.5..1) for a campaign to be named; raising it
    names fewer. ``min_member``: probability from which an account of it is accused; those below are linked.
    ``min_operator``: probability of one operator that any verdict on a group needs, however certain the harvest is.
    ``min_coordinated``: probability from which a group that is merely coordinated is named. ``min_alone``: the same
    for one account or organisation alone.
    """

    disabled_families: tuple[str, ...] = ()
    disabled_detectors: tuple[str, ...] = ()
    min_confidence: float = 0.65
    min_member: float = 0.9
    min_operator: float = 0.65
    min_coordinated: float = 0.97
    min_alone: float = 0.997


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ingest: Ingest = Ingest()
    detection: Detection = Detection()

    def digest(self) -> str:
        """Of the effective values, the salt left out."""
        shown = msgspec.structs.replace(self, ingest=msgspec.structs.replace(self.ingest, salt=""))
        return hashlib.sha256(msgspec.json.encode(shown, order="deterministic")).hexdigest()[:16]


def load_config(path: Path | None) -> Config:
    """Read a TOML file; the defaults where there is none. Raises ConfigError naming every wrong key."""
    if path is None:
        return Config()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("no such file", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error
    problems = list(_unknown(raw))
    if problems:
        raise ConfigError("; ".join(problems), where=str(path))
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where=str(path)) from error
    _check_ranges(config, path)
    return config


def _unknown(raw: dict[str, object]) -> list[str]:
    known = {"ingest": Ingest, "detection": Detection}
    found = [_nearest(table, tuple(known), "table") for table in raw if table not in known]
    for table, struct in known.items():
        values = raw.get(table)
        if isinstance(values, dict):
            names = struct.__struct_fields__
            found += [
                _nearest(f"{table}.{key}", tuple(f"{table}.{n}" for n in names), "key")
                for key in values
                if key not in names
            ]
    return found


def _nearest(name: str, known: tuple[str, ...], what: str) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"unknown {what} {name}" + (f", did you mean {close[0]}?" if close else f"; known: {', '.join(known)}")


def _check_ranges(config: Config, path: Path) -> None:
    ranges = {
        "ingest.max_bad_share": (config.ingest.max_bad_share, 0.0, 1.0),
        "detection.min_confidence": (config.detection.min_confidence, 0.5, 1.0),
        "detection.min_member": (config.detection.min_member, 0.5, 1.0),
        "detection.min_operator": (config.detection.min_operator, 0.5, 1.0),
        "detection.min_alone": (config.detection.min_alone, 0.5, 1.0),
        "detection.min_coordinated": (config.detection.min_coordinated, 0.5, 1.0),
    }
    wrong = [
        f"{key} = {value} is not within {low}..{high}"
        for key, (value, low, high) in ranges.items()
        if not low <= value <= high
    ]
    if wrong:
        raise ConfigError("; ".join(wrong), where=str(path))
