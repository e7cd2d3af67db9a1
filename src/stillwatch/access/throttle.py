"""How often a login may be tried: by name and address together, by address, and by name from anywhere.

An attempt is written down before the password is looked at, so that a thousand at the same time count as a thousand.
The limit for a name from anywhere is loose: a stranger who knows a name should not be able to lock its owner out
cheaply. Knows nothing of passwords. Of names and addresses only digests are kept.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta

import msgspec

from stillwatch.access.refused import RefusedError
from stillwatch.store.protocol import Store


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts within ``window_s`` seconds; the one after is refused unseen."""

    window_s: int = 900
    by_both: int = 5
    by_address: int = 30
    by_name: int = 100


def count_attempt(store: Store, name: str, address: str, now: datetime, limits: Limits) -> None:
    """Raises RefusedError with ``retry_after_s`` where there were too many."""
    both, from_address, of_name = _keys(name, address)
    counts = store.add_attempts([both, from_address, of_name], now, now - timedelta(seconds=limits.window_s))
    allowed = {both: limits.by_both, from_address: limits.by_address, of_name: limits.by_name}
    if any(counts[key] > allowed[key] for key in allowed):
        raise RefusedError(f"too many attempts for {name} from {address}", retry_after_s=limits.window_s)


def forgive(store: Store, name: str, address: str) -> None:
    """After a right password: its owner's mistakes are forgotten, an address's attempts at others are not."""
    both, _, of_name = _keys(name, address)
    store.forget_attempts([both, of_name])


def _keys(name: str, address: str) -> tuple[str, str, str]:
    network = _network(address)
    return _key("both", name, network), _key("address", network), _key("name", name)


def _network(address: str) -> str:
    """An IPv6 user has a whole /64 to try from, and counts as one; what is no address counts as itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False).network_address)


def _key(*parts: str) -> str:
    said = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
