"""Dictionaries handed on as a file holds them: the same rows, rejections and fingerprints as from plain text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from written_rows import NOW, Row, row, rows

from stillwatch.ingest import ExchangeStream, Options, Quarantine, open_exchanges
from stillwatch.tables import EXCHANGES
from stillwatch.text import fingerprint, load_model

ODD: list[Row] = [
    row(900, account_id=""),
    row(901, platform=None),
    row(902, client_address="::ffff:10.0.0.1", key_id="sk-secret", user_agent="agent/1"),
    row(903, client_address="2001:DB8:0::1", system_prompt="Answer briefly."),
    row(904, client_address="", reasoning_effort="low", finish_reason="stop"),
    row(905, message_count=-1, account_id="only_in_a_rejected_row"),
    row(3),
]


def written(folder: Path, records: list[Row], group: int) -> Path:
    columns = {field.name: [record.get(field.name) for record in records] for field in EXCHANGES}
    columns["started_at"] = [str(value) for value in columns["started_at"]]
    kinds = {field.name: field.type for field in EXCHANGES} | {"started_at": pa.string()}
    table = pa.table({name: pa.array(values, kinds[name]) for name, values in columns.items()})
    pq.write_table(table, folder / "a.parquet", row_group_size=group, compression="none")
    return folder / "a.parquet"


def both(path: Path, **changes: Any) -> list[tuple[ExchangeStream, list[pa.RecordBatch]]]:
    found: list[tuple[ExchangeStream, list[pa.RecordBatch]]] = []
    for encoded in (False, True):
        options = Options(now=NOW, max_bad_share=1.0, encoded=encoded, **changes)
        stream = open_exchanges([path], options, Quarantine(max_bad_share=1.0))
        found.append((stream, list(stream.batches())))
    return found


@pytest.mark.parametrize("address", ["198.51.100.7", "no address"])
@pytest.mark.parametrize(("group", "batch_rows"), [(1000, 64), (50, 64), (1000, 1000)])
def test_dictionaries_give_the_rows_and_fingerprints_of_plain_text(
    tmp_path: Path, address: str, group: int, batch_rows: int
) -> None:
    path = written(tmp_path, [*rows(150), *ODD, row(906, client_address=address), *rows(170)], group)
    (plain, texts), (stream, dictionaries) = both(path, batch_rows=batch_rows)
    for name in ("accepted", "duplicates", "quarantined", "bad_addresses", "present_columns", "first", "last"):
        assert getattr(stream, name) == getattr(plain, name), name
    assert stream.quarantine.top_reasons(9) == plain.quarantine.top_reasons(9)
    assert any(pa.types.is_dictionary(kind) for kind in dictionaries[0].schema.types)
    model = load_model()
    assert [item for batch in dictionaries for item in batch.to_pylist()] == [
        item for batch in texts for item in batch.to_pylist()
    ]
    slow, fast = (
        pa.Table.from_batches([fingerprint(batch, salt=b"test", model=model) for batch in batches]).unify_dictionaries()
        for batches in (texts, dictionaries)
    )
    assert fast.to_pylist() == slow.to_pylist()
    for name in ("platform", "account_id", "model"):  # words are numbered the same, too
        words, same = (table.column(name).combine_chunks() for table in (slow, fast))
        assert same.dictionary.equals(words.dictionary)
        assert same.indices.equals(words.indices)


def test_masked_text_is_never_left_in_a_dictionary(tmp_path: Path) -> None:
    path = written(tmp_path, [row(i, system_prompt="write to a@b.example") for i in range(100)], 100)
    (_, texts), (_, dictionaries) = both(path, content="redacted")
    assert dictionaries[0].equals(texts[0])


def test_text_that_is_not_utf8_is_damage(tmp_path: Path) -> None:
    path = written(tmp_path, rows(300), 300)
    path.write_bytes(path.read_bytes().replace(b"What is 277 plus", b"What is \xff77 plus"))
    table = pq.read_table(path, columns=["exchange_id"])
    assert table.num_rows == 300
    for encoded in (False, True):
        with pytest.raises(Exception, match="damaged Parquet"):
            list(open_exchanges([path], Options(now=NOW, encoded=encoded), Quarantine()).batches())
