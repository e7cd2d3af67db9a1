"""Who is who: every account seen, what the side table says of it, and which organisation it openly belongs to.

Contraction comes before any linking: accounts that openly belong together (one organisation id, one declared legal
entity, one private domain paid from few cards) become one *node*, and support of an attribute is counted in nodes.
That removes campus, office and reseller sharing before a graph exists. What it does not know: whether a declared
organisation is honest; every node is therefore also judged as if it were one account.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.tables import ACCOUNTS
from stillwatch.tally.freemail import FREEMAIL_DOMAINS

Int = npt.NDArray[np.int64]
# A domain whose accounts pay with this few cards each is a company's, not a mail provider's.
PRIVATE_DOMAIN_CARDS_PER_ACCOUNT = 0.34
# A domain with more accounts than this share of all is a mail provider, listed or not.
PUBLIC_DOMAIN_SHARE = 0.02
# A contract. Education, research and startup programmes are a known source of fraudulent accounts: a plan is no check.
CHECKED_PLANS = ("enterprise",)


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Accounts in the order (platform, account_id), with the side table aligned to them.

    ``names``: columns platform, account_id. ``side``: ``tables.ACCOUNTS``, null rows where an account has none.
    ``node``: int64[n], the organisation an account is contracted into. ``node_size``: accounts of each node.
    ``declared``: bool[n], the account openly belongs to an organisation (whatever else it does). ``vouched``: bool[n],
    somebody checked: a verified organisation, or a plan that needs a contract.
    """

    names: pa.Table
    side: pa.Table
    has_side: bool
    node: Int
    node_size: Int
    declared: npt.NDArray[np.bool_]
    vouched: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return self.names.num_rows


def codes(column: pa.ChunkedArray | pa.Array) -> Int:
    """Dense codes of a column's values, -1 for null. O(n)."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = array.dictionary_encode() if not pa.types.is_dictionary(array.type) else array
    return np.asarray(pc.fill_null(encoded.indices.cast(pa.int64()), -1))


def build_roster(seen: pa.Table, accounts: pa.Table | None) -> Roster:
    """Join the accounts seen in exchanges (columns platform, account_id, org_key) to the side table. O(n log n).

    An account of the side table that made no exchange is left out: there is nothing to judge.
    """
    names = (
        seen.select(["platform", "account_id", "org_key"])
        .group_by(["platform", "account_id"])
        .aggregate([("org_key", "max")])
        .sort_by([("platform", "ascending"), ("account_id", "ascending")])
    )
    side = _align(names, accounts)
    node, declared = _contract(names.column("org_key_max"), side)
    return Roster(
        names=names.select(["platform", "account_id"]),
        side=side,
        has_side=accounts is not None and accounts.num_rows > 0,
        node=node,
        node_size=np.bincount(node, minlength=int(node.max(initial=-1)) + 1),
        declared=declared,
        vouched=_whole_nodes(node, vouched_for(side)),
    )


def _whole_nodes(node: Int, vouched: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Colleagues of the checked are checked: an organisation counts when half of its accounts do."""
    share = np.bincount(node, weights=vouched) / np.bincount(node)
    return share[node] >= 0.5


def vouched_for(side: pa.Table) -> npt.NDArray[np.bool_]:
    """Which accounts somebody checked. A declared name alone is only a word; a verified organisation is not."""
    verified = pc.equal(side.column("verification"), "organisation")
    planned = pc.is_in(side.column("plan"), value_set=pa.array(CHECKED_PLANS))
    return np.asarray(pc.or_(pc.fill_null(verified, False), planned))


def _align(names: pa.Table, accounts: pa.Table | None) -> pa.Table:
    n = names.num_rows
    if accounts is None or accounts.num_rows == 0:
        return pa.table({f.name: pa.nulls(n, f.type) for f in ACCOUNTS}, schema=pa.schema(list(ACCOUNTS)))
    keyed = accounts.append_column("position", pa.array(np.arange(accounts.num_rows)))
    # the last row of an account wins: exports append corrections
    last = keyed.group_by(["platform", "account_id"]).aggregate([("position", "max")])
    left = names.append_column("slot", pa.array(np.arange(n))).select(["platform", "account_id", "slot"])
    joined = left.join(last, keys=["platform", "account_id"], join_type="left outer").sort_by("slot")
    taken = accounts.take(joined.column("position_max"))
    return taken.select([f.name for f in ACCOUNTS])


def private_domains(side: pa.Table) -> npt.NDArray[np.bool_]:
    """Which accounts' e-mail domains are a company's own: unlisted, not too common, and paid from few cards."""
    domain = codes(side.column("email_domain"))
    n = len(domain)
    if not (domain >= 0).any():
        return np.zeros(n, dtype=bool)
    card = codes(side.column("payment_token"))
    known = domain >= 0
    count = np.bincount(domain[known])
    pairs = np.unique(np.stack([domain[known & (card >= 0)], card[known & (card >= 0)]]), axis=1)
    cards = np.bincount(pairs[0], minlength=len(count))
    with_card = np.bincount(domain[known & (card >= 0)], minlength=len(count))
    names = side.column("email_domain").combine_chunks().dictionary_encode().dictionary.to_pylist()
    listed = np.array([str(name).lower() in FREEMAIL_DOMAINS for name in names], dtype=bool)
    few_cards = (with_card > 0) & (cards <= np.maximum(1, PRIVATE_DOMAIN_CARDS_PER_ACCOUNT * with_card))
    private = ~listed & (count <= max(50, PUBLIC_DOMAIN_SHARE * n)) & few_cards
    return known & private[np.maximum(domain, 0)]


def _contract(org_key: pa.ChunkedArray, side: pa.Table) -> tuple[Int, npt.NDArray[np.bool_]]:
    n = side.num_rows
    parent = np.arange(n, dtype=np.int64)
    org, entity = codes(org_key), codes(side.column("declared_org"))
    domain = np.where(private_domains(side), codes(side.column("email_domain")), -1)
    for values in (org, entity, domain):
        _union_equal(parent, values)
    roots = np.array([_find(parent, i) for i in range(n)], dtype=np.int64)
    node = np.unique(roots, return_inverse=True)[1].astype(np.int64)
    return node, (org >= 0) | (entity >= 0) | (domain >= 0)


def _find(parent: Int, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return i


def _union_equal(parent: Int, values: Int) -> None:
    first: dict[int, int] = {}
    for i in np.flatnonzero(values >= 0).tolist():
        value = int(values[i])
        if value in first:
            parent[_find(parent, i)] = _find(parent, first[value])
        else:
            first[value] = i
