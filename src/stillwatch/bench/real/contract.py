"""Wallets and transfers in the columns of the data contract. What each column distorts stands in docs/real-data.md.

The mapping was written down before anything was measured on it. One transfer feeds one column only: what pays for gas
is the payment instrument, every other counterparty is an address, so that one event never looks like two families.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.bench.real.hop import NATIVE, Airdrop, Int
from stillwatch.tables import ACCOUNTS, EXCHANGES, TIME

PLATFORM = "hop"
BRIDGE = "bridge"  # the one thing that every candidate did, at the one time that is known
BATCH_ROWS = 65_536
# what can be left out: the column that carries it, by the family of evidence it feeds
COLUMNS = {
    "network": "client_address",
    "payment": "payment_token",
    "signup": "created_at",
    "params": "max_tokens",
}
# detectors that read when things happened: transfers carry no time, so that they would measure what was made up
WITHHELD = frozenset({"synchrony", "model_pivot", "ban_succession", "failover"})


class Contract:
    """``exchanges``: one row per bridge use and per end of a transfer at a candidate. ``accounts``: one per candidate.

    ``wallet``, ``other``: int64[touches], positions of the candidate and of its counterparty in ``parties``;
    ``gas``: bool[touches], the candidate was sent native coin.
    """

    def __init__(self, airdrop: Airdrop) -> None:
        self.airdrop = airdrop
        sender, receiver = airdrop.transfers.column("sender"), airdrop.transfers.column("receiver")
        names = pa.array(airdrop.names, pa.string())
        both = pa.chunked_array([*sender.chunks, *receiver.chunks]).unique()
        others = both.filter(pc.invert(pc.is_in(both, value_set=names)))
        self.parties = pa.concat_arrays([names, others])  # candidates come first
        out = _places(sender, self.parties), _places(receiver, self.parties)
        kind = np.asarray(airdrop.transfers.column("kind").to_numpy(zero_copy_only=False))
        ends = [
            (out[0], out[1], np.zeros(len(kind), bool)),
            (out[1], out[0], np.char.endswith(kind.astype(str), NATIVE)),
        ]
        kept = [own < len(names) for own, _, _ in ends]
        self.wallet = np.concatenate([own[k] for (own, _, _), k in zip(ends, kept, strict=True)])
        self.other = np.concatenate([other[k] for (_, other, _), k in zip(ends, kept, strict=True)])
        self.gas = np.concatenate([gas[k] for (_, _, gas), k in zip(ends, kept, strict=True)])
        self.kind = np.concatenate([kind[k] for k in kept])

    @cached_property
    def funder(self) -> Int:
        """int64[candidates]: who sent it native coin most often, the first listed of several; -1 where nobody did."""
        chosen = np.flatnonzero(self.gas & (self.wallet != self.other))
        pair = np.stack([self.wallet[chosen], self.other[chosen]])
        pairs, first, count = np.unique(pair, axis=1, return_index=True, return_counts=True)
        found = np.full(len(self.airdrop.names), -1, np.int64)
        order = np.lexsort((first, -count, pairs[0]))
        wallets, where = np.unique(pairs[0][order], return_index=True)
        found[wallets] = pairs[1][order][where]
        return found

    @cached_property
    def addressed(self) -> Int:
        """int64[touches]: the counterparty where it stands for an address, -1 where it is the wallet itself or gas."""
        return np.where(self.gas | (self.wallet == self.other), -1, self.other)

    def accounts(self, without: frozenset[str] = frozenset()) -> pa.Table:
        """``tables.ACCOUNTS``: created at the bridge use, paid by the gas funder."""
        names, air = self.airdrop.names, self.airdrop
        token = self.parties.take(pa.array(self.funder, mask=self.funder < 0))
        known = {
            "account_id": pa.array(names, pa.string()),
            "platform": pa.array([PLATFORM] * len(names), pa.string()),
            "created_at": pa.array(air.at * 1_000_000, pa.int64()).cast(TIME),
            "payment_token": token,
        }
        return pa.table(_columns(ACCOUNTS, known, len(names), without), schema=ACCOUNTS)

    def exchanges(self, without: frozenset[str] = frozenset()) -> Iterator[pa.RecordBatch]:
        """``tables.EXCHANGES``: the bridge use of every candidate with its volume, then every touch of a transfer."""
        air, count = self.airdrop, len(self.airdrop.names)
        volume = np.concatenate([air.volume.round(), np.full(len(self.wallet), np.nan)])
        wallet = np.concatenate([np.arange(count), self.wallet])
        other = np.concatenate([np.full(count, -1), self.addressed])
        model = np.concatenate([np.full(count, BRIDGE, object), self.kind])
        addresses = pa.array([_as_address(str(name)) for name in self.parties.to_pylist()], pa.string())
        names = pa.array(air.names, pa.string())
        for start in range(0, len(wallet), BATCH_ROWS):
            part = slice(start, start + BATCH_ROWS)
            own, counterparty, amount = wallet[part], other[part], volume[part]
            known = {
                "exchange_id": pa.array([str(i) for i in range(start, start + len(own))], pa.string()),
                "started_at": pa.array(air.at[own] * 1_000_000, pa.int64()).cast(TIME),
                "platform": pa.array([PLATFORM] * len(own), pa.string()),
                "account_id": names.take(pa.array(own)),
                "request_model": pa.array(model[part], pa.string()),
                "client_address": addresses.take(pa.array(counterparty, mask=counterparty < 0)),
                "max_tokens": pa.array(np.nan_to_num(amount).astype(np.int64), mask=np.isnan(amount)),
            }
            yield pa.RecordBatch.from_arrays(_columns(EXCHANGES, known, len(own), without), schema=EXCHANGES)


def _columns(schema: pa.Schema, known: dict[str, pa.Array], rows: int, without: frozenset[str]) -> list[pa.Array]:
    """Every column of a schema, null where nothing is known or where it is to be left out."""
    left_out = {COLUMNS[name] for name in without}
    return [
        known[field.name] if field.name in known and field.name not in left_out else pa.nulls(rows, field.type)
        for field in schema
    ]


def _places(column: pa.ChunkedArray, parties: pa.Array) -> Int:
    return np.asarray(pc.index_in(column, value_set=parties)).astype(np.int64)


def _as_address(name: str) -> str:
    """A private IPv6 of one's own per counterparty; hashed, because vanity wallets share their first bytes."""
    return str(ipaddress.IPv6Address(b"\xfd" + hashlib.blake2b(name.encode(), digest_size=15).digest()))
