"""What has been seen of accounts that share anything with a known campaign: a table per (account, campaign).

Only the strongest bits of each family are kept, and what they came from: taking the larger is the same in any order and
over any split, so two tables merge into the one that would have stood there had one seen everything. Accounts that
share nothing cost a look-up each and are not in here. Open addressing; nothing is ever deleted but by starting anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.traits import FAMILIES

Keys = npt.NDArray[np.uint64]
Int = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Bits = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)
_FIRST = 1_024  # places in an empty table; always a power of two, and never more than half full


@nb.njit(cache=True, nogil=True)
def _find(places: Int32, held: Keys, key: np.uint64) -> np.int64:
    """Where the key is in ``places``, or the free place it would take."""
    mask = len(places) - 1
    at = np.int64((key * _ODD) >> _SHIFT) & mask
    while places[at] >= 0 and held[places[at]] != key:
        at = (at + 1) & mask
    return at


@nb.njit(cache=True, nogil=True)
def _fill(places: Int32, held: Keys, count: int) -> None:
    """Put the first ``count`` keys, all different, into empty places."""
    for i in range(count):
        places[_find(places, held, held[i])] = i


@nb.njit(cache=True, nogil=True)
def look_up(places: Int32, held: Keys, keys: Keys) -> Int32:
    """Position of each key among ``held``, -1 where it is not there or 0."""
    found = np.empty(len(keys), dtype=np.int32)
    for i in range(len(keys)):
        found[i] = places[_find(places, held, keys[i])] if keys[i] else -1
    return found


@nb.njit(cache=True, nogil=True)
def hits(places: Int32, held: Keys, keys: Keys, rows: Int, skipped: npt.NDArray[np.bool_]) -> tuple[Int, Int]:
    """(row, position) of every key that is held, where its row is not skipped; empty ``rows``: one key per row."""
    row, position = np.empty(len(keys), dtype=np.int64), np.empty(len(keys), dtype=np.int64)
    found = 0
    for i in range(len(keys)):
        here = rows[i] if len(rows) else i
        if keys[i] and not skipped[here]:
            entry = places[_find(places, held, keys[i])]
            if entry >= 0:
                row[found], position[found] = here, entry
                found += 1
    return row[:found], position[:found]


def index(held: Keys) -> Int32:
    """Places for ``look_up`` and ``hits`` over keys that are all different."""
    places = np.full(max(_FIRST, 1 << int(2 * len(held) + 1).bit_length()), -1, dtype=np.int32)
    _fill(places, held, len(held))
    return places


@dataclass
class Sightings:
    """Accounts with anything shared, by position, and pairs of an account and a campaign, by position.

    Of accounts: ``key``, ``seen`` exchanges since, and counting, the batch that first shared something, ``last_us`` of
    any exchange, ``informed``: bit i where the i-th family is known of it from the side table, ``vouched``, ``said``.
    Of pairs: ``account`` and ``campaign`` (positions), ``best`` float32[pairs, families], ``view`` it came from.
    """

    account_count: int
    pair_count: int
    account_places: Int32
    pair_places: Int32
    key: Keys
    seen: Int
    last_us: Int
    informed: Bytes
    vouched: npt.NDArray[np.bool_]
    said: npt.NDArray[np.bool_]
    pair_key: Keys
    account: Int32
    campaign: Int32
    best: Bits
    view: Bytes

    @classmethod
    def none(cls) -> Sightings:
        return cls(
            account_count=0,
            pair_count=0,
            account_places=np.full(_FIRST, -1, np.int32),
            pair_places=np.full(_FIRST, -1, np.int32),
            key=np.zeros(0, np.uint64),
            seen=np.zeros(0, np.int64),
            last_us=np.zeros(0, np.int64),
            informed=np.zeros(0, np.uint8),
            vouched=np.zeros(0, np.bool_),
            said=np.zeros(0, np.bool_),
            pair_key=np.zeros(0, np.uint64),
            account=np.zeros(0, np.int32),
            campaign=np.zeros(0, np.int32),
            best=np.zeros((0, len(FAMILIES)), np.float32),
            view=np.zeros((0, len(FAMILIES)), np.uint8),
        )

    def add(self, account: Keys, campaign: Int32, family: Bytes, bits: Bits, view: Bytes) -> Int32:
        """Take in what was seen, one value a row; the pairs it concerns. O(rows), and O(table) when it grows."""
        self._reserve(len(account))
        self.account_count, self.pair_count, pairs = _add(
            account, campaign, family, bits, view,
            self.account_places, self.key, self.account_count,
            self.pair_places, self.pair_key, self.account, self.campaign, self.pair_count, self.best, self.view,
        )  # fmt: skip
        return pairs

    def touch(self, keys: Keys, at_us: Int) -> None:
        """Count exchanges of the accounts that are in here."""
        _touch(self.account_places, self.key, keys, at_us, self.seen, self.last_us)

    def inform(self, keys: Keys, informed: Bytes, vouched: npt.NDArray[np.bool_]) -> None:
        """What the side table knows of accounts that are in here."""
        at = look_up(self.account_places, self.key, keys)
        np.bitwise_or.at(self.informed, at[at >= 0], informed[at >= 0])
        np.logical_or.at(self.vouched, at[at >= 0], vouched[at >= 0])

    def merged(self, other: Sightings) -> Sightings:
        """Both, as if one had seen everything."""
        found = Sightings.none()
        for one in (self, other):
            n, width = one.pair_count, len(FAMILIES)
            found.add(
                np.repeat(one.key[one.account[:n]], width),
                np.repeat(one.campaign[:n], width),
                np.tile(np.arange(width, dtype=np.uint8), n),
                one.best[:n].ravel(),
                one.view[:n].ravel(),
            )
            a = one.account_count
            at = look_up(found.account_places, found.key, one.key[:a])
            found.seen[at] += one.seen[:a]
            found.last_us[at] = np.maximum(found.last_us[at], one.last_us[:a])
            found.informed[at] |= one.informed[:a]
            found.vouched[at] |= one.vouched[:a]
            found.said[at] |= one.said[:a]
        return found

    def newest(self, count: int) -> Sightings:
        """Only the ``count`` accounts seen last; of those seen at one moment the lower keys."""
        n = self.account_count
        order = np.lexsort((self.key[:n], -self.last_us[:n]))[:count]
        kept = np.zeros(n, dtype=bool)
        kept[order] = True
        pairs = np.flatnonzero(kept[self.account[: self.pair_count]])
        place = (np.cumsum(kept) - 1).astype(np.int32)
        less = Sightings.none()
        less.account_count, less.pair_count = int(kept.sum()), len(pairs)
        for name in ("key", "seen", "last_us", "informed", "vouched", "said"):
            setattr(less, name, getattr(self, name)[:n][kept])
        for name in ("pair_key", "campaign", "best", "view"):
            setattr(less, name, getattr(self, name)[pairs])
        less.account = place[self.account[pairs]]
        less.account_places, less.pair_places = index(less.key), index(less.pair_key)
        return less

    def _reserve(self, more: int) -> None:
        """Room for so many more accounts and pairs."""
        accounts, pairs = self.account_count + more, self.pair_count + more
        for name in ("key", "seen", "last_us", "informed", "vouched", "said"):
            setattr(self, name, _longer(getattr(self, name), accounts))
        for name in ("pair_key", "account", "campaign", "best", "view"):
            setattr(self, name, _longer(getattr(self, name), pairs))
        if 2 * accounts > len(self.account_places):
            self.account_places = np.full(1 << int(4 * accounts).bit_length(), -1, dtype=np.int32)
            _fill(self.account_places, self.key, self.account_count)
        if 2 * pairs > len(self.pair_places):
            self.pair_places = np.full(1 << int(4 * pairs).bit_length(), -1, dtype=np.int32)
            _fill(self.pair_places, self.pair_key, self.pair_count)


def _longer(values: npt.NDArray[np.generic], needed: int) -> npt.NDArray[np.generic]:
    """The same with zeros after it, at least ``needed`` long; grown by half, so that it does not happen often."""
    if len(values) >= needed:
        return values
    grown = np.zeros((needed + needed // 2, *values.shape[1:]), dtype=values.dtype)
    grown[: len(values)] = values
    return grown


@nb.njit(cache=True, nogil=True)
def _add(  # noqa: PLR0913, PLR0917 - a kernel is handed the table column by column
    account: Keys, campaign: Int32, family: Bytes, bits: Bits, view: Bytes,
    places: Int32, key: Keys, accounts: int,
    pair_places: Int32, pair_key: Keys, pair_account: Int32, pair_campaign: Int32, pairs: int, best: Bits,
    best_view: Bytes,
) -> tuple[int, int, Int32]:  # fmt: skip
    touched = np.empty(len(account), dtype=np.int32)
    for i in range(len(account)):
        at = _find(places, key, account[i])
        if places[at] < 0:
            places[at], key[accounts] = accounts, account[i]
            accounts += 1
        who = places[at]
        both = account[i] ^ (np.uint64(campaign[i] + 1) * np.uint64(0xC2B2AE3D27D4EB4F))
        at = _find(pair_places, pair_key, both)
        if pair_places[at] < 0:
            pair_places[at], pair_key[pairs] = pairs, both
            pair_account[pairs], pair_campaign[pairs] = who, campaign[i]
            pairs += 1
        pair, f = pair_places[at], family[i]
        if bits[i] > best[pair, f] or (bits[i] == best[pair, f] and view[i] < best_view[pair, f]):
            best[pair, f], best_view[pair, f] = bits[i], view[i]
        touched[i] = pair
    return accounts, pairs, touched


@nb.njit(cache=True, nogil=True)
def _touch(places: Int32, held: Keys, keys: Keys, at_us: Int, seen: Int, last_us: Int) -> None:
    for i in range(len(keys)):
        who = places[_find(places, held, keys[i])]
        if who >= 0:
            seen[who] += 1
            last_us[who] = max(last_us[who], at_us[i])
