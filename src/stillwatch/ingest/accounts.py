"""The accounts table, whole: it is small beside the exchanges. One row per (platform, account)."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from stillwatch import tables
from stillwatch.errors import InputError
from stillwatch.ingest import canonical
from stillwatch.ingest.checks import conform
from stillwatch.ingest.quarantine import Quarantine
from stillwatch.ingest.sources import find_files, open_source


def account_rows(body: bytes) -> list[dict[str, object]]:
    """Rows of the accounts table from the bytes of one file (Parquet, JSONL, a JSON array or CSV; gz, zst).

    All or nothing: raises InputError naming the first bad row.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts"
        path.write_bytes(body)
        with Quarantine(max_bad_share=1.0) as quarantine:
            rows = read_accounts(path, quarantine)
            if quarantine.count:
                raise InputError(
                    f"{quarantine.count} bad rows: {quarantine.top_reasons(1)[0][0]}", hint="send them again"
                )
    return rows.to_pylist()


def read_accounts(path: Path | str, quarantine: Quarantine, *, latest: datetime | None = None) -> pa.Table:
    """``tables.ACCOUNTS`` from Parquet, JSONL or CSV (plain, gz, zst; a glob or directory too).

    Bad rows and repeated accounts go to ``quarantine`` (the first row of an account stays). Raises InputError for a
    file that cannot be read.
    """
    schema = pa.schema([field.with_nullable(True) for field in tables.ACCOUNTS])
    kept: list[pa.RecordBatch] = []
    seen: set[tuple[str, str]] = set()
    for file in find_files([path]):
        source = open_source(file)
        for raw in canonical.read(source, tables.ACCOUNTS):
            for line, reason, row in raw.rejected:
                quarantine.add(source.name, line, reason, row)
            checked = conform(raw.data, tables.ACCOUNTS, latest=latest)
            keys = zip(*(checked.batch.column(name).to_pylist() for name in ("platform", "account_id")), strict=True)
            wanted = np.ones(checked.batch.num_rows, np.bool_)
            for row, key in enumerate(keys):
                reason = checked.bad.get(row) or ("this account was already listed" if key in seen else None)
                seen.add(key)
                if reason:
                    wanted[row] = False
                    line, given = raw.locate(row)
                    quarantine.add(source.name, line, reason, given)
            kept.append(checked.batch.filter(pa.array(wanted)))
    return pa.Table.from_batches(kept, schema)
