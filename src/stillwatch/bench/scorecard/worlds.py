"""Worlds for the bench: composed into a directory of their own, scanned as a user would, or fingerprinted.

Fingerprints are kept beside the answers only for parts that ask many questions of one world.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa

from stillwatch import api, pipeline
from stillwatch.bench.scorecard.grading import WorldGrade, grade_world
from stillwatch.bench.scorecard.tasks import Task, ground
from stillwatch.campaigns.weights import Weights, load_weights
from stillwatch.compose import compose, write_world
from stillwatch.config import Config, Detection
from stillwatch.ingest import Options, Quarantine, open_exchanges, read_accounts
from stillwatch.model import InputSummary, ScanResult
from stillwatch.report import Report
from stillwatch.text import load_model

SALT = b"bench"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A world as the pipeline reads it: ``prints`` (``tables.FINGERPRINTS``), ``side`` (``tables.ACCOUNTS``)."""

    folder: Path
    prints: pa.Table
    side: pa.Table | None

    def scan(self, weights: Weights | None = None, settings: Detection | None = None) -> tuple[ScanResult, pa.Table]:
        """As ``api.scan`` does from here on."""
        summary = summary_of(self.prints)
        return pipeline.scan(self.prints, self.side, summary, weights or load_weights(), settings or Detection())


def summary_of(prints: pa.Table) -> InputSummary:
    """What the pipeline wants to be told of an input that the bench made itself."""
    at = prints.column("at").cast(pa.int64()).to_numpy()
    accounts = prints.unify_dictionaries().group_by(["platform", "account_id"]).aggregate([]).num_rows
    first, last = (datetime.fromtimestamp(float(us) / 1e6, UTC) for us in (at.min(), at.max()))
    return InputSummary(
        exchanges=prints.num_rows, accounts=accounts, quarantined=0, first=first, last=last, missing_columns=()
    )


def write_task_world(task: Task, corpus: Path | None, folder: Path) -> Path:
    """Compose the task's world into a directory."""
    write_world(compose(task.suite, task.seed, corpus, task.exchanges), folder)
    return folder


def graded(task: Task, corpus: Path | None, store: Path) -> WorldGrade:  # noqa: ARG001 - leaves nothing in the store
    """Compose, scan, grade; nothing but the grade is left."""
    with tempfile.TemporaryDirectory() as temporary:
        world = write_task_world(task, corpus, Path(temporary) / "world")
        accounts = world / "accounts.parquet"
        started = time.perf_counter()
        if task.weights is None:
            report = api.scan(
                world / "exchanges.parquet",
                accounts=accounts if accounts.exists() else None,
                config=Config(detection=Detection(disabled_families=task.off)),
            )
        else:
            report = Report(*_prepare(world).scan(read_weights(Path(task.weights[0]))))
        return grade_world(task.name, task.seed, report, world, time.perf_counter() - started)


def read_weights(path: Path) -> Weights:
    """Weights that the bench fitted itself."""
    return msgspec.json.decode(path.read_bytes(), type=Weights)


def prepared(task: Task, corpus: Path | None, store: Path) -> Prepared:
    """The task's world with its fingerprints, kept in ``store`` for the next task that asks."""
    folder = store / task.world_key(ground(corpus))
    if not (folder / "prints.arrow").exists():
        store.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".world-", dir=store))
        try:
            world = write_task_world(task, corpus, made / "world")
            _save(_prepare(world).prints, world / "prints.arrow")
            with suppress(OSError):  # another process was faster: its world is the same
                world.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    with pa.memory_map(str(folder / "prints.arrow")) as source:
        prints = pa.ipc.open_file(source).read_all()
    return Prepared(folder=folder, prints=prints, side=_side(folder))


def _prepare(world: Path) -> Prepared:
    stream = open_exchanges([world / "exchanges.parquet"], Options(encoded=True), Quarantine())
    prints = pipeline.fingerprints(stream.batches(), load_model(), SALT)
    return Prepared(folder=world, prints=prints, side=_side(world))


def _side(world: Path) -> pa.Table | None:
    accounts = world / "accounts.parquet"
    return read_accounts(accounts, Quarantine()) if accounts.exists() else None


def _save(prints: pa.Table, path: Path) -> None:
    unified = prints.unify_dictionaries()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, unified.schema) as writer:
        writer.write_table(unified)
