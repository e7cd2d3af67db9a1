"""Configuration: one TOML file, one table per stage, compiled once into frozen structs.

All errors are found at once, each with file and key; an unknown key fails with the nearest name that exists.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from stillwatch.authored import nearest
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


class Live(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``state``: the one directory everything is kept in.

    ``store``: ``postgresql://...`` (or ``env:NAME``, ``file:PATH`` of one); empty for SQLite under ``state``.
    ``window_days``: how far back mining looks; raising it finds slower campaigns and costs time and memory.
    ``mine_every_min``: minutes from the end of one mining to the start of the next. ``mine_after``: exchanges that
    have to be stored before the first. ``retention_days``: exchanges older than this against the newest are purged,
    and refused when they arrive. ``keep_letters``: dead letters held. ``keep_days``: days that decisions, campaigns no
    longer seen and the audit log are kept; 0 keeps them for good.
    """

    state: str = "stillwatch-state"
    store: str = ""
    window_days: float = 45.0
    mine_every_min: float = 30.0
    mine_after: int = 5_000
    retention_days: float = 90.0
    keep_letters: int = 10_000
    keep_days: float = 0.0


class Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``host``, ``port``: where to listen. ``public_url``: how others reach it (links in alerts, OIDC).

    ``max_body_mb``: largest request, after decompression too. ``session_h``: hours a login lasts. ``secure_cookies``:
    off only behind no TLS at all. ``snapshot_key``: ``env:NAME`` or ``file:PATH`` of the key that signs snapshots.
    """

    host: str = "127.0.0.1"
    port: int = 8700
    public_url: str = "http://127.0.0.1:8700"
    max_body_mb: int = 64
    session_h: float = 12.0
    secure_cookies: bool = True
    snapshot_key: str = ""


class Enforcement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``file``: the rules; a name of a shipped policy or a path. Read at a first start, never armed by it.

    ``share``: of accounts that a staged policy is enforced on (0..1).
    """

    file: str = "standard"
    share: float = 0.1


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``sources``, ``alerts`` and ``oidc`` are compiled by those who read them: a scan has no use for them."""

    ingest: Ingest = Ingest()
    detection: Detection = Detection()
    live: Live = Live()
    serve: Serve = Serve()
    policy: Enforcement = Enforcement()
    sources: tuple[dict[str, Any], ...] = ()
    alerts: tuple[dict[str, Any], ...] = ()
    oidc: dict[str, Any] = {}

    def digest(self) -> str:
        """Of the effective values that a finding depends on, the salt left out."""
        shown = (msgspec.structs.replace(self.ingest, salt=""), self.detection)
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
    known = {"ingest": Ingest, "detection": Detection, "live": Live, "serve": Serve, "policy": Enforcement}
    elsewhere = ("sources", "alerts", "oidc")
    names = (*known, *elsewhere)
    found = [nearest(table, names, "table") for table in raw if table not in names]
    for table, struct in known.items():
        values = raw.get(table)
        if isinstance(values, dict):
            fields = struct.__struct_fields__
            found += [
                nearest(f"{table}.{key}", tuple(f"{table}.{n}" for n in fields), "key")
                for key in values
                if key not in fields
            ]
    return found


def _check_ranges(config: Config, path: Path) -> None:
    ranges = {
        "ingest.max_bad_share": (config.ingest.max_bad_share, 0.0, 1.0),
        "detection.min_confidence": (config.detection.min_confidence, 0.5, 1.0),
        "detection.min_member": (config.detection.min_member, 0.5, 1.0),
        "detection.min_operator": (config.detection.min_operator, 0.5, 1.0),
        "detection.min_alone": (config.detection.min_alone, 0.5, 1.0),
        "detection.min_coordinated": (config.detection.min_coordinated, 0.5, 1.0),
        "live.window_days": (config.live.window_days, 0.04, 3650.0),
        "live.mine_every_min": (config.live.mine_every_min, 0.0, 100_000.0),
        "live.retention_days": (config.live.retention_days, 0.04, 36500.0),
        "live.keep_days": (config.live.keep_days, 0.0, 36500.0),
        "serve.port": (config.serve.port, 0, 65535),
        "serve.max_body_mb": (config.serve.max_body_mb, 1, 4096),
        "policy.share": (config.policy.share, 0.0, 1.0),
    }
    wrong = [
        f"{key} = {value} is not within {low}..{high}"
        for key, (value, low, high) in ranges.items()
        if not low <= value <= high
    ]
    if wrong:
        raise ConfigError("; ".join(wrong), where=str(path))
