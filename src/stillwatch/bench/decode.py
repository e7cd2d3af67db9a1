"""Rows a second of decoding NDJSON, beside plain ``json.loads`` of the same bytes, in one run.

    python -m stillwatch.bench.decode [--rows 50000] [--repeats 5]

CPU of one process and one thread, best of the repeats after one to warm up; the text is the speed bench's (prompts of
400 bytes on average, rows of about 1.1 kB). ``exact`` is the slow way that odd rows take. Ratios travel, rates do not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stillwatch.bench.traffic import composed
from stillwatch.sources import Body, Reading, decode


def _rate(rows: int, repeats: int, call: Callable[[], object]) -> float:
    call()
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        call()
        best = min(best, time.process_time() - begin)
    return rows / best


def measure(rows: int, repeats: int) -> dict[str, float]:
    """Rows a second and core of each way. Cost: seconds."""
    with tempfile.TemporaryDirectory() as folder:
        data = composed(Path(folder), rows, "jsonl").read_bytes()
    reading = Reading(salt=b"bench")
    body = Body(data=data, format="canonical", container="lines")
    found = decode(body, reading)
    assert found.batch.num_rows == rows, found.letters[:1]
    return {
        "json.loads": _rate(rows, repeats, lambda: [json.loads(line) for line in data.splitlines()]),
        "decode": _rate(rows, repeats, lambda: decode(body, reading)),
        "exact": _rate(rows, 1, lambda: decode(body, reading, exact=True)),
    }


def main() -> None:
    """Prints one line per way."""
    parser = argparse.ArgumentParser(prog="python -m stillwatch.bench.decode", description="Speed of decoding NDJSON.")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    rates = measure(given.rows, given.repeats)
    for name, rate in rates.items():
        sys.stdout.write(f"{name:12} {rate:10,.0f} rows/s  {rate / rates['json.loads']:5.2f} x json.loads\n")


if __name__ == "__main__":
    main()
