"""What a campaign leaves by which its next accounts can be known: values it holds, in bits against everybody else.

A value is worth log2 of how common it is among the members over how common it is among all others of the window. Both
shares are shrunk, so that what two members happen to share weighs little, and what only one has weighs nothing: it
would be a description of that account. Others are counted in accounts and in organisations, whichever finds the value
commoner. Values of one family count once, the strongest. A signature is opaque to the store: it is written to bytes.

It does not know what an account does with what it shares. Whoever is recognised by a signature is a candidate until
the next mining looks at everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.traits import FAMILIES, NAMES, OF_ACCOUNTS, VIEWS, of_accounts, of_exchanges
from stillwatch.errors import InputError
from stillwatch.tally.facts import Facts
from stillwatch.tally.roster import Roster

Keys = npt.NDArray[np.uint64]
Int = npt.NDArray[np.int64]
Bits = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
FORMAT = 1
LEAST_BITS = 1.0  # a value worth less recognises nobody
LEAST_HOLDERS = 2  # members who share a value; a card may be used again by the next account though one used it so far
ONE_HOLDER = frozenset({"payment"})
LEAST_DISCOUNT, MOST_DISCOUNT = 0.25, 0.98
MOST_VALUES = 4_096  # of a view: a campaign that resamples a list shares every item of it
FLOOR_BITS = -4.0  # of counter-evidence: what an account lacks is easily arranged by an honest accident
FAMILY_OF = np.array([FAMILIES.index(VIEWS[name]) for name in NAMES], dtype=np.uint8)


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Values, ascending by key: uint64 ``keys``, float32 ``bits``, uint8 ``views`` (places in ``names``), as bytes.

    ``absent``: family -> bits of an account that has none of the family's values, never positive. ``least_bits``: of
    weighed evidence, below which this campaign recognises nobody, whatever the probability. ``separates``: False where
    its members cannot be told from others by it; then it recognises nobody, and ``says`` why.
    """

    format: int = FORMAT
    campaign_id: str
    accounts: int
    names: tuple[str, ...] = NAMES
    keys: bytes
    bits: bytes
    views: bytes
    absent: dict[str, float]
    least_bits: float = 0.0
    separates: bool = True
    says: str = ""

    def write(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @classmethod
    def read(cls, raw: bytes) -> Signature:
        """InputError where these are not the bytes of a signature, or of a version this one cannot read."""
        try:
            found = msgspec.msgpack.decode(raw, type=cls)
        except msgspec.DecodeError as error:
            raise InputError(f"a campaign's signature cannot be read: {error}") from error
        if found.format != FORMAT or found.names != NAMES:
            raise InputError("a campaign's signature is of another version; the next mining writes it anew")
        return found

    def key_array(self) -> Keys:
        return np.frombuffer(self.keys, dtype="<u8")

    def bit_array(self) -> Bits:
        return np.frombuffer(self.bits, dtype="<f4")

    def view_array(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(self.views, dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class Held:
    """One view of a window: value ``keys[i]`` is held by ``account[start[i] : start[i + 1]]``.

    At least two of them (one where the view is of ``ONE_HOLDER``).
    ``informed``: bool[accounts]; ``alone``: values only this account holds.
    """

    number: int
    keys: Keys
    start: Int
    account: Int
    informed: Bool
    alone: Int


@dataclass(frozen=True, kw_only=True)
class Census:
    """Who holds what in a window: made once, every campaign is signed from it. ``node``: organisation per account."""

    held: tuple[Held, ...]
    node: Int

    @classmethod
    def of(cls, facts: Facts, roster: Roster) -> Census:
        """O(n log n) per view."""
        count = len(roster)
        found = [
            _held(name, facts.account if rows is None else facts.account[rows], keys, count)
            for name, rows, keys in of_exchanges(facts.table)
        ]
        if roster.has_side:
            everyone = np.arange(count)
            found += [_held(name, everyone, keys, count) for name, keys in of_accounts(roster.side)]
        return cls(held=tuple(found), node=roster.node)


def _held(name: str, account: Int, keys: Keys, count: int) -> Held:
    known = keys > 0
    values, code = np.unique(keys[known], return_inverse=True)
    pair = np.unique(code * count + account[known])
    code, account = pair // count, pair % count
    holders = np.bincount(code, minlength=len(values))
    informed = np.zeros(count, dtype=bool)
    informed[account] = True
    single = holders[code] == 1
    kept = np.ones(len(values), dtype=bool) if name in ONE_HOLDER else holders >= LEAST_HOLDERS
    return Held(
        number=NAMES.index(name),
        keys=values[kept],
        start=np.concatenate([[0], np.cumsum(holders[kept])]).astype(np.int64),
        account=account[kept[code]],
        informed=informed,
        alone=np.bincount(account[single], minlength=count),
    )


@dataclass(frozen=True, kw_only=True)
class Worth:
    """Values of one view worth something to a campaign. ``own``: the same bits as a member left out would have them."""

    held: Held
    place: Int  # in ``held.keys``
    bits: Bits
    own: Bits


def sign(census: Census, campaign_id: str, members: Bool, apart: Bool | None = None) -> tuple[Signature, list[Worth]]:
    """The signature of accounts (bool[accounts]) against all others but ``apart``.

     Those are of other campaigns, or nobody is sure of them: neither side. Not checked yet: see
    ``signature_null``. Cost: the pairs of each view.
    """
    others = ~members if apart is None else ~(members | apart)
    worth = [found for held in census.held if (found := _worth(census, held, members, others)) is not None]
    keys = np.concatenate([w.held.keys[w.place] for w in worth] or [np.zeros(0, np.uint64)])
    bits = np.concatenate([w.bits for w in worth] or [np.zeros(0, np.float32)])
    views = np.concatenate([np.full(len(w.place), w.held.number, np.uint8) for w in worth] or [np.zeros(0, np.uint8)])
    order = np.argsort(keys, kind="stable")
    signature = Signature(
        campaign_id=campaign_id,
        accounts=int(members.sum()),
        keys=keys[order].astype("<u8").tobytes(),
        bits=bits[order].astype("<f4").tobytes(),
        views=views[order].tobytes(),
        absent=_absent(census, worth, members, others),
    )
    return signature, worth


def _worth(census: Census, held: Held, members: Bool, others: Bool) -> Worth | None:
    least = 1 if NAMES[held.number] in ONE_HOLDER else LEAST_HOLDERS
    informed, at_large = int((held.informed & members).sum()), int((held.informed & others).sum())
    if not len(held.keys) or informed < LEAST_HOLDERS or not at_large:
        return None
    ours = np.add.reduceat(members[held.account].astype(np.int64), held.start[:-1])
    place = np.flatnonzero(ours >= least)
    if not len(place):
        return None
    ours = ours[place]
    elsewhere = _elsewhere(census, held, place, others)
    once = int(held.alone[members].sum()) + int((ours == 1).sum())
    discount = float(np.clip(once / max(1, once + 2 * int((ours == 2).sum())), LEAST_DISCOUNT, MOST_DISCOUNT))

    def bits(holders: Int, of: int) -> Bits:
        among = (np.maximum(holders - discount, 0.0) + elsewhere) / (of + 1)
        return np.log2(among / elsewhere).astype(np.float32)

    found, own = bits(ours, informed), bits(ours - 1, informed - 1)
    best = np.lexsort((held.keys[place], -found * ours))[:MOST_VALUES]
    kept = np.sort(best[found[best] >= LEAST_BITS])
    return Worth(held=held, place=place[kept], bits=found[kept], own=own[kept]) if len(kept) else None


def _elsewhere(census: Census, held: Held, place: Int, others: Bool) -> npt.NDArray[np.float64]:
    """Share of the others who hold each value, in accounts or in organisations, whichever is larger."""
    length = held.start[place + 1] - held.start[place]
    value = np.repeat(np.arange(len(place)), length)
    at = np.repeat(held.start[place] - np.concatenate([[0], np.cumsum(length)[:-1]]), length) + np.arange(len(value))
    account = held.account[at]
    value, account = value[others[account]], account[others[account]]
    whole = held.informed & others
    accounts = (np.bincount(value, minlength=len(place)) + 1.0) / (whole.sum() + 2.0)
    width = int(census.node.max(initial=0)) + 1
    once = np.unique(value * width + census.node[account]) // width
    nodes = (np.bincount(once, minlength=len(place)) + 1.0) / (len(np.unique(census.node[whole])) + 2.0)
    return np.maximum(accounts, nodes)


def _absent(census: Census, worth: Sequence[Worth], members: Bool, others: Bool) -> dict[str, float]:
    """Per family of the side table: bits of having a value, and none of these."""
    found: dict[str, float] = {}
    for family in OF_ACCOUNTS:
        informed = np.zeros(len(members), dtype=bool)
        for held in census.held:
            if VIEWS[NAMES[held.number]] == family:
                informed |= held.informed
        has = np.zeros(len(members), dtype=bool)
        for one in worth:
            if VIEWS[NAMES[one.held.number]] == family:
                for i in one.place[one.own > 0].tolist():
                    has[one.held.account[one.held.start[i] : one.held.start[i + 1]]] = True
        ours, theirs = informed & members, informed & others
        if ours.any() and theirs.any():
            lack = ((~has & ours).sum() + 1.0) / (ours.sum() + 1.0)
            usual = ((~has & theirs).sum() + 1.0) / (theirs.sum() + 1.0)
            found[family] = round(float(np.clip(np.log2(lack / usual), FLOOR_BITS, 0.0)), 3)
    return found


def best_bits(
    signature: Signature,
    exchanges: Iterable[tuple[str, Int | None, Keys]],
    account: Int,
    side: Iterable[tuple[str, Keys]],
    count: int,
) -> Bits:
    """float32[accounts, families]: strongest bits of each, 0 where there are none. The slow and plain way.

    ``exchanges``, ``side``: as ``traits`` gives them; ``account``: position of each exchange's account.
    """
    best = np.zeros((count, len(FAMILIES)), dtype=np.float32)
    informed = np.zeros((count, len(FAMILIES)), dtype=bool)
    keys, bits, views = signature.key_array(), signature.bit_array(), signature.view_array()
    everyone = np.arange(count)
    for name, rows, values in [*exchanges, *((name, everyone, values) for name, values in side)]:
        family = FAMILIES.index(VIEWS[name])
        who = (account if rows is None else account[rows]) if name not in _OF_SIDE else everyone
        informed[who[values > 0], family] = True
        if len(keys):
            at = np.minimum(np.searchsorted(keys, values), len(keys) - 1)
            hit = (keys[at] == values) & (views[at] == NAMES.index(name))
            np.maximum.at(best[:, family], who[hit], bits[at[hit]])
    for family, lacking in signature.absent.items():
        place = FAMILIES.index(family)
        best[:, place] = np.where(informed[:, place] & (best[:, place] == 0), np.float32(lacking), best[:, place])
    return best


_OF_SIDE = frozenset(name for name, family in VIEWS.items() if family in OF_ACCOUNTS)


def similarity(one: Signature | None, other: Signature | None) -> float:
    """0..1: how much of what is held is held by both, families counting alike; 0 unless two of them share anything.

    Content alone makes nobody the same: lists and templates are copied.
    """
    if one is None or other is None:
        return 0.0
    mine, theirs = (dict(zip(s.key_array().tolist(), s.bit_array().tolist(), strict=True)) for s in (one, other))
    family = {key: int(FAMILY_OF[view]) for s in (one, other) for key, view in zip(
        s.key_array().tolist(), s.view_array().tolist(), strict=True)}  # fmt: skip
    both: dict[int, float] = {}
    whole: dict[int, float] = {}
    for key in sorted(mine.keys() | theirs.keys()):
        low, high = sorted((mine.get(key, 0.0), theirs.get(key, 0.0)))
        both[family[key]] = both.get(family[key], 0.0) + low
        whole[family[key]] = whole.get(family[key], 0.0) + high
    shares = {name: both[name] / whole[name] for name in whole if both[name] > 0}
    if len(shares) < 2:
        return 0.0
    return sum(shares.values()) / len(whole)
