"""``[[sources]]`` tables of stillwatch.toml → configured sources. Every mistake is found at once, with table and key.

Client packages are asked for only by the kind that needs them; the error names the extra that brings them.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from stillwatch.errors import ConfigError, InputError
from stillwatch.ingest import formats
from stillwatch.sources.config import Files, Kafka, Nats, Secret, SourceConfig
from stillwatch.sources.protocol import Source

KINDS: dict[str, type[Files | Nats | Kafka]] = {"files": Files, "nats": Nats, "kafka": Kafka}


def configured(tables: Sequence[Mapping[str, object]], where: str = "") -> tuple[SourceConfig, ...]:
    """One struct per table. Raises ConfigError naming every wrong table and key. Opens nothing."""
    problems: list[str] = []
    found: list[SourceConfig] = []
    for number, table in enumerate(tables, 1):
        place = f"sources[{number}]"
        kind = table.get("kind")
        struct = KINDS.get(kind) if isinstance(kind, str) else None
        if struct is None:
            problems.append(f"{place}.kind is {kind!r}; known: {', '.join(KINDS)}")
            continue
        known = [field.encode_name for field in msgspec.structs.fields(struct)]
        unknown = [key for key in table if key not in known and key != "kind"]
        problems += [_nearest(f"{place}.{key}", key, known) for key in unknown]
        try:
            config = msgspec.convert({key: table[key] for key in table if key not in unknown}, struct)
        except msgspec.ValidationError as error:
            problems.append(f"{place}: {error}")
            continue
        problems += _wrong_values(place, config)
        found.append(config)
    names = [config.name for config in found]
    problems += [f"two sources are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise ConfigError("; ".join(problems), where=where)
    return tuple(found)


def _nearest(place: str, key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"unknown key {place}" + (f", did you mean {close[0]}?" if close else f"; known: {', '.join(known)}")


def _wrong_values(place: str, config: SourceConfig) -> list[str]:
    problems: list[str] = []
    if not config.name.strip():
        problems.append(f"{place}.name is empty")
    if not 0 < config.letters.share <= 1:
        problems.append(f"{place}.letters.share = {config.letters.share} is not within 0..1")
    if config.letters.window < 1:
        problems.append(f"{place}.letters.window = {config.letters.window} is less than 1")
    if config.format is not None:
        try:
            formats.named(config.format)
        except (ConfigError, InputError) as error:
            problems.append(f"{place}.format: {error}")
    needed = {"paths": getattr(config, "paths", ("",)), "topics": getattr(config, "topics", ("",))}
    problems += [f"{place}.{key} is empty" for key, value in needed.items() if not value]
    if isinstance(config, Files):
        times = {"poll_s": config.poll_s, "settle_s": config.settle_s}
        problems += [f"{place}.{key} = {value} is not above 0" for key, value in times.items() if value <= 0]
    if isinstance(config, Nats) and config.max_unstored < 1:
        problems.append(f"{place}.max_unstored = {config.max_unstored} is less than 1")
    if isinstance(config, Kafka):
        ours = ("enable.auto.commit", "group.id", "bootstrap.servers", "auto.offset.reset")
        problems += [f"{place}.properties.{key} is set by Stillwatch" for key in config.properties if key in ours]
    return problems


def open_source(config: SourceConfig) -> Source:
    """The source, not yet started. Raises ConfigError where its client is not installed or a secret is not there."""
    # clients are optional packages: each kind imports its own, when it is used
    if isinstance(config, Files):
        from stillwatch.sources.files import FileSource  # noqa: PLC0415

        return FileSource(config)
    try:
        if isinstance(config, Nats):
            from stillwatch.sources.nats import NatsSource  # noqa: PLC0415

            return NatsSource(config)
        from stillwatch.sources.kafka import KafkaSource  # noqa: PLC0415

        return KafkaSource(config)
    except ImportError as error:
        kind = "nats" if isinstance(config, Nats) else "kafka"
        raise ConfigError(
            f"source {config.name!r} needs the package {error.name}", hint=f"pip install 'stillwatch[{kind}]'"
        ) from error


def secret_of(secret: Secret | None, what: str) -> str | None:
    """The secret's value. Raises ConfigError where it is not there; the value is never part of a message."""
    if secret is None:
        return None
    if (secret.file is None) == (secret.env is None):
        raise ConfigError(f"{what}: name either a file or an environment variable (env)")
    if secret.env is not None:
        value = os.environ.get(secret.env, "")
    else:
        try:
            value = Path(secret.file or "").read_text(encoding="utf-8").split("\n", 1)[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{what}: {secret.file} cannot be read") from error
    if not value:
        raise ConfigError(f"{what}: {secret.env or secret.file} is empty or not set")
    return value
