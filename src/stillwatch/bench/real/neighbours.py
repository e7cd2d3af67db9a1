"""Simple peers on the very same columns: who shares a gas funder, counterparties, or an amount on a day.

Each is what an analyst would try in an afternoon, and none learns anything. Values of more wallets than ``HUB`` link
nobody: exchanges and bridges pay everyone. The number is a round one and was not tried against others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from stillwatch.bench.peers.groups import levels, shared
from stillwatch.bench.real.contract import Contract
from stillwatch.bench.real.hop import SMALLEST_GROUP, Float, Int

HUB = 50
DAY_S = 86_400


def same_funder(contract: Contract) -> Float:
    """float64[wallets]: wallets with the same gas funder; 0 where it is unknown or a hub."""
    return _company(contract.funder)


def same_amount(contract: Contract) -> Float:
    """float64[wallets]: wallets whose bridge use falls on the same day with the same volume in dollars."""
    day = contract.at // DAY_S
    amount = contract.volume.round().astype(np.int64)
    return _company(np.unique(day * (int(amount.max()) + 1) + amount, return_inverse=True)[1].astype(np.int64))


def shared_counterparties(contract: Contract) -> Float:
    """float64[wallets]: the most counterparties that wallets of a group of ``SMALLEST_GROUP`` share link by link.

    Two wallets that dealt with each other share one. Gas funders count as counterparties here.
    """
    count = len(contract.names)
    apart = contract.wallet != contract.other
    wallet, other = contract.wallet[apart], contract.other[apart]
    own = np.arange(count)  # a wallet is among its own counterparties, so that direct dealings are shared
    ones = np.ones(len(wallet) + count, np.int32)
    where = (np.concatenate([wallet, own]), np.concatenate([other, own]))
    matrix = sparse.csr_matrix((ones, where), (count, len(contract.parties)))
    matrix.data[:] = 1
    left, right, strength = shared(matrix, HUB)
    return levels(left, right, strength, count, SMALLEST_GROUP)


def _company(value: Int) -> Float:
    """How many hold the same value, 0 for those below 0 and for hubs."""
    held = np.bincount(value[value >= 0])
    count = np.where(value >= 0, held[np.maximum(value, 0)], 0)
    return np.where(count <= HUB, count, 0).astype(np.float64)


# name -> (what it computes, from which score on it names a wallet)
PEERS: dict[str, tuple[Callable[[Contract], Float], float]] = {
    "wallets with one gas funder": (same_funder, float(SMALLEST_GROUP)),
    "wallets that share counterparties": (shared_counterparties, 2.0),
    "wallets with one amount on one day": (same_amount, 2.0),
}
