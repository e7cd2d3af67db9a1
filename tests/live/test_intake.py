from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live_services import batch_of, intake_at, offered
from stillwatch.compose import World
from stillwatch.errors import EngineError
from stillwatch.live.intake import Offer
from stillwatch.store import DeadLetter, Offset, Segment, open_store

STORED = ["exchange_id"]


@pytest.fixture
def exchanges(tiny_world: World) -> pa.RecordBatch:
    return batch_of(tiny_world.exchanges.slice(0, 300))


def stored_ids(path: Path) -> list[str]:
    """What a service that starts over this directory holds."""
    with intake_at(path) as intake:
        segments = intake._store.segments()
        return sorted(intake._log.read(segments).column("exchange_id").to_pylist())


def test_what_is_acknowledged_is_there_after_a_restart(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    with intake_at(tmp_path) as intake:
        assert offered(intake, exchanges).accepted == 300
    assert stored_ids(tmp_path) == sorted(exchanges.column("exchange_id").to_pylist())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_repeats_and_any_order_count_once(
    tmp_path_factory: pytest.TempPathFactory, exchanges: pa.RecordBatch, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("repeats")
    rows = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=120))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    accepted = 0
    with intake_at(path) as intake:
        for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
            accepted += offered(intake, exchanges.take(pa.array(rows[start:end], pa.int64()))).accepted
    ids = exchanges.column("exchange_id").to_pylist()
    assert accepted == len(set(rows))
    assert stored_ids(path) == sorted({ids[row] for row in rows})


def test_repeats_are_known_after_a_restart(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    for turn in range(2):
        with intake_at(tmp_path) as intake:
            taken = offered(intake, exchanges)
            assert (taken.accepted, taken.duplicates) == ((300, 0) if turn == 0 else (0, 300))


def test_joining_small_segments_changes_nothing_but_their_number(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    with intake_at(tmp_path) as intake:
        for start in range(0, 300, 10):
            offered(intake, exchanges.slice(start, 10))
        assert intake.compact() > 0
        assert len(intake._store.segments()) < 30
        assert offered(intake, exchanges).accepted == 0
    assert stored_ids(tmp_path) == sorted(exchanges.column("exchange_id").to_pylist())


def test_what_is_older_than_retention_is_refused_and_told(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    place = exchanges.schema.get_field_index("started_at")
    times = exchanges.column("started_at").to_pylist()
    names = pa.array([f"old-{i}" for i in range(300)])
    old = exchanges.set_column(
        place,
        exchanges.schema.field(place),
        pa.array([t - timedelta(days=400) for t in times], exchanges.schema.field(place).type),
    )
    old = old.set_column(0, old.schema.field(0), names)
    with intake_at(tmp_path) as intake:
        offered(intake, exchanges)
        taken = offered(intake, old)
    assert (taken.accepted, taken.too_old) == (0, 300)


def test_offsets_move_with_the_state_even_where_nothing_is_new(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    with intake_at(tmp_path) as intake:
        offered(intake, exchanges)
        offset = Offset(source="kafka", partition="0", position="17")
        assert intake.offer(Offer(exchanges, (), [offset])).result(30).accepted == 0
        assert intake._store.offsets("kafka") == {"0": "17"}


class Refusing:
    """A store whose disk is full: what adds a segment fails, everything else works."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.refuses = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def add_segment(self, segment: Segment, offsets: list[Offset]) -> None:
        if self.refuses:
            raise EngineError("the disk is full")
        self._store.add_segment(segment, offsets)  # type: ignore[attr-defined]


def test_a_store_that_refuses_is_told_and_nothing_is_half_there(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    store = Refusing(open_store(tmp_path / "store.sqlite"))
    with intake_at(tmp_path, store=store) as intake:  # type: ignore[arg-type]
        with pytest.raises(EngineError, match="full"):
            offered(intake, exchanges)
        assert list((tmp_path / "segments").iterdir()) == []
        store.refuses = False
        assert offered(intake, exchanges).accepted == 300


def test_letters_are_kept_with_their_reason(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    letter = DeadLetter(
        source="http", position="line 3", because="broken JSON", excerpt="{", at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    with intake_at(tmp_path) as intake:
        taken = intake.offer(Offer(exchanges.slice(0, 0), [letter])).result(30)
        assert taken.rejected == 1
        assert intake._store.dead_letters(5) == [letter]


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from live_services import batch_of, intake_at, offered
from stillwatch.compose import compose
import pyarrow as pa
world = compose("demo", 7, exchanges=2_500)
batch = batch_of(world.exchanges.slice(0, 2000))
with intake_at(Path({path!r})) as intake:
    for start in range(0, 2000, 20):
        taken = offered(intake, batch.slice(start, 20))
        print(start, taken.accepted, flush=True)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    paths = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    code = WRITER.format(paths=paths, path=str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_killed_in_the_middle_nothing_acknowledged_is_lost(
    tmp_path: Path, tiny_world: World, writer: subprocess.Popen[bytes]
) -> None:
    acknowledged = 0
    assert writer.stdout is not None
    for line in writer.stdout:
        acknowledged += int(line.split()[1])
        if acknowledged >= 300:
            os.kill(writer.pid, signal.SIGKILL)
            break
    writer.wait(30)
    sent = tiny_world.exchanges.column("exchange_id").to_pylist()
    found = stored_ids(tmp_path / "state")
    assert len(found) == len(set(found))
    assert set(sent[:acknowledged]) <= set(found)
    assert len(found) <= acknowledged + 20 * 2  # what was on its way may be there, as a whole


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    with intake_at(tmp_path) as intake:
        assert offered(intake, exchanges.slice(0, 100)).accepted == 100
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))  # no file may grow past 2 kB: as good as full
        try:
            with pytest.raises(EngineError):
                offered(intake, exchanges)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert offered(intake, exchanges).accepted == 200
    assert stored_ids(tmp_path) == sorted(exchanges.column("exchange_id").to_pylist())


def test_what_looks_at_exchanges_may_fail_and_the_writing_goes_on(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    with intake_at(tmp_path) as intake:

        def fail(*_: object) -> None:
            raise EngineError("the store is away")

        intake._told = fail
        assert offered(intake, exchanges.slice(0, 100)).accepted == 100
        assert offered(intake, exchanges.slice(100)).accepted == 200
    assert intake.counters.failures == 2


def test_keys_that_are_gone_are_made_anew(tmp_path: Path, exchanges: pa.RecordBatch) -> None:
    with intake_at(tmp_path) as intake:
        offered(intake, exchanges)
    for path in (tmp_path / "segments").glob("*.ids.npy"):
        path.unlink()
    with intake_at(tmp_path) as intake:
        assert offered(intake, exchanges).duplicates == 300
