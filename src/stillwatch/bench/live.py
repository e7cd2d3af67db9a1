"""What the live service costs: decisions, sustained ingest, and how soon a decision is with a gateway.

    python -m stillwatch.bench.live [--seconds 60 | --minutes 20] [--accounts 2000000] [--json FILE]

Ingest goes over loopback HTTP into ``stillwatch serve`` in a process of its own, fsync and all, while the miner is off;
an exchange counts once it is acknowledged, which is once it is stored. Sender and service share the machine's cores.
An exchange is compared with known campaigns right after it is acknowledged, by the thread that stores: the wait for an
answer plus the time between two writes bounds when it has been looked at. Nobody is a campaign here, so what a
recognition costs is not in it. Seconds hold for one machine; beside them stand ``json.loads`` of the same bodies and a
bare dict look-up, measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import numpy as np

from stillwatch.bench.decide import Measured, measure
from stillwatch.bench.served import Service, Used, bodies_of, numbered, served
from stillwatch.clock import now
from stillwatch.errors import EngineError
from stillwatch.gateway import steady
from stillwatch.gateway.client import Client, Options
from stillwatch.gateway.table import Table
from stillwatch.model import Decision

_SENDERS = 4
_WARM_S = 5.0  # not counted: kernels load, the filter's pages are touched, senders fall into step
_LONGEST_START_S = 120.0
_LONGEST_WAY_S = 30.0


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    count: int
    median_s: float
    p99_s: float
    worst_s: float


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The service at one time of the sending."""

    at_s: float
    acknowledged: int
    used: Used


class Ingest(msgspec.Struct, frozen=True, kw_only=True):
    """``json_loads_per_s``: lines of the same bodies that one thread reads with json.loads while nothing is sent.

    ``first_answer_s``: of a service just started, which loads its kernels then; compiling them at the very first.
    """

    seconds: float
    senders: int
    rows_a_body: int
    bytes_an_exchange: float
    acknowledged: int
    exchanges_per_s: float
    server_cpu_s: float
    sender_cpu_s: float
    server_us_an_exchange: float
    json_loads_per_s: float
    ratio_to_json_loads: float
    first_answer_s: float
    acknowledged_after: Waits
    moments: tuple[Moment, ...]
    status: dict[str, object]


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """From a decision's change to a gateway's table: made in the store, and undone over HTTP."""

    made: Waits
    undone: Waits


class Live(msgspec.Struct, frozen=True, kw_only=True):
    cores: int
    load_before: float
    decisions: Measured
    ingest: Ingest
    way_while_sending: Ways
    way_idle: Ways


class Sending:
    """Threads that each post one body after the other until told to stop. What is refused ends the bench."""

    def __init__(self, service: Service, bodies: Sequence[bytes], senders: int) -> None:
        self._service, self._bodies, self._numbers = service, bodies, count()
        self._stop, self._lock = Event(), Lock()
        self.acknowledged, self.waits, self.problem = 0, list[float](), ""
        self._threads = [Thread(target=self._run, daemon=True) for _ in range(senders)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def reset(self) -> None:
        """Counts from here."""
        with self._lock:
            self.acknowledged, self.waits = 0, []

    def check(self) -> None:
        """Raises EngineError where a body was not taken whole."""
        if self.problem:
            raise EngineError(f"the service did not take what was sent: {self.problem}")

    def _run(self) -> None:
        try:
            with closing(_connection(self._service, timeout_s=120.0)) as connection:
                while not self._stop.is_set():
                    self._send(connection)
        except (OSError, HTTPException, EngineError) as error:
            self.problem = self.problem or repr(error)

    def _send(self, connection: HTTPConnection) -> None:
        sending = next(self._numbers)
        body = numbered(self._bodies[sending % len(self._bodies)], sending)
        began = time.perf_counter()
        answer = _post(connection, self._service, "/v1/exchanges", body, "application/x-ndjson")
        waited = time.perf_counter() - began
        taken = answer["accepted"]
        if taken != body.count(b"\n") + 1:
            raise EngineError(str(answer))
        with self._lock:
            self.acknowledged += taken
            self.waits.append(waited)


def _connection(service: Service, timeout_s: float) -> HTTPConnection:
    parts = urlsplit(service.url)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)


def _asked(connection: HTTPConnection, service: Service, path: str) -> Any:
    connection.request("GET", path, headers={"Authorization": f"Bearer {service.token}"})
    return _read(connection)


