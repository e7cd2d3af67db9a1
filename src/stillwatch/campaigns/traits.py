"""What an exchange and an account carry that others may carry too, as 64-bit keys: the words signatures are made of.

The same function reads a whole window when a campaign is signed and a micro-batch when its accounts are looked for, so
that both always mean the same. A trait that is unknown is 0 and is no trait. Nothing here knows who shares what.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.operators.views import SIGNUP_SLOT_S
from stillwatch.text.keys import combined, keys_of, secret

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
U = np.uint64
_ODD, _SHIFT = U(0x9E3779B97F4A7C15), U(29)
FAMILIES = ("network", "client", "payment", "signup", "session", "params", "content")
# view -> family; a view's place here is its number in signatures of this version
VIEWS: dict[str, str] = {
    "address": "network",
    "prefix": "network",
    "asn": "network",
    "credential": "session",
    "end_user": "session",
    "conversation": "session",
    "stack": "client",
    "agent": "client",
    "client": "client",
    "params": "params",
    "max_tokens": "params",
    "habit": "params",  # a model with its parameters
    "system_prompt": "content",
    "system_shape": "content",
    "tools": "content",
    "shape": "content",
    "text": "content",
    "sentence": "content",
    "near": "content",
    "form": "content",  # what is asked for, how long, in which writing system
    "payment": "payment",
    "email": "signup",
    "email_domain": "signup",
    "email_shape": "signup",
    "signup_address": "signup",
    "signup_slot": "signup",
    "slot_shape": "signup",
    "standing": "signup",  # plan, verification and country of the bill
}
NAMES = tuple(VIEWS)
OF_ACCOUNTS = ("payment", "signup")  # families that the side table tells, once for all of an account's exchanges
_NUMBER = {name: number for number, name in enumerate(NAMES)}
_PLAIN = {
    "address": "address_key",
    "prefix": "prefix_key",
    "credential": "credential_key",
    "end_user": "end_user_key",
    "conversation": "conversation_key",
    "stack": "stack_key",
    "agent": "agent_key",
    "params": "params_key",
    "system_prompt": "system_key",
    "system_shape": "system_shape_key",
    "tools": "tools_key",
    "shape": "shape_key",
    "text": "text_key",
}
_SIDE = {
    "payment": "payment_token",
    "email": "email_token",
    "email_domain": "email_domain",
    "email_shape": "email_shape",
    "signup_address": "signup_address",
}
_TAGS = {name: U((number + 1) * 0xC2B2AE3D27D4EB4F % 2**64) for name, number in _NUMBER.items()}


def account_keys(table: pa.Table | pa.RecordBatch) -> Keys:
    """One key per row of (platform, account_id), the same in fingerprints and in the side table. Never 0."""
    public = secret(b"", "signature account")
    return combined([keys_of(_whole(table.column(name)), public) for name in ("platform", "account_id")])[0]


def of_exchanges(table: pa.Table | pa.RecordBatch) -> Iterator[tuple[str, Rows | None, Keys]]:
    """(view, rows, keys) of ``tables.FINGERPRINTS``; rows None: one key per row. 0 where unknown.

    A view of which nothing is known is left out. Cost: a few passes over each column.
    """
    plain = {name: _key(table.column(column)) for name, column in _PLAIN.items()}
    for name, keys in plain.items():
        if keys.any():
            yield name, None, tagged(name, keys)
    stack, agent = plain["stack"], plain["agent"]
    both = (stack > 0) & (agent > 0)
    if both.any():
        yield "client", None, np.where(both, tagged("client", stack * _ODD ^ agent), U(0))
    for name, column in (("asn", "asn"), ("max_tokens", "max_tokens")):
        numbers = np.asarray(pc.fill_null(_whole(table.column(column)), 0)).astype(np.uint64)
        if numbers.any():
            yield name, None, tagged(name, numbers)
    if plain["params"].any():
        model = keys_of(_whole(table.column("model")), secret(b"", "signature model"))[0]
        mixed = tagged("habit", plain["params"] * _ODD ^ model)
        yield "habit", None, np.where((plain["params"] > 0) & (model > 0), mixed, U(0))
    if plain["text"].any():
        yield "form", None, _form(table, plain["text"] > 0)
        yield from _lists(table)


def of_accounts(side: pa.Table | pa.RecordBatch) -> Iterator[tuple[str, Keys]]:
    """(view, keys) of ``tables.ACCOUNTS``, one key per row, 0 where unknown. A view nobody has is left out."""
    held = {name: keys_of(_whole(side.column(c)), secret(b"", f"signature {c}"))[0] for name, c in _SIDE.items()}
    for name, keys in held.items():
        if keys.any():
            yield name, tagged(name, keys)
    created = np.asarray(pc.fill_null(_whole(side.column("created_at")).cast(pa.int64()), 0))
    slot = np.where(created > 0, created // (SIGNUP_SLOT_S * 1_000_000), 0).astype(np.uint64)
    if slot.any():
        yield "signup_slot", tagged("signup_slot", slot)
        shape = held["email_shape"]
        yield "slot_shape", np.where((slot > 0) & (shape > 0), tagged("slot_shape", slot * _ODD ^ shape), U(0))
    parts = [keys_of(_whole(side.column(c)), secret(b"", c)) for c in ("plan", "verification", "billing_country")]
    standing, unknown = combined(parts)
    if not unknown.all():
        yield "standing", tagged("standing", np.where(unknown, U(0), standing))


def tagged(view: str, keys: Keys) -> Keys:
    """Keys apart from those of every other view; 0 stays 0."""
    mixed = (keys ^ _TAGS[view]) * _ODD
    mixed ^= mixed >> _SHIFT
    return np.where(keys == 0, U(0), mixed | U(1))


def _lists(table: pa.Table | pa.RecordBatch) -> Iterator[tuple[str, Rows, Keys]]:
    count = table.num_rows
    column = _whole(table.column("sentence_keys"))
    held = np.asarray(pc.fill_null(pc.list_value_length(column), 0)).astype(np.int64)
    keys = np.asarray(pc.fill_null(column.flatten(), pa.scalar(0, pa.uint64())))
    yield "sentence", np.repeat(np.arange(count), held), tagged("sentence", keys)
    bands = _whole(table.column("near_keys"))
    known = np.flatnonzero(np.asarray(bands.is_valid()))
    flat = np.asarray(bands.flatten()).astype(np.uint64).reshape(len(known), -1)
    width = flat.shape[1] if len(known) else 1
    which = (flat << U(3)) | np.arange(1, width + 1, dtype=np.uint64)
    yield "near", np.repeat(known, width), tagged("near", which.ravel())


def _form(table: pa.Table | pa.RecordBatch, known: npt.NDArray[np.bool_]) -> Keys:
    def number(name: str) -> Keys:
        return np.asarray(pc.fill_null(_whole(table.column(name)).cast(pa.int64()), -1)).astype(U)

    chars = np.log2(np.maximum(np.asarray(pc.fill_null(_whole(table.column("prompt_chars")), 1)), 1))
    packed = (2 * chars).astype(np.uint64)
    for name in ("capability", "script", "has_code", "starts_lower", "ends_question"):
        packed = packed * U(257) + number(name) + U(1)
    return np.where(known, tagged("form", packed + U(1)), U(0))


def _key(column: pa.ChunkedArray | pa.Array) -> Keys:
    return np.asarray(pc.fill_null(_whole(column), pa.scalar(0, pa.uint64())))


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
