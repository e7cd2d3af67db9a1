"""What of an exchange may be kept: credentials as keyed hashes, text only as far as ``Content`` allows.

Both ways in (files, and what comes by wire) pass through here, so that neither keeps more than the other.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.ingest.credentials import key_id
from stillwatch.ingest.options import TEXT_COLUMNS, Content
from stillwatch.ingest.redact import redacted_array


def hashed_keys(keys: pa.Array, salt: bytes) -> pa.Array:
    """A canonical ``key_id`` that is plainly a credential is hashed all the same. Cost: one look at each."""
    if pa.types.is_dictionary(keys.type):
        return pa.DictionaryArray.from_arrays(keys.indices, hashed_keys(keys.dictionary, salt))
    if keys.null_count == len(keys) or not pc.any(pc.starts_with(keys, "sk-")).as_py():
        return keys
    hashed = [key_id(key, salt) if key is not None and key.startswith("sk-") else key for key in keys.to_pylist()]
    return pa.array(hashed, pa.string())


def with_content(batch: pa.RecordBatch, content: Content) -> pa.RecordBatch:
    """The batch with its texts as they are, masked, or null."""
    if content == "full":
        return batch
    columns = list(batch.columns)
    for name in TEXT_COLUMNS:
        at = batch.schema.get_field_index(name)
        if columns[at].null_count < len(columns[at]):
            kept = redacted_array(columns[at]) if content == "redacted" else pa.nulls(batch.num_rows, pa.string())
            columns[at] = kept
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
