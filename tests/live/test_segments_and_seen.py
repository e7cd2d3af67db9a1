from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import EngineError
from stillwatch.live.seen import Seen
from stillwatch.live.segments import SegmentLog, id_keys

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.lists(st.lists(st.integers(1, 60), max_size=30), max_size=12))
def test_an_id_is_new_once_however_it_is_delivered(batches: list[list[int]]) -> None:
    seen, plain = Seen(1 << 12), set[int]()
    for number, batch in enumerate(batches):
        ids = np.array(batch, dtype=np.uint64)
        fresh = seen.new(ids)
        expected = []
        for value in batch:
            expected.append(value not in plain)
            plain.add(value)
        assert fresh.tolist() == expected
        if fresh.any():
            seen.add(str(number), np.sort(ids[fresh]))
    assert len(seen) == len(plain)


def test_a_filter_that_is_full_still_tells_the_truth() -> None:
    seen = Seen(1 << 10)  # far too small for what it is asked to hold
    ids = np.arange(1, 20_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    seen.add("a", np.sort(ids[::2]))
    fresh = seen.new(ids)
    assert not fresh[::2].any()
    assert fresh[1::2].all()


def test_ids_are_forgotten_with_their_segment() -> None:
    seen = Seen(1 << 12)
    seen.add("a", np.array([1, 2], dtype=np.uint64))
    seen.replace(["a"], None, None)
    assert seen.new(np.array([1, 2, 2], dtype=np.uint64)).tolist() == [True, True, False]


def test_segments_read_back_what_was_written(tiny_prints: pa.Table, tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    first, second = tiny_prints.slice(0, 1000), tiny_prints.slice(1000)
    segments = [log.write(part, id_keys(part), f"{n}.parquet", NOW) for n, part in enumerate((first, second))]
    read = log.read(segments)
    assert read.cast(tiny_prints.schema).to_pylist() == tiny_prints.to_pylist()
    assert sum(s.exchanges for s in segments) == tiny_prints.num_rows
    assert np.array_equal(log.ids("0.parquet"), np.sort(id_keys(first)))


def test_files_that_the_store_does_not_know_are_swept_away(tiny_prints: pa.Table, tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    part = tiny_prints.slice(0, 10)
    log.write(part, id_keys(part), "known.parquet", NOW)
    log.write(part, id_keys(part), "crashed.parquet", NOW)
    (tmp_path / "half.parquet.part").write_bytes(b"PAR1")
    assert log.sweep(["known.parquet"]) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["known.ids.npy", "known.parquet"]


def test_a_damaged_segment_is_named(tiny_prints: pa.Table, tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    part = tiny_prints.slice(0, 10)
    segment = log.write(part, id_keys(part), "one.parquet", NOW)
    log.path("one.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(EngineError, match="cannot be read"):
        log.read([segment])
