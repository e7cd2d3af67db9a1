"""Which new accounts are a known campaign's, between two minings: micro-batches in, recognitions out.

Held against the signatures of all campaigns at once: a look-up per value, and nothing kept of accounts that share no
value with any. What is kept merges, and ends the same in whatever pieces and order the exchanges came; only how many
exchanges it took depends on that. Accounts that a mining has looked at (``settled``) are not looked at again here: it
saw more of them. An account that somebody checked (a verified organisation, a contract) is never recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.campaigns.sightings import Sightings, hits, index, look_up
from stillwatch.campaigns.signature import FAMILY_OF, Signature
from stillwatch.campaigns.traits import FAMILIES, NAMES, OF_ACCOUNTS, VIEWS, account_keys, of_accounts, of_exchanges
from stillwatch.campaigns.weighing import NEVER, OF_SIDE, SPEAKS_BITS, Weighing, load_weighing
from stillwatch.model import Recognised
from stillwatch.tally.roster import vouched_for

Keys = npt.NDArray[np.uint64]
Int = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CAPACITY = 500_000  # accounts that share something; about 200 bytes each
KEPT = 0.75  # of them, when there are more: those seen last
ALL_ROWS = np.zeros(0, dtype=np.int64)
SAYS = {
    "network": "calls from a {view} of the campaign",
    "client": "uses the client software of the campaign ({view})",
    "payment": "pays with an instrument of the campaign",
    "signup": "signed up as accounts of the campaign did ({view})",
    "session": "shares a {view} with the campaign",
    "params": "sends the campaign's parameters ({view})",
    "content": "sends what the campaign sends ({view})",
}


class Recogniser:
    """Live state over ``signatures``; those that do not separate recognise nobody.

    ``settled``: ``traits.account_keys`` of accounts the last mining saw enough of, members among them. ``least``:
    probability from which an account is named, by default the one fitted for acting. Not safe for several threads: one
    each, ``merged`` in the end.
    """

    def __init__(
        self,
        signatures: Iterable[Signature],
        settled: Keys | None = None,
        least: float | None = None,
        weighing: Weighing | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._weighing = weighing or load_weighing()
        self._least = self._weighing.act if least is None else least
        self._capacity = capacity
        used = sorted((s for s in signatures if s.separates), key=lambda s: s.campaign_id)
        self._names = tuple(s.campaign_id for s in used)
        self._compile(used)
        self._settled = np.unique(settled) if settled is not None else np.zeros(0, np.uint64)
        self._settled_places = index(self._settled)
        self._state = Sightings.none()
        self._who: dict[int, tuple[str, str]] = {}

    def _compile(self, used: Sequence[Signature]) -> None:
        """All signatures as one table: value -> what it says of which campaigns."""
        none = np.zeros(0, np.uint64)
        keys = np.concatenate([none, *(s.key_array() for s in used)])
        sizes = [len(s.key_array()) for s in used]
        order = np.argsort(keys, kind="stable")
        self._campaign = np.repeat(np.arange(len(used)), sizes).astype(np.int32)[order]
        self._bits = np.concatenate([none.astype(np.float32), *(s.bit_array() for s in used)])[order]
        self._view = np.concatenate([none.astype(np.uint8), *(s.view_array() for s in used)])[order]
        self._values, first = np.unique(keys[order], return_index=True)
        self._first = np.append(first, len(keys)).astype(np.int64)
        self._places = index(self._values)
        self._bars = np.array([s.least_bits for s in used])
        absent = [[s.absent.get(family, 0.0) for family in FAMILIES] for s in used]
        self._absent = np.array(absent, dtype=np.float32).reshape(len(used), len(FAMILIES))

    def __len__(self) -> int:
        """Accounts that share something."""
        return self._state.account_count

    def news(self, batch: pa.RecordBatch | pa.Table, accounts: pa.Table | None = None) -> list[Recognised]:
        """Accounts that this batch makes recognisable, each said once, by (platform, account id).

        ``batch``: ``tables.FINGERPRINTS``; ``accounts``: ``tables.ACCOUNTS`` rows of the accounts in it, as far as
        known, with every batch. Cost: about 2 µs an exchange, 2 µs a value that a campaign holds.
        """
        if not len(self._values) or batch.num_rows == 0:
            return []
        who = account_keys(batch)
        settled = look_up(self._settled_places, self._settled, who) >= 0
        names = (batch.column("platform"), batch.column("account_id"))
        pairs = [self._take(who, rows, keys, settled, names) for _, rows, keys in of_exchanges(batch)]
        if accounts is not None and accounts.num_rows:
            pairs.append(self._take_side(accounts))
        open_rows = ~settled
        at_us = np.asarray(_whole(batch.column("at")).cast(pa.int64()))
        self._state.touch(who[open_rows], at_us[open_rows])
        touched = np.zeros(self._state.pair_count, dtype=bool)
        for some in pairs:
            touched[some] = True
        found = self._told(np.flatnonzero(touched).astype(np.int32), once=True)
        self._forget()
        return found

    def current(self) -> list[Recognised]:
        """Everybody recognisable by what has been seen, by (platform, account id)."""
        return self._told(np.arange(self._state.pair_count, dtype=np.int32), once=False)

    def merged(self, other: Recogniser) -> Recogniser:
        """One that has seen what both have. Both must hold the same signatures; neither changes."""
        assert self._names == other._names
        found = Recogniser((), least=self._least, weighing=self._weighing, capacity=self._capacity)
        for name in ("_names", "_campaign", "_bits", "_view", "_values", "_first", "_places", "_bars", "_absent",
                     "_settled", "_settled_places"):  # fmt: skip
            setattr(found, name, getattr(self, name))
        found._state = self._state.merged(other._state)
        found._who = self._who | other._who
        found._forget()
        return found

    def _take(self, who: Keys, rows: Int | None, keys: Keys, skipped: npt.NDArray[np.bool_], names: tuple) -> Int32:
        """Note the values that campaigns hold; the pairs concerned."""
        row, value = hits(self._places, self._values, keys, ALL_ROWS if rows is None else rows, skipped)
        if not len(row):
            return np.zeros(0, np.int32)
        width = self._first[value + 1] - self._first[value]
        entry = np.repeat(self._first[value] - np.concatenate([[0], np.cumsum(width)[:-1]]), width)
        entry += np.arange(len(entry))
        row = np.repeat(row, width)
        known = self._state.account_count
        view = self._view[entry]
        pairs = self._state.add(who[row], self._campaign[entry], FAMILY_OF[view], self._bits[entry], view)
        if self._state.account_count > known:
            self._name(who, row, names, known)
        return pairs

    def _name(self, who: Keys, row: Int, names: tuple, known: int) -> None:
        state = self._state
        at = look_up(state.account_places, state.key, who[row])
        first = np.zeros(state.account_count - known, dtype=np.int64)
        fresh = np.flatnonzero(at >= known)[::-1]  # so that the first row of each stays
        first[at[fresh] - known] = row[fresh]
        for key, place in zip(state.key[known : state.account_count].tolist(), first.tolist(), strict=True):
            self._who[key] = (str(names[0][place].as_py()), str(names[1][place].as_py()))

    def _take_side(self, accounts: pa.Table) -> Int32:
        who = account_keys(accounts)
        skipped = look_up(self._settled_places, self._settled, who) >= 0
        names = (accounts.column("platform"), accounts.column("account_id"))
        informed = np.zeros(len(who), dtype=np.uint8)
        pairs = []
        for name, keys in of_accounts(accounts):
            informed |= (keys > 0).astype(np.uint8) << np.uint8(OF_ACCOUNTS.index(VIEWS[name]))
            pairs.append(self._take(who, None, keys, skipped, names))
        self._state.inform(who, informed, vouched_for(accounts))
        return np.concatenate(pairs) if pairs else np.zeros(0, np.int32)

    def _weighed(self, pairs: Int32) -> tuple[npt.NDArray[np.float32], Float, Float]:
        """(bits per family, log2 odds, probability) of pairs."""
        state = self._state
        best = state.best[pairs].copy()
        informed = state.informed[state.account[pairs]]
        for place in np.flatnonzero(OF_SIDE).tolist():
            knows = (informed >> np.uint8(OF_ACCOUNTS.index(FAMILIES[place]))) & 1
            lacks = (knows > 0) & (best[:, place] == 0)
            best[lacks, place] = self._absent[state.campaign[pairs[lacks]], place]
        odds = self._weighing.log_odds(best)
        return best, odds, self._weighing.probability(odds)

    def _told(self, pairs: Int32, *, once: bool) -> list[Recognised]:
        state = self._state
        held_back = state.vouched | state.said if once else state.vouched
        pairs = pairs[~held_back[state.account[pairs]] & (state.seen[state.account[pairs]] > 0)]
        if not len(pairs):
            return []
        best, odds, chance = self._weighed(pairs)
        passes = (odds > NEVER) & (chance >= self._least) & (odds >= self._bar(pairs))
        found: dict[int, int] = {}
        order = np.lexsort((state.campaign[pairs], -odds))
        for i in order[passes[order]].tolist():
            found.setdefault(int(state.account[pairs[i]]), i)
        if once:
            state.said[list(found)] = True
        said = [self._recognised(who, int(pairs[i]), best[i], odds[i], chance[i]) for who, i in found.items()]
        return sorted(said, key=lambda r: (r.platform, r.account_id))

    def _bar(self, pairs: Int32) -> Float:
        """A campaign's own bar stands above the one that everybody has, which ``least`` may lower."""
        own = self._bars[self._state.campaign[pairs]]
        return np.where(own > self._weighing.act_bits + 1e-2, own, -np.inf)

    def _recognised(self, who: int, pair: int, best: npt.NDArray[np.float32], odds: float, chance: float) -> Recognised:
        state = self._state
        platform, account = self._who[int(state.key[who])]
        strongest = [f for f in np.argsort(-best, kind="stable").tolist() if best[f] >= SPEAKS_BITS]
        views = [NAMES[state.view[pair, f]].replace("_", " ") for f in strongest]
        return Recognised(
            platform=platform,
            account_id=account,
            campaign_id=self._names[state.campaign[pair]],
            probability=round(float(chance), 4),
            bits=round(float(odds), 3),
            after_exchanges=int(state.seen[who]),
            at=EPOCH + timedelta(microseconds=int(state.last_us[who])),
            because=tuple(SAYS[FAMILIES[f]].format(view=v) for f, v in zip(strongest, views, strict=True)),
        )

    def _forget(self) -> None:
        """Stay within bounds: accounts that were quiet longest go first."""
        if self._state.account_count > self._capacity:
            self._state = self._state.newest(int(KEPT * self._capacity))
            kept = set(self._state.key[: self._state.account_count].tolist())
            self._who = {key: names for key, names in self._who.items() if key in kept}


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def settled_keys(names: pa.Table, exchanges: Int, least: int = 10) -> Keys:
    """Keys of accounts (columns platform, account_id) that made at least ``least`` exchanges in the window."""
    return account_keys(names.filter(pc.greater_equal(pa.array(exchanges), least)))
