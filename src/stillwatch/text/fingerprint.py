"""Exchanges to fingerprints: every column of ``tables.FINGERPRINTS``, row for row.

Pure: the same batch, salt and model give the same rows however the input was split. Text does not leave this module.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.tables import FINGERPRINTS
from stillwatch.text.addresses import address_keys
from stillwatch.text.classify import classify
from stillwatch.text.features import TextFeatures
from stillwatch.text.kernel import KEYS_ONLY, packed, read_column
from stillwatch.text.keys import Keys, Nulls, combined, keys_of, number_keys, secret, set_keys
from stillwatch.text.skim import skim_column
from stillwatch.text.strings import nulls_of, strings_of
from stillwatch.text.weights import TextModel
from stillwatch.text.words import in_order

_WORDS = {
    "platform": "platform",
    "account_id": "account_id",
    "model": "request_model",
    "country": "client_country",
    "network": "client_network",
    "operation": "operation",
    "effort": "reasoning_effort",
    "finish": "finish_reason",
}
_KEYED = {
    "credential_key": "key_id",
    "org_key": "org_id",
    "end_user_key": "end_user_id",
    "agent_key": "user_agent",
    "conversation_key": "conversation_id",
}
_COPIED = {
    "exchange_id": "exchange_id",
    "at": "started_at",
    "asn": "client_asn",
    **{
        name: name
        for name in [
            "message_count",
            "image_count",
            "max_tokens",
            "temperature",
            "top_p",
            "stream",
            "input_tokens",
            "output_tokens",
            "reasoning_tokens",
            "latency_ms",
            "status_code",
        ]
    },
}


def _account_keys(words: dict[str, Any], salt: bytes) -> Keys:
    parts: list[tuple[Keys, Nulls]] = []
    for name in ("platform", "account_id"):
        known, _ = keys_of(words[name].dictionary, secret(salt, name))
        parts.append((known[np.asarray(words[name].indices)], nulls_of(words[name])))
    return combined(parts)[0]


def _identities(batch: pa.RecordBatch, words: dict[str, Any], salt: bytes) -> dict[str, pa.Array]:
    out = {name: _masked(*keys_of(batch.column(source), secret(salt, name))) for name, source in _KEYED.items()}
    out["account_key"] = pa.array(_account_keys(words, salt))
    stack = [keys_of(batch.column(name), secret(salt, name)) for name in ("ja4", "header_signature")]
    out["stack_key"] = _masked(*combined(stack))
    address, prefix, null = address_keys(batch.column("client_address"), salt)
    out["address_key"], out["prefix_key"] = _masked(address, null), _masked(prefix, prefix == 0)
    return out


def _settings(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    public = secret(b"", "settings")  # not identities: equal across deployments
    numbers = [number_keys(batch.column(name)) for name in ("max_tokens", "temperature", "top_p", "stream")]
    params = combined([*numbers, keys_of(batch.column("reasoning_effort"), public)])
    tools, toolless, counts = set_keys(batch.column("tool_names"), public)
    return {
        "params_key": _masked(*params),
        "tools_key": _masked(tools, toolless),
        "tool_count": _masked(counts, nulls_of(batch.column("tool_names"))),
    }


def _system_columns(column: pa.Array) -> dict[str, pa.Array]:
    known = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    features = read_column(strings_of(known.dictionary), *KEYS_ONLY)
    return {
        "system_key": pa.array(features.text_key).take(known.indices),
        "system_shape_key": pa.array(features.shape_key).take(known.indices),
    }


def _masked(values: NDArray[Any], null: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=null if null.any() else None)


def _sentences(features: TextFeatures, null: NDArray[np.bool_]) -> pa.Array:
    offsets, keys = packed(features.sentence_keys, features.sentence_count)  # a null text has none
    return pa.ListArray.from_arrays(offsets, keys, mask=pa.array(null))


def _prompt_columns(features: TextFeatures, null: NDArray[np.bool_]) -> dict[str, pa.Array]:
    chars = np.maximum(features.chars, 1)
    wordless = pa.array(null | (features.words == 0))
    out = {
        name: _masked(getattr(features, name.removeprefix("prompt_")), null)
        for name in [
            "prompt_chars",
            "prompt_words",
            "prompt_lines",
            "text_key",
            "shape_key",
            "starts_lower",
            "ends_question",
            "has_code",
            "script",
        ]
    }
    out["digit_share"] = _masked((features.digits / chars).astype(np.float32), null)
    out["sentence_keys"] = _sentences(features, null)
    out["near_keys"] = pa.FixedSizeListArray.from_arrays(pa.array(features.near_keys.ravel()), 4, mask=wordless)
    out["gist"] = pa.FixedSizeListArray.from_arrays(pa.array(features.gist.ravel()), 32, mask=pa.array(null))
    return out


def _response_columns(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    if batch.column("response").null_count == batch.num_rows:
        return {"reasoning_chars": pc.utf8_length(batch.column("reasoning"))}
    column = strings_of(batch.column("response"))
    found = skim_column(column)
    out = {f"response_{name}": _masked(getattr(found, name), column.null) for name in found._fields}
    return out | {"reasoning_chars": pc.utf8_length(batch.column("reasoning"))}


def fingerprint(batch: pa.RecordBatch, *, salt: bytes, model: TextModel) -> pa.RecordBatch:
    """``tables.EXCHANGES`` rows to ``tables.FINGERPRINTS`` rows, in the same order.

    ``salt`` keys the identities (addresses, credentials, accounts ...); text keys do not depend on it. Columns that the
    source left null stay null. Releases the interpreter lock in its kernels, so batches may run on several threads.
    """
    words = {name: _dictionary(batch.column(source)) for name, source in _WORDS.items()}
    columns: dict[str, Any] = {name: _owned(batch.column(source)) for name, source in _COPIED.items()} | words
    columns |= _identities(batch, words, salt) | _settings(batch) | _system_columns(batch.column("system_prompt"))
    prompts = strings_of(batch.column("prompt"))
    features = read_column(prompts, model.table, model.pairs)
    columns |= _prompt_columns(features, prompts.null)
    if model.lexical:
        columns |= classify(features, batch, prompts.null, model)
    columns |= _response_columns(batch)
    arrays = [_typed(columns.get(field.name), field.type, batch.num_rows) for field in FINGERPRINTS]
    return pa.RecordBatch.from_arrays(arrays, schema=FINGERPRINTS)


def _owned(column: pa.Array) -> pa.Array:
    """A copy: a column that came from DuckDB keeps all of its batch in memory, prompts included."""
    half = len(column) // 2
    return pa.concat_arrays([column.slice(0, half), column.slice(half)]) if half else column


def _dictionary(column: pa.Array) -> pa.DictionaryArray:
    return in_order(column) if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def _typed(value: Any, kind: pa.DataType, count: int) -> pa.Array:
    if value is None:
        return pa.nulls(count, kind)
    return value if value.type == kind else value.cast(kind)