def _post(connection: HTTPConnection, service: Service, path: str, body: bytes, kind: str) -> Any:
    connection.request("POST", path, body, {"Authorization": f"Bearer {service.token}", "Content-Type": kind})
    return _read(connection)


def _read(connection: HTTPConnection) -> Any:
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise EngineError(f"{answer.status} {data[:500]!r}")
    return json.loads(data)


def _json_loads_per_s(bodies: Sequence[bytes]) -> float:
    lines = [line for body in bodies[:5] for line in body.split(b"\n")]
    began = time.perf_counter()
    for line in lines:
        json.loads(line)
    return len(lines) / (time.perf_counter() - began)


def _waits(seconds: Sequence[float]) -> Waits:
    if not seconds:
        raise EngineError("nothing was acknowledged in time: measure for longer")
    median, p99, worst = (float(v) for v in np.percentile(seconds, [50, 99, 100]))
    return Waits(count=len(seconds), median_s=median, p99_s=p99, worst_s=worst)


def _decision(number: int) -> Decision:
    at = now()
    return Decision(
        decision_id=f"bench-{number}-{time.monotonic_ns()}",
        platform="api",
        account_id=f"bench-{number}",
        action="deny",
        simulated=False,
        rule="bench",
        rule_version="bench",
        made_at=at,
        starts_at=at - timedelta(seconds=1),
        expires_at=at + timedelta(hours=1),
    )


def _until(is_so: Callable[[], bool], longest_s: float = _LONGEST_WAY_S) -> float:
    """Seconds until it is so, looked at every millisecond."""
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > longest_s:
            raise EngineError(f"what was waited for did not come within {longest_s:.0f} s")
        time.sleep(0.001)
    return time.perf_counter() - began


def ways(service: Service, times: int) -> Ways:
    """Makes decisions in the store and undoes them over HTTP, at odd moments; a gateway's client runs beside."""
    table, made, undone = Table(), list[float](), list[float]()
    rng = np.random.default_rng(times)
    options = Options(token=service.token)
    with Client(service.url, table, options) as client, closing(_connection(service, 60.0)) as connection:
        if not client.wait_fresh(30.0):
            raise EngineError(f"the gateway's client is not answered: {client.last_error}")
        for number in range(times):
            time.sleep(float(rng.uniform(0.0, 1.0)))  # the service looks for news at its own pace
            decision = _decision(number)
            began = time.perf_counter()
            service.store.add_decisions([decision])
            _until(lambda who=decision: not _passes(table, who))
            made.append(time.perf_counter() - began)
            body = msgspec.json.encode({"because": "bench", "decision_ids": [decision.decision_id]})
            time.sleep(float(rng.uniform(0.0, 1.0)))
            began = time.perf_counter()
            _post(connection, service, "/v1/decisions/undo", body, "application/json")
            _until(lambda who=decision: _passes(table, who))
            undone.append(time.perf_counter() - began)
    return Ways(made=_waits(made), undone=_waits(undone))


def _passes(table: Table, decision: Decision) -> bool:
    return table.decide(decision.platform, decision.account_id, steady.now_us(), spend=False).passes


def _watched(service: Service, sending: Sending, seconds: float) -> list[Moment]:
    """Eleven looks at the service, from the beginning to the end of the sending."""
    began, moments = time.perf_counter(), list[Moment]()
    for step in range(11):
        wait_s = began + seconds * step / 10 - time.perf_counter()
        time.sleep(max(0.0, wait_s))
        sending.check()
        at_s = time.perf_counter() - began
        moments.append(Moment(at_s=at_s, acknowledged=sending.acknowledged, used=service.used()))
    return moments


