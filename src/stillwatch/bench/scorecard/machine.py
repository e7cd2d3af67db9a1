"""Where and of what a scorecard was made: versions, digests, processor. No host name, no path, no user."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from stillwatch import __version__
from stillwatch.bench.scorecard.tasks import corpus_digest, method_digest
from stillwatch.campaigns.weights import load_weights
from stillwatch.config import Config

PACKAGES = ("numpy", "scipy", "numba", "pyarrow", "networkit", "duckdb", "msgspec")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """``memory_gb`` is None where the system does not tell."""

    processor: str
    cores: int
    memory_gb: float | None
    system: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """``method``: digest of the code and fitted files that compose, detect and grade. ``corpus``: None, no corpus."""

    stillwatch: str
    python: str
    packages: dict[str, str]
    configuration: str
    method: str
    weights: dict[str, str]
    corpus: str | None
    machine: Machine


def provenance(corpus: Path | None) -> Provenance:
    """Of this process."""
    return Provenance(
        stillwatch=__version__,
        python=platform.python_version(),
        packages={name: _version(name) for name in PACKAGES},
        configuration=Config().digest(),
        method=method_digest(),
        weights=load_weights().provenance,
        corpus=corpus_digest(corpus),
        machine=machine(),
    )


def machine() -> Machine:
    """What this runs on."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=_memory_gb(),
        system=f"{platform.system()} {platform.machine()}",
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (ValueError, OSError, AttributeError):
        return None
