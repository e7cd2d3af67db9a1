"""Fingerprints on disk: immutable Parquet files, each with the sorted keys of its exchange ids beside it.

A segment exists once the store has a row for it; files without one are what a crash left, and are swept away at
start. It does not know what a campaign is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import EngineError
from stillwatch.store.protocol import Segment
from stillwatch.tables import FINGERPRINTS
from stillwatch.text.keys import keys_of, secret

Ids = npt.NDArray[np.uint64]
_ID_SECRET = secret(b"", "exchange_id")  # the ids stand in the segment anyway


def id_keys(prints: pa.Table | pa.RecordBatch) -> Ids:
    """64-bit keys of the exchange ids, in row order. Two of a billion ids share one with a chance of about 3 %."""
    column = prints.column("exchange_id")
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return keys_of(whole, _ID_SECRET)[0]


class SegmentLog:
    """The files of one directory. Methods raise EngineError where the disk refuses."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.directory / name

    def write(self, prints: pa.Table, ids: Ids, name: str, now: datetime) -> Segment:
        """One durable file: written beside its place, flushed, renamed. ``ids`` may come in any order."""
        try:
            self._put(name, lambda at: pq.write_table(prints, at, compression="zstd", write_statistics=False))
            self._put(_ids_name(name), lambda at: _save(at, np.sort(ids)))
            _flush(self.directory)
        except OSError as error:
            self.remove([name])
            raise EngineError(f"{self.directory}: cannot write a segment: {error.strerror or error}") from error
        span = pc.min_max(prints.column("at")).as_py()
        return Segment(
            name=name,
            exchanges=prints.num_rows,
            first_at=span["min"],
            last_at=span["max"],
            stored_at=now,
            bytes=self.path(name).stat().st_size,
        )

    def _put(self, name: str, write: object) -> None:
        beside = self.path(name + ".part")
        assert callable(write)
        write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.rename(self.path(name))

    def read(self, segments: Sequence[Segment]) -> pa.Table:
        """Their rows, one after the other (``tables.FINGERPRINTS``)."""
        if not segments:
            return FINGERPRINTS.empty_table()
        return read_files([self.path(segment.name) for segment in segments])

    def ids(self, name: str) -> Ids:
        """The sorted keys of a segment's exchange ids, mapped and not read; made anew where their file is gone."""
        try:
            return np.load(self.path(_ids_name(name)), mmap_mode="r")
        except (OSError, ValueError, EOFError):
            ids = id_keys(read_files([self.path(name)]))
            self._put(_ids_name(name), lambda at: _save(at, np.sort(ids)))
            return np.load(self.path(_ids_name(name)), mmap_mode="r")

    def sweep(self, known: Iterable[str]) -> int:
        """Removes files that no row of the store knows. Returns how many went."""
        keep = {file for name in known for file in (name, _ids_name(name))}
        found = [path for path in self.directory.iterdir() if path.name not in keep]
        for path in found:
            path.unlink()
        return len(found)

    def remove(self, names: Iterable[str]) -> None:
        """Removes segments' files; a missing one is none the worse."""
        for name in names:
            for file in (name, _ids_name(name), name + ".part", _ids_name(name) + ".part"):
                self.path(file).unlink(missing_ok=True)


def read_files(paths: Sequence[Path]) -> pa.Table:
    """Segment files as one table. Raises EngineError for one that is damaged or gone."""
    try:
        return pa.concat_tables([pq.read_table(path, schema=FINGERPRINTS) for path in paths])
    except (OSError, pa.ArrowInvalid) as error:
        raise EngineError(f"a segment cannot be read: {error}; restore it or purge its period") from error


def _ids_name(name: str) -> str:
    return name.removesuffix(".parquet") + ".ids.npy"


def _save(path: Path, ids: Ids) -> None:
    with path.open("wb") as file:
        np.save(file, ids)


def _flush(directory: Path) -> None:
    """A rename is durable once its directory is."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
