"""Peers on the same worlds, and Stillwatch by the same measure.

    python -m stillwatch.bench.peers [--corpus DIR] [--suite small] [--seeds 1,2] [--fit-seeds 1101,1102] --out FILE

Writes FILE as JSON and beside it the same as a Markdown page. Needs the extra ``bench``. Peers are tuned on the fitting
seeds alone. What it cannot tell: how any of them does on traffic this composer did not write.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stillwatch.bench.quality import LARGEST_SEED
from stillwatch.compose import SUITES, compose, write_world

PACKAGES = ("datasketch", "honeypotllm", "networkit", "numpy", "pyod", "scikit-learn", "scipy")
MODULES = ("datasketch", "honeypotllm", "pyod", "sklearn")


def written(suite: str, seed: int, corpus: Path | None, folder: Path) -> Path:
    """The world of a seed, composed where it is not there yet."""
    world = folder / f"{suite}-{seed}"
    if not (world / "exchanges.parquet").exists():
        write_world(compose(suite, seed, corpus), world)
    return world


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stillwatch.bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, help="directory of real prompts; without it the composer's own grammar")
    parser.add_argument("--suite", default="small", choices=sorted(SUITES))
    parser.add_argument("--seeds", type=_numbers, default=(1, 2), help=f"below {LARGEST_SEED}, comma-separated")
    parser.add_argument("--fit-seeds", type=_numbers, default=(1101, 1102), help=f"from {LARGEST_SEED} on")
    parser.add_argument("--peers", help="names of peers, comma-separated; all of them otherwise")
    parser.add_argument("--out", type=Path, required=True, help="JSON file; the page goes beside it as .md")
    parser.add_argument("--keep", type=Path, help="directory in which composed worlds are kept and reused")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Tune, score, grade, write."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if max(chosen.seeds) >= LARGEST_SEED or min(chosen.fit_seeds) < LARGEST_SEED:
        parser.error(f"worlds to fit on have seeds from {LARGEST_SEED}, worlds to measure on have seeds below")
    if missing := [name for name in MODULES if importlib.util.find_spec(name) is None]:
        parser.error(f"not installed: {', '.join(missing)}; pip install '.[bench]'")
    # what they import is in the extra
    from stillwatch.bench.peers.compare import compare  # noqa: PLC0415
    from stillwatch.bench.peers.page import markdown  # noqa: PLC0415
    from stillwatch.bench.peers.registry import BUILTIN  # noqa: PLC0415

    names = chosen.peers.split(",") if chosen.peers else [peer.name for peer in BUILTIN]
    if unknown := set(names) - {peer.name for peer in BUILTIN}:
        parser.error(f"no peer named {', '.join(sorted(unknown))}; one of {', '.join(peer.name for peer in BUILTIN)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        found = compare(
            [peer for peer in BUILTIN if peer.name in names],
            suite=chosen.suite,
            corpus=chosen.corpus is not None,
            fitting={seed: written(chosen.suite, seed, chosen.corpus, folder) for seed in chosen.fit_seeds},
            evaluation={seed: written(chosen.suite, seed, chosen.corpus, folder) for seed in chosen.seeds},
            packages={name: importlib.metadata.version(name) for name in PACKAGES},
            say=lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201 - progress
        )
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    page = markdown(found)
    chosen.out.with_suffix(".md").write_text(page, encoding="utf-8")
    sys.stdout.write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
