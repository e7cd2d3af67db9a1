"""Latency and memory of a gateway's decision in its own process, beside a bare dict look-up in the same run.

    python -m stillwatch.bench.decide [--accounts 2000000] [--asks 200000] [--json FILE]

Every account of the table has a decision; half of what is asked about is in it. Each ask is timed alone, so a figure
holds the timer's own cost, which the bare look-up shows. Then the same while whole snapshots are decoded and swapped in
by another thread, as after a restart of the service: the interpreter's lock makes asks wait there, and how long
is shown. Microseconds hold for one machine; the ratio travels.
"""

from __future__ import annotations

import argparse
import random
import resource
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from stillwatch.gateway.snapshot import Entry, Rows, Stamp, _pack, decode, encode, microseconds
from stillwatch.gateway.table import Table
from stillwatch.model import Action

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
# as a policy hands them out, about: most in shadow or marked, few denied
_ACTIONS: tuple[Action, ...] = ("observe", "watermark", "withhold_reasoning", "throttle", "challenge", "deny")


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds of one ask."""

    p50_us: float
    p99_us: float
    worst_us: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    accounts: int
    asks: int
    bytes_an_account: float
    snapshot_bytes: int
    encode_s: float
    decode_s: float
    bare: Latency
    decide: Latency
    while_swapping: Latency
    swaps: int
    ratio_p50: float


def _rows(accounts: int) -> Rows:
    start, end = microseconds(_NOW), microseconds(_NOW + timedelta(days=1))
    chosen = random.Random(7)
    rows: dict[str, bytes] = {}
    for number in range(accounts):
        action = _ACTIONS[number % len(_ACTIONS)]
        value = 60.0 if action == "throttle" else None
        entry = Entry(action, bool(number & 8), start, end, f"d-{chosen.getrandbits(80):020x}", value)
        rows[f"acct-{number:016x}"] = _pack([entry])
    return {"api": rows}


def _latency(ask: Callable[[str], object], names: list[str]) -> Latency:
    clock, spent = time.perf_counter_ns, np.empty(len(names))
    for place, name in enumerate(names):
        start = clock()
        ask(name)
        spent[place] = clock() - start
    p50, p99, worst = (float(v) / 1000 for v in np.percentile(spent, [50, 99, 100]))
    return Latency(p50_us=p50, p99_us=p99, worst_us=worst)


def _resident_bytes() -> int:
    """Of this process now; its peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _while_swapping(table: Table, payload: bytes, now_us: int, asks: list[str]) -> tuple[Latency, int]:
    done, swaps = threading.Event(), 0

    def swap() -> None:
        nonlocal swaps
        while not done.is_set():
            table.apply(decode(payload), now_us)
            swaps += 1

    thread = threading.Thread(target=swap)
    thread.start()
    measured = _latency(lambda name: table.decide("api", name, now_us), asks)
    done.set()
    thread.join()
    return measured, swaps


def measure(accounts: int, asks: int) -> Measured:
    """Build, encode, decode, ask. Needs about 700 bytes an account while both tables of a swap exist."""
    begun = time.perf_counter()
    payload = encode(_rows(accounts), Stamp(0, 1), _NOW)
    encoded = time.perf_counter()
    before = _resident_bytes()
    snapshot, table, now_us = decode(payload), Table(stale_after_s=1e9), microseconds(_NOW) + 1
    decoded = time.perf_counter()
    table.apply(snapshot, now_us)
    held = _resident_bytes() - before
    chosen = random.Random(11)
    names = [f"acct-{chosen.randrange(2 * accounts):016x}" for _ in range(asks)]
    bare = _latency(snapshot.rows["api"].get, names)
    decide = _latency(lambda name: table.decide("api", name, now_us), names)
    swapping, swaps = _while_swapping(table, payload, now_us, names)
    return Measured(
        accounts=accounts,
        asks=asks,
        bytes_an_account=held / accounts,
        snapshot_bytes=len(payload),
        encode_s=encoded - begun,
        decode_s=decoded - encoded,
        bare=bare,
        decide=decide,
        while_swapping=swapping,
        swaps=swaps,
        ratio_p50=decide.p50_us / bare.p50_us,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m stillwatch.bench.decide", description=__doc__)
    parser.add_argument("--accounts", type=int, default=2_000_000)
    parser.add_argument("--asks", type=int, default=200_000)
    parser.add_argument("--json", type=Path, default=None)
    chosen = parser.parse_args()
    measured = measure(chosen.accounts, chosen.asks)
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(measured)))
    for name in ("bare", "decide", "while_swapping"):
        found: Latency = getattr(measured, name)
        line = f"p50 {found.p50_us:8.2f} us   p99 {found.p99_us:8.2f} us   worst {found.worst_us:10.1f} us"
        print(f"{name:15} {line}")  # noqa: T201 - a program of the command line
    print(  # noqa: T201
        f"{measured.accounts} accounts: {measured.bytes_an_account:.0f} bytes each in memory, "
        f"{measured.snapshot_bytes / 1e6:.0f} MB on the wire, decoded in {measured.decode_s:.1f} s; "
        f"{measured.ratio_p50:.1f} times a bare look-up"
    )


if __name__ == "__main__":
    main()
