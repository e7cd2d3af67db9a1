"""What may be said about a source in the configuration: one frozen struct per kind, unknown keys refused.

Passwords and tokens are never written here: they come from a file, or from the environment by the name given.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stillwatch.ingest.records import Signal
from stillwatch.sources.letters import Limit


class Secret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is: in ``file`` (its first line), or in the environment variable ``env``."""

    file: str | None = None
    env: str | None = None


class Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every source has.

    ``name`` stands for it in the store: keep it, or everything is read again. ``format`` names a format of ingest;
    without it every body is looked at. ``signal`` says what OTLP protobuf holds. ``platform`` is for records that name
    none. ``letters`` says when so many rows are rejected that the source is paused.
    """

    name: str
    format: str | None = None
    signal: Signal | None = None
    platform: str = "api"
    letters: Limit = Limit()


class Files(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="files"):
    """Files, directories (with all below them) and globs. ``begin``: where files are read from that were there before.

    ``poll_s``: seconds between looks. ``settle_s``: how long a file that is read as a whole must not have changed.
    """

    paths: tuple[str, ...]
    begin: Literal["start", "end"] = "start"
    poll_s: float = 1.0
    settle_s: float = 2.0


class Nats(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="nats"):
    """A stream of NATS JetStream, read by a durable pull consumer that nobody else reads.

    ``begin`` counts only while nothing was stored and the consumer is new. ``credentials`` is a .creds file.
    ``max_unstored`` messages may be delivered and not yet stored; then the server waits.
    """

    servers: tuple[str, ...] = ("nats://127.0.0.1:4222",)
    stream: str
    subject: str = ">"
    durable: str = "stillwatch"
    begin: Literal["start", "end"] = "start"
    max_unstored: int = 50_000
    credentials: str | None = None
    token: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    ca_file: str | None = None


class Kafka(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="kafka"):
    """Topics of a broker that speaks the Kafka protocol. ``begin`` counts where no position is known.

    ``properties`` go to librdkafka as they are (``security.protocol``, ``ssl.ca.location`` ...), those of ``secrets``
    with their values read from a file or the environment.
    """

    brokers: tuple[str, ...] = ("127.0.0.1:9092",)
    topics: tuple[str, ...]
    group: str = "stillwatch"
    begin: Literal["start", "end"] = "start"
    properties: dict[str, str] = {}
    secrets: dict[str, Secret] = {}


SourceConfig = Files | Nats | Kafka