def ingest(service: Service, bodies: Sequence[bytes], seconds: float, times: int) -> tuple[Ingest, Ways]:
    """Sends for so long, then goes on sending while a decision's way is measured."""
    loads_per_s = _json_loads_per_s(bodies)
    with Sending(service, bodies, _SENDERS) as sending:
        first_answer_s = _until(lambda: bool(sending.waits or sending.problem), _LONGEST_START_S)
        time.sleep(min(_WARM_S, seconds))
        sending.reset()
        cpu_s = time.process_time()
        moments = _watched(service, sending, seconds)
        sender_cpu_s, waits = time.process_time() - cpu_s, list(sending.waits)
        way = ways(service, times)
        sending.check()
    with closing(_connection(service, 60.0)) as connection:
        status = _asked(connection, service, "/v1/status")["details"]
    first, last = moments[0], moments[-1]
    took_s, taken = last.at_s - first.at_s, last.acknowledged - first.acknowledged
    server_cpu_s, per_s = last.used.cpu_s - first.used.cpu_s, taken / took_s
    measured = Ingest(
        seconds=took_s,
        senders=_SENDERS,
        rows_a_body=bodies[0].count(b"\n") + 1,
        bytes_an_exchange=statistics.fmean(len(body) / (body.count(b"\n") + 1) for body in bodies),
        acknowledged=taken,
        exchanges_per_s=per_s,
        server_cpu_s=server_cpu_s,
        sender_cpu_s=sender_cpu_s,
        server_us_an_exchange=1e6 * server_cpu_s / max(1, taken),
        json_loads_per_s=loads_per_s,
        ratio_to_json_loads=per_s / loads_per_s,
        first_answer_s=first_answer_s,
        acknowledged_after=_waits(waits),
        moments=tuple(moments),
        status={name: status[name] for name in ("accepted", "duplicates", "rejected", "too_old", "segments")},
    )
    return measured, way


def measured(chosen: argparse.Namespace) -> Live:
    """Everything, one after the other, in a folder that is gone afterwards."""
    load = os.getloadavg()[0]
    decisions = measure(chosen.accounts, chosen.asks)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder, served(Path(folder)) as service:
        bodies = bodies_of(chosen.bodies, chosen.rows)
        found, busy = ingest(service, bodies, chosen.seconds, chosen.times)
        idle = ways(service, chosen.times)
    return Live(
        cores=len(os.sched_getaffinity(0)),
        load_before=load,
        decisions=decisions,
        ingest=found,
        way_while_sending=busy,
        way_idle=idle,
    )


def show(live: Live) -> str:
    """The figures in lines."""
    asks, got = live.decisions, live.ingest
    middle = got.moments[len(got.moments) // 2]
    memory = " / ".join(
        f"{m.used.resident_bytes / 1e6:.0f} ({m.used.anonymous_bytes / 1e6:.0f})"
        for m in (got.moments[0], middle, got.moments[-1])
    )
    lines = [
        f"{live.cores} cores, load before {live.load_before:.1f}",
        (
            f"decide           p50 {asks.decide.p50_us:.2f} us, p99 {asks.decide.p99_us:.2f} us; bare dict "
            f"{asks.bare.p50_us:.2f} and {asks.bare.p99_us:.2f} us; {asks.accounts} accounts"
        ),
        (
            f"ingest           {got.exchanges_per_s:,.0f} exchanges/s over {got.seconds:.0f} s, "
            f"{got.bytes_an_exchange:.0f} bytes each; {got.ratio_to_json_loads:.2f} times json.loads alone"
        ),
        (
            f"CPU              service {got.server_cpu_s:.1f} s ({got.server_us_an_exchange:.1f} us an exchange), "
            f"sender {got.sender_cpu_s:.1f} s"
        ),
        f"memory, MB       {memory} at start / middle / end (without files' pages)",
        f"acknowledged     {_line(got.acknowledged_after)}; the first after a start {got.first_answer_s:.1f} s",
    ]
    for name, way in (("sending", live.way_while_sending), ("idle", live.way_idle)):
        lines.append(f"made, {name:10} {_line(way.made)}")
        lines.append(f"undone, {name:8} {_line(way.undone)}")
    return "\n".join(lines)


def _line(waits: Waits) -> str:
    return f"median {waits.median_s:.3f} s, p99 {waits.p99_s:.3f} s, worst {waits.worst_s:.3f} s of {waits.count}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m stillwatch.bench.live", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to send (60)")
    parser.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument("--accounts", type=int, default=2_000_000, help="in the table that is asked (2000000)")
    parser.add_argument("--asks", type=int, default=200_000, help="look-ups that are timed (200000)")
    parser.add_argument("--bodies", type=int, default=24, help="different bodies (24)")
    parser.add_argument("--rows", type=int, default=4_000, help="exchanges in each (4000)")
    parser.add_argument("--times", type=int, default=20, help="decisions on their way to a gateway (20)")
    parser.add_argument("--folder", type=Path, help="where the service keeps its state meanwhile (a temporary folder)")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    chosen = parser.parse_args(arguments)
    if chosen.minutes is not None:
        chosen.seconds = chosen.minutes * 60
    live = measured(chosen)
    sys.stdout.write(show(live) + "\n")
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(live)) + b"\n")


if __name__ == "__main__":
    main()
