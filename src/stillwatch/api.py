"""Scan from Python: the same as the command line, as a report object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa

from stillwatch import __version__, pipeline
from stillwatch.campaigns.weights import load_weights
from stillwatch.clock import now
from stillwatch.config import Config
from stillwatch.ingest import ExchangeStream, Options, Quarantine, open_exchanges, read_accounts
from stillwatch.model import InputSummary
from stillwatch.report import Report
from stillwatch.text import load_model

Paths = str | Path | Sequence[str | Path]
Progress = Callable[[int, int], None]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def scan(
    exchanges: Paths,
    *,
    accounts: str | Path | None = None,
    join: str | Path | None = None,
    format: str | None = None,  # noqa: A002 - as on the command line
    config: Config | None = None,
    quarantine: Quarantine | None = None,
    progress: Progress | None = None,
    say: pipeline.Say = pipeline.silent,
) -> Report:
    """Find campaigns in request logs.

    ``exchanges``: files, globs or directories. ``accounts``: the side table. ``join``: account identity by request id.
    ``progress(done_bytes, all_bytes)`` and ``say(stage)`` are told how far it is. Raises InputError or ConfigError.
    Cost: one pass over the text, then about linear in exchanges; memory about 0.5 kB per exchange.
    """
    settings = config or Config()
    options = _options(settings, format, join, progress)
    rejected = quarantine or Quarantine(max_bad_share=settings.ingest.max_bad_share, content=settings.ingest.content)
    paths = [exchanges] if isinstance(exchanges, str | Path) else exchanges
    stream = open_exchanges(paths, options, rejected)
    side = read_accounts(Path(accounts), rejected) if accounts is not None else None
    say("reading exchanges")
    salt = settings.ingest.salt.encode()
    prints = pipeline.fingerprints(_batches(stream), load_model(), salt)
    summary = _summary(stream, prints, side)
    held = [prints]  # handed over, so that the scan can let go of them
    del prints
    result, scores = pipeline.scan(held.pop(), side, summary, load_weights(), settings.detection, say)
    result = msgspec.structs.replace(result, configuration_digest=settings.digest(), version=__version__)
    return Report(result, scores)


def read_fingerprints(
    exchanges: Sequence[str | Path], *, accounts: str | Path | None, config: Config
) -> tuple[pa.Table, pa.Table | None]:
    """The first stage alone: fingerprints of files, and the side table. Raises InputError."""
    options = _options(config, None, None, None)
    rejected = Quarantine(max_bad_share=config.ingest.max_bad_share, content=config.ingest.content)
    stream = open_exchanges(exchanges, options, rejected)
    side = read_accounts(Path(accounts), rejected) if accounts is not None else None
    return pipeline.fingerprints(_batches(stream), load_model(), config.ingest.salt.encode()), side


def _options(settings: Config, format: str | None, join: str | Path | None, progress: Progress | None) -> Options:  # noqa: A002
    return Options(
        format=format,
        join=Path(join) if join is not None else None,
        salt=settings.ingest.salt.encode(),
        max_bad_share=settings.ingest.max_bad_share,
        content=settings.ingest.content,
        now=now(),
        progress=progress,
        encoded=True,
    )


def _batches(stream: ExchangeStream) -> Iterator[pa.RecordBatch]:
    yield from stream.batches()


def _summary(stream: ExchangeStream, prints: pa.Table, side: pa.Table | None) -> InputSummary:
    missing = list(stream.missing_columns)
    if side is None:
        missing.append("accounts")
    unified = prints.select(["platform", "account_id"]).unify_dictionaries()
    pairs = unified.group_by(["platform", "account_id"]).aggregate([])
    return InputSummary(
        exchanges=stream.accepted,
        accounts=pairs.num_rows,
        quarantined=stream.quarantined,
        first=stream.first or EPOCH,
        last=stream.last or EPOCH,
        missing_columns=tuple(missing),
        duplicate_exchanges=stream.duplicates,
        extra_columns=stream.extra_columns,
    )


__all__ = ["scan"]
