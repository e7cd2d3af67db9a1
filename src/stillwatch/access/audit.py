"""Is the audit log whole? Edits, removals, reordering, and, against a head kept elsewhere, a log cut short.

Pure but for the store handed in. What it cannot see: a log rewritten from some entry to its end by somebody who knows
how chains are made, where nobody kept a head; and a beginning removed by somebody who also wrote that it was purged.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stillwatch.store.chain import GENESIS, chain_of
from stillwatch.store.protocol import AuditEnds, AuditEntry, Store

__all__ = ["GENESIS", "Head", "Verified", "chain_of", "verify", "verify_store"]

PAGE = 5_000


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log ended when somebody looked. Kept outside the store it shows a log that lost its end."""

    number: int
    chain: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """``broken``: the first number that does not hold, None where all do. ``head`` is what to keep elsewhere."""

    entries: int
    broken: int | None
    says: str
    head: Head


def verify(entries: Iterable[AuditEntry], after: Head | None = None) -> int | None:
    """The first broken number, or None. ``after``: the entry before the first one (the beginning, where none is)."""
    number, chain = (after.number, after.chain) if after else (0, GENESIS)
    for entry in entries:
        if entry.number != number + 1:
            return number + 1
        if chain_of(entry, chain) != entry.chain:
            return entry.number
        number, chain = entry.number, entry.chain
    return None


def verify_store(store: Store, kept: Head | None = None) -> Verified:
    """The whole log, page by page, against where the store says it begins and ends and against a head kept elsewhere.

    Entries appended meanwhile are left for the next time. O(entries).
    """
    ends = store.audit_ends()
    last, seen, kept_chain = Head(number=ends.before, chain=ends.before_chain), 0, None
    if kept is not None and kept.number == ends.before:
        kept_chain = ends.before_chain
    while last.number < ends.head:
        page = store.audit(after=last.number, limit=min(PAGE, ends.head - last.number))
        broken = verify(page, last)
        if broken is not None:
            return _told(seen, broken, f"entry {broken} was changed, moved or removed", last)
        if not page:
            return _told(seen, last.number + 1, f"the log ends at {last.number}, not at {ends.head}", last)
        kept_chain = next((entry.chain for entry in page if kept and entry.number == kept.number), kept_chain)
        seen, last = seen + len(page), Head(number=page[-1].number, chain=page[-1].chain)
    if last.chain != ends.head_chain:
        return _told(seen, last.number, "the last entry is not the one the store ended with", last)
    return _against(kept, kept_chain, ends, seen, last)


def _against(kept: Head | None, kept_chain: str | None, ends: AuditEnds, seen: int, last: Head) -> Verified:
    if kept is None or kept.number < ends.before:  # nothing kept, or purged since
        return _told(seen, None, f"{seen} entries hold", last)
    if kept.number > ends.head:
        return _told(seen, ends.head + 1, f"the log was cut short: it reached {kept.number}, now {ends.head}", last)
    if kept_chain != kept.chain and kept.number > 0:
        return _told(seen, kept.number, f"the log was rewritten: entry {kept.number} is not the one kept", last)
    return _told(seen, None, f"{seen} entries hold, and the head kept is among them", last)


def _told(entries: int, broken: int | None, says: str, head: Head) -> Verified:
    return Verified(entries=entries, broken=broken, says=says, head=head)
