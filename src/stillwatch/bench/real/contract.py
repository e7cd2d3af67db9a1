"""Wallets and transfers in the columns of the data contract. What each column distorts stands in docs/real-data.md.

The mapping was written down before anything was measured on it. One transfer feeds one column only: what pays for gas
is the payment instrument, every other counterparty is an address, so that one event never looks like two families.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.bench.real.hop import NATIVE, Airdrop, Bool, Float, Int
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


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Candidates, and every end of a transfer that is one of them (a *touch*).

    ``names``: candidates. ``parties``: candidates first, then everybody else. ``wallet``, ``other``: int64[touches],
    the candidate and its counterparty among ``parties``. ``addressed``: int64[touches], the counterparty where it
    stands for an address, else -1. ``model``: object[touches], the kind of transfer. ``funder``: int64[candidates], who
    paid for its gas, -1 unknown. ``at``: int64[candidates] seconds. ``volume``: float64[candidates] dollars.
    """

    names: list[str]
    parties: pa.Array
    wallet: Int
    other: Int
    addressed: Int
    model: npt.NDArray[np.object_]
    funder: Int
    at: Int
    volume: Float

    def accounts(self, without: frozenset[str] = frozenset()) -> pa.Table:
        """``tables.ACCOUNTS``: created at the bridge use, paid by the gas funder."""
        count = len(self.names)
        known = {
            "account_id": pa.array(self.names, pa.string()),
            "platform": pa.array([PLATFORM] * count, pa.string()),
            "created_at": _times(self.at),
            "payment_token": self.parties.take(pa.array(self.funder, mask=self.funder < 0)),
        }
        return pa.table(_columns(ACCOUNTS, known, count, without), schema=ACCOUNTS)

    def exchanges(self, without: frozenset[str] = frozenset()) -> Iterator[pa.RecordBatch]:
        """``tables.EXCHANGES``: the bridge use of every candidate with its volume, then every touch."""
        count = len(self.names)
        volume = np.concatenate([self.volume.round(), np.full(len(self.wallet), np.nan)])
        wallet = np.concatenate([np.arange(count), self.wallet])
        other = np.concatenate([np.full(count, -1), self.addressed])
        model = np.concatenate([np.full(count, BRIDGE, object), self.model])
        addresses = pa.array([_as_address(str(name)) for name in self.parties.to_pylist()], pa.string())
        names = pa.array(self.names, pa.string())
        for start in range(0, len(wallet), BATCH_ROWS):
            part = slice(start, start + BATCH_ROWS)
            own, amount = wallet[part], volume[part]
            known = {
                "exchange_id": pa.array([str(i) for i in range(start, start + len(own))], pa.string()),
                "started_at": _times(self.at[own]),
                "platform": pa.array([PLATFORM] * len(own), pa.string()),
                "account_id": names.take(pa.array(own)),
                "request_model": pa.array(model[part], pa.string()),
                "client_address": addresses.take(pa.array(other[part], mask=other[part] < 0)),
                "max_tokens": pa.array(np.nan_to_num(amount).astype(np.int64), mask=np.isnan(amount)),
            }
            yield pa.RecordBatch.from_arrays(_columns(EXCHANGES, known, len(own), without), schema=EXCHANGES)


def contract_of(airdrop: Airdrop) -> Contract:
    """The mapping. Cost: about linear in transfers."""
    sender, receiver = airdrop.transfers.column("sender"), airdrop.transfers.column("receiver")
    names = pa.array(airdrop.names, pa.string())
    both = pa.chunked_array([*sender.chunks, *receiver.chunks]).unique()
    parties = pa.concat_arrays([names, both.filter(pc.invert(pc.is_in(both, value_set=names)))])
    kind = np.asarray(airdrop.transfers.column("kind").to_pylist(), dtype=object)
    native = np.array([str(word).endswith(NATIVE) for word in kind], dtype=bool)
    sent, got = _places(sender, parties), _places(receiver, parties)
    own = np.concatenate([sent, got])
    held = own < len(names)  # one end of the transfer is a candidate
    wallet, other = own[held], np.concatenate([got, sent])[held]
    gas = np.concatenate([np.zeros(len(kind), bool), native])[held]
    return Contract(
        names=airdrop.names,
        parties=parties,
        wallet=wallet,
        other=other,
        addressed=np.where(gas | (wallet == other), -1, other),
        model=np.concatenate([kind, kind])[held],
        funder=_funders(wallet, other, gas & (wallet != other), len(names)),
        at=airdrop.at,
        volume=airdrop.volume,
    )


def dealt_anew(contract: Contract, seed: int) -> Contract:
    """The same with each family's values dealt to other wallets, each family on its own: nobody is tied in two ways.

    Wallets keep company within a family, as hubs and funders have it, but not across families.
    """
    rng = np.random.default_rng(seed)
    touches, funders, times, volumes = (rng.permutation(len(contract.names)) for _ in range(4))
    return replace(
        contract,
        wallet=touches[contract.wallet],
        funder=contract.funder[funders],
        at=contract.at[times],
        volume=contract.volume[volumes],
    )


def _funders(wallet: Int, other: Int, gas: Bool, count: int) -> Int:
    """Who sent each candidate native coin most often, the first listed of several; -1 where nobody did."""
    found = np.full(count, -1, np.int64)
    chosen = np.stack([wallet[gas], other[gas]])
    if chosen.shape[1]:
        pairs, first, times = np.unique(chosen, axis=1, return_index=True, return_counts=True)
        order = np.lexsort((first, -times, pairs[0]))
        funded, where = np.unique(pairs[0][order], return_index=True)
        found[funded] = pairs[1][order][where]
    return found


def _times(seconds: Int) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.int64()).cast(TIME)


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
