"""Exchanges to fingerprints: every column of ``tables.FINGERPRINTS``, row for row.

Pure: the same batch, salt and model give the same rows however the input was split. Text does not leave this module.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.tables import FINGERPRINTS
from stillwatch.text import plain
from stillwatch.text.features import TextFeatures
from stillwatch.text.weights import TextModel

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


def _keyed(salt: bytes, *parts: object) -> int | None:
    if all(part is None for part in parts):
        return None
    message = b"".join(b"\x00" if part is None else b"\x01" + str(part).encode() + b"\x1f" for part in parts)
    return int.from_bytes(hashlib.blake2b(message, key=salt[:64], digest_size=8).digest(), "little") or 1


def _address(salt: bytes, text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return _keyed(salt, text), None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    prefix = ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
    return _keyed(salt, address), _keyed(salt, prefix)


def _shape_and_text(column: list[str | None]) -> tuple[list[int | None], list[int | None]]:
    seen: dict[str | None, tuple[int | None, int | None]] = {None: (None, None)}
    for text in column:
        if text not in seen and text is not None:
            reading = plain.read(text)
            seen[text] = (plain.key_of(reading.text), plain.key_of(reading.shape))
    return [seen[text][0] for text in column], [seen[text][1] for text in column]


def _identity_columns(batch: pa.RecordBatch, salt: bytes) -> dict[str, list[int | None]]:
    values = {name: batch.column(name).to_pylist() for name in (*_KEYED.values(), "platform", "account_id")}
    out = {name: [_keyed(salt, value) for value in values[source]] for name, source in _KEYED.items()}
    out["account_key"] = [_keyed(salt, *pair) for pair in zip(values["platform"], values["account_id"], strict=True)]
    stack = [batch.column(name).to_pylist() for name in ("ja4", "header_signature")]
    out["stack_key"] = [_keyed(salt, *pair) for pair in zip(*stack, strict=True)]
    pairs = [_address(salt, text) for text in batch.column("client_address").to_pylist()]
    out["address_key"], out["prefix_key"] = [a for a, _ in pairs], [p for _, p in pairs]
    names = ("max_tokens", "temperature", "top_p", "stream", "reasoning_effort")
    out["params_key"] = [_keyed(b"", *row) for row in zip(*(batch.column(n).to_pylist() for n in names), strict=True)]
    tools = batch.column("tool_names").to_pylist()
    out["tools_key"] = [None if not row else _keyed(b"", *sorted({t for t in row if t})) for row in tools]
    out["tool_count"] = [None if row is None else len(row) for row in tools]
    return out


def _masked(values: NDArray[Any], null: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=null)


def _sentences(features: TextFeatures, null: NDArray[np.bool_]) -> pa.Array:
    counts = np.where(null, 0, features.sentence_count).astype(np.int32)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    taken = np.arange(features.sentence_keys.shape[1]) < counts[:, None]
    return pa.ListArray.from_arrays(offsets, pa.array(features.sentence_keys[taken]), mask=pa.array(null))


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


def _response_columns(batch: pa.RecordBatch, rarity: list[int]) -> dict[str, pa.Array]:
    texts = batch.column("response").to_pylist()
    features = plain.read_all(texts, rarity)
    null = np.array([text is None for text in texts], bool)
    return {
        "response_chars": _masked(features.chars, null),
        "response_lines": _masked(features.lines, null),
        "response_key": _masked(features.text_key, null),
        "response_has_code": _masked(features.has_code, null),
        "reasoning_chars": pc.utf8_length(batch.column("reasoning")),
    }


def fingerprint(batch: pa.RecordBatch, *, salt: bytes, model: TextModel) -> pa.RecordBatch:
    """``tables.EXCHANGES`` rows to ``tables.FINGERPRINTS`` rows, in the same order."""
    rarity = model.rarity.tolist()
    texts = batch.column("prompt").to_pylist()
    columns: dict[str, Any] = {name: batch.column(source) for name, source in _COPIED.items()}
    columns |= {name: batch.column(source).dictionary_encode() for name, source in _WORDS.items()}
    columns |= _identity_columns(batch, salt)
    system_text, system_shape = _shape_and_text(batch.column("system_prompt").to_pylist())
    columns |= {"system_key": system_text, "system_shape_key": system_shape}
    columns |= _prompt_columns(plain.read_all(texts, rarity), np.array([text is None for text in texts], bool))
    columns |= _response_columns(batch, rarity)
    arrays = [_typed(columns.get(field.name), field.type, batch.num_rows) for field in FINGERPRINTS]
    return pa.RecordBatch.from_arrays(arrays, schema=FINGERPRINTS)


def _typed(value: Any, kind: pa.DataType, count: int) -> pa.Array:
    if value is None:
        return pa.nulls(count, kind)
    if isinstance(value, list):
        return pa.array(value, kind)
    return value if value.type == kind else value.cast(kind)
