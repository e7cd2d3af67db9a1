"""CPU and memory of a scan beside a plain scan-and-hash of the same prompts, in one run.

    python -m stillwatch.bench.speed [--rows 2000000] [--json FILE] [--stage ingest|fingerprint|scan]
        [--format parquet|jsonl]

Stages are cumulative: ``ingest`` reads and checks exchanges, ``fingerprint`` turns them into the fingerprint table,
``scan`` is everything. ``--stage`` and ``--format`` may be given more than once; without them all are measured side by
side. Every stage runs in a process of its own; its cost is user + system time of the process and its children, imports
and loading of compiled kernels included. Ratios travel between machines, seconds do not. The text is our own grammar
with heavy-tailed lengths (400 bytes on average); it says nothing about how well anything is found.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

Format = Literal["parquet", "jsonl"]
Stage = Literal["plain", "ingest", "fingerprint", "scan"]
STAGES: tuple[Stage, ...] = ("plain", "ingest", "fingerprint", "scan")


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over the repeats of one stage: CPU seconds, wall seconds, peak resident bytes of the largest process."""

    stage: Stage
    cpu_s: float
    wall_s: float
    peak_bytes: int
    ratio: float | None = None


_MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss * 1024]))
"""

_READ = {"parquet": "read_parquet", "jsonl": "read_json"}


def _command(stage: Stage, source: Path, kind: Format, scratch: Path) -> list[str]:
    if stage == "plain":
        table = f"{_READ[kind]}('{source}'" + (")" if kind == "parquet" else ", columns={'prompt': 'VARCHAR'})")
        return [sys.executable, "-c", f'import duckdb; duckdb.sql("select sum(hash(prompt)) from {table}").fetchall()']
    if stage == "scan":
        return [sys.executable, "-m", "stillwatch", "scan", str(source), "--out", str(scratch / "report")]
    return [sys.executable, "-m", "stillwatch.bench.speed", "--run", stage, "--source", str(source)]


def _environment(source: Path) -> dict[str, str]:
    """As an installed program runs: with compiled bytecode of every package kept, also where the shell forbids it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(source.parent.absolute() / "bytecode")}


def _once(stage: Stage, source: Path, kind: Format) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as scratch:
        command = _command(stage, source, kind, Path(scratch))
        measured = [sys.executable, "-c", _MEASURE, *command]
        done = subprocess.run(measured, capture_output=True, text=True, check=True, env=_environment(source))  # noqa: S603
    code, cpu_s, wall_s, peak_bytes = json.loads(done.stdout)
    if code:
        raise SystemExit(f"speed: stage {stage} ended with exit code {code}: {' '.join(command[:4])}\n{done.stderr}")
    return cpu_s, wall_s, peak_bytes


def _cost(stage: Stage, runs: Sequence[tuple[float, float, int]], plain_cpu_s: float | None) -> Cost:
    cpu_s = statistics.median(run[0] for run in runs)
    return Cost(
        stage=stage,
        cpu_s=round(cpu_s, 3),
        wall_s=round(statistics.median(run[1] for run in runs), 3),
        peak_bytes=max(run[2] for run in runs),
        ratio=None if plain_cpu_s is None else round(cpu_s / plain_cpu_s, 2),
    )


def measure(source: Path, kind: Format, stages: Sequence[Stage], repeats: int) -> list[Cost]:
    """Costs of the stages, interleaved so that a noisy minute hits all of them."""
    runs: dict[Stage, list[tuple[float, float, int]]] = {stage: [] for stage in stages}
    for stage in stages:
        _once(stage, source, kind)  # fills the page cache and the cache of compiled kernels
    for _ in range(repeats):
        for stage in stages:
            runs[stage].append(_once(stage, source, kind))
    plain_cpu_s = statistics.median(run[0] for run in runs["plain"])
    return [_cost(stage, runs[stage], plain_cpu_s) for stage in stages]


def run_stage(stage: Stage, source: Path) -> int:
    """Read exchanges and, for ``fingerprint``, fingerprint them; returns the rows. Called in a process of its own."""
    import pyarrow as pa  # noqa: PLC0415 - imports are part of the cost

    from stillwatch.ingest import Options, Quarantine, open_exchanges  # noqa: PLC0415

    batches = open_exchanges([source], Options(encoded=True), Quarantine()).batches()
    if stage == "ingest":
        return sum(batch.num_rows for batch in batches)
    from stillwatch.text import fingerprint, load_model  # noqa: PLC0415

    model = load_model()
    return pa.Table.from_batches([fingerprint(batch, salt=b"bench", model=model) for batch in batches]).num_rows


def show(costs: Sequence[Cost]) -> str:
    """The table for people."""
    lines = [f"{'stage':<14}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'x plain':>9}"]
    for cost in costs:
        ratio = "" if cost.ratio is None else f"{cost.ratio:.2f}"
        lines.append(f"{cost.stage:<14}{cost.cpu_s:>9.2f}{cost.wall_s:>9.2f}{cost.peak_bytes / 1e6:>9.0f}{ratio:>9}")
    return "\n".join(lines)


def _stages(chosen: Sequence[str] | None) -> list[Stage]:
    known: list[Stage] = [stage for stage in STAGES if stage != "scan" or find_spec("stillwatch.cli.app")]
    return [stage for stage in known if chosen is None or stage in {"plain", *chosen}]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--format", choices=("parquet", "jsonl"), action="append", help="both when not given")
    parser.add_argument("--stage", choices=STAGES[1:], action="append", help="only this stage beside the plain scan")
    parser.add_argument("--folder", type=Path, default=Path("out/bench"), help="where composed files are kept")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--run", choices=STAGES[1:3], help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    chosen = _arguments(arguments)
    if chosen.run:
        run_stage(chosen.run, chosen.source)
        return
    from stillwatch.bench.traffic import composed  # noqa: PLC0415 - what composes files is no cost of a stage

    figures: dict[str, list[Cost]] = {}
    for kind in chosen.format or ("parquet", "jsonl"):
        source = composed(chosen.folder, chosen.rows, kind)
        figures[kind] = measure(source, kind, _stages(chosen.stage), chosen.repeats)
        sys.stdout.write(f"{kind}, {chosen.rows} rows, {source.stat().st_size / 1e6:.0f} MB\n{show(figures[kind])}\n\n")
        sys.stdout.flush()
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode({"rows": chosen.rows, "costs": figures})))


if __name__ == "__main__":
    main()
