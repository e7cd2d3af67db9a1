"""Times of a whole column: what one value at a time gives, without looking at every value in Python."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stillwatch.ingest import times

SPELLINGS = [
    "2026-03-09",
    "2026-03-09 05:30:25",
    "2026-03-09T05:30:25.687852Z",
    "2026-03-09 05:30:25.687852+00",
    "2026-03-09 05:30:25-07",
    "2026-03-09T05:30+02",
    "2026-03-09 05:30:25.1+05:30",
    "2026-03-09T05:30:25+0530",
    "1773034225",
    "1773034225687",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_column_of_one_spelling_is_read_at_once_as_its_values_are(text: str) -> None:
    found = times.times_of(pa.array([None, text, text], pa.string()))
    assert found.cast(pa.int64()).to_pylist() == [None, *2 * [times.microseconds(text)]]
