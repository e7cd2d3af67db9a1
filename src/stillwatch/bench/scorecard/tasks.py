"""What the bench is made of: tasks that each compose one world, measure one thing on it, and keep the answer.

A task's name in the store is a digest of everything its answer depends on: its own fields, the code and weights that
detect and compose, and the corpus. What is there already is not computed again; what was made by other code is not
taken for it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

import stillwatch
from stillwatch.compose import Suite

Kind = Literal["suite", "sweep", "source", "tactic", "permutation", "ablation", "detectors"]
PACKAGE = Path(stillwatch.__file__).parent
# what an answer depends on: code and fitted files that compose and detect, and those of the bench that grade
METHOD = ("campaigns", "compose", "detectors", "ingest", "operators", "tally", "text")
METHOD_FILES = ("api.py", "config.py", "model.py", "pipeline.py", "tables.py", "bench/quality.py")
ANSWERING = ("ablations", "calibration", "grading", "matching", "permuted", "statistics", "truth", "worlds", "worth")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to measure on one world.

    ``name``: what it belongs to in its part (a run, an assumption, a tactic family). ``value``: of a swept assumption.
    ``off``: evidence families switched off. ``hidden``: groups of columns hidden. ``number``: which permutations.
    ``weights``: file of other weights than the shipped ones, and its digest.
    """

    kind: Kind
    name: str
    suite: Suite
    seed: int
    exchanges: int | None = None
    value: float | None = None
    off: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    first: int = 0
    count: int = 0
    weights: tuple[str, str] | None = None

    def key(self, ground: str) -> str:
        """Name of its file in the store. ``ground``: digest of what all answers depend on."""
        own = msgspec.structs.replace(self, weights=None if self.weights is None else ("", self.weights[1]))
        digest = hashlib.sha256(msgspec.json.encode([own, ground], order="deterministic")).hexdigest()[:12]
        return f"{self.kind}-{self.name}-{self.seed}-{digest}"

    def world_key(self, ground: str) -> str:
        """Name of its world, which other tasks may share."""
        parts = [self.suite, self.seed, self.exchanges, ground]
        return f"{self.suite.name}-{self.seed}-{hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:12]}"


@cache
def method_digest() -> str:
    """Of the source and the fitted files that compose, detect and grade."""
    files = [path for name in METHOD for path in sorted((PACKAGE / name).rglob("*")) if path.suffix in _SUFFIXES]
    files += [PACKAGE / name for name in METHOD_FILES]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(PACKAGE).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


_SUFFIXES = (".py", ".json", ".npz", ".toml")


def corpus_digest(corpus: Path | None) -> str | None:
    """Of the names and sizes of its files: enough to tell one corpus from another, without reading gigabytes."""
    if corpus is None:
        return None
    listed = sorted((path.name, path.stat().st_size) for path in corpus.glob("*.parquet"))
    return hashlib.sha256(repr(listed).encode()).hexdigest()[:16]


def ground(corpus: Path | None) -> str:
    """Digest of what every answer depends on."""
    grading = b"".join((Path(__file__).parent / f"{name}.py").read_bytes() for name in ANSWERING)
    parts = [hashlib.sha256(grading).hexdigest(), method_digest(), corpus_digest(corpus)]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def write(path: Path, content: bytes) -> None:
    """All of it or nothing, also where two processes write the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """What is in the store, made where it is not there yet."""
    if not path.exists():
        write(path, make())
    return path.read_bytes()
