"""Where requests come from: countries, autonomous systems, addresses, and how an account's address moves.

Prefixes belong to autonomous systems by a fixed hash, so address, AS, country and network class always agree. Nothing
here knows who stands behind an address; pools, carriers and exits serve both sides.
"""

from __future__ import annotations

import hashlib
import zlib

import msgspec

from stillwatch.compose.dice import Dice

# country, share of people, offset from UTC in hours, chief language
COUNTRIES: tuple[tuple[str, float, float, str], ...] = (
    ("US", 27, -6, "en"), ("IN", 9, 5.5, "en"), ("GB", 6, 0, "en"), ("DE", 6, 1, "de"), ("FR", 5, 1, "fr"),
    ("BR", 6, -3, "pt"), ("JP", 5, 9, "ja"), ("CA", 4, -5, "en"), ("AU", 2.5, 10, "en"), ("ES", 3, 1, "es"),
    ("MX", 2.5, -6, "es"), ("NL", 2, 1, "en"), ("PL", 2, 1, "en"), ("SG", 3, 8, "en"), ("HK", 2, 8, "zh"),
    ("TW", 2, 8, "zh"), ("CN", 2, 8, "zh"), ("KR", 2.5, 9, "en"), ("RU", 1.5, 3, "ru"), ("UA", 1.2, 2, "ru"),
    ("TR", 1.2, 3, "en"), ("NG", 1.5, 1, "en"), ("VN", 1.2, 7, "en"), ("ID", 1.8, 7, "en"), ("IT", 1.8, 1, "en"),
    ("AR", 1.2, -3, "es"), ("CO", 1, -5, "es"), ("IL", 1, 2, "en"), ("SE", 1, 1, "en"), ("CH", 1, 1, "de"),
)  # fmt: skip
OFFSET_H = {code: offset for code, _, offset, _ in COUNTRIES}
LANGUAGE = {code: language for code, _, _, language in COUNTRIES}
SHARES = {code: share for code, share, _, _ in COUNTRIES}

HOSTING = (
    (16509, "US"), (14618, "US"), (396982, "US"), (8075, "US"), (24940, "DE"), (14061, "US"), (16276, "FR"),
    (20473, "US"), (63949, "US"), (45102, "SG"), (132203, "SG"), (51167, "DE"), (31898, "US"), (54290, "US"),
)  # fmt: skip
CI_RUNNERS = (8075, 16509, 396982)
VPN = (
    (9009, "GB"), (212238, "NL"), (136787, "US"), (9009, "US"), (60068, "DE"), (212238, "SG"), (9009, "JP"),
    (39351, "SE"),
)  # fmt: skip
RELAY = ((36183, "US"), (13335, "US"), (54113, "US"))
_CLASS_CODE = {"residential": 1, "mobile": 2, "business": 3, "education": 4}


class Egress(msgspec.Struct, frozen=True, kw_only=True):
    """A way out to the internet.

    One address is held for ``hold_s`` seconds, then another of ``addresses`` is drawn;
    ``prefix6`` draws host parts inside an IPv6 /48 instead.
    """

    network: str
    asn: int
    country: str
    addresses: tuple[str, ...] = ()
    hold_s: float = 1e12
    prefix6: str | None = None

    def address(self, account: int, at_s: float, salt: int) -> str:
        slot = int(at_s // self.hold_s)
        mark = zlib.crc32(f"{account}/{slot}/{salt}".encode())
        if self.prefix6 is not None:
            return f"{self.prefix6}:{mark & 0xFF:x}:{mark >> 16:x}:{mark & 0xFFFF:x}:{(mark * 7) & 0xFFFF:x}:1"
        return self.addresses[mark % len(self.addresses)]


def _first_octets(asn: int, country: str, block: int) -> tuple[int, int]:
    mark = hashlib.blake2b(f"{asn}/{country}/{block}".encode(), digest_size=2).digest()
    first = 11 + mark[0] % 200  # keeps off private, loopback and multicast ranges
    if first in (100, 127, 169, 172, 192, 198, 203):
        first += 1 if first != 203 else 2
    return first, mark[1]


def asn_of(country: str, network: str, number: int) -> int:
    """The ``number``-th access network of that class in a country (private-use style numbers, stable across worlds)."""
    mark = hashlib.blake2b(f"{country}/{network}/{number}".encode(), digest_size=3).digest()
    return 20_000 + int.from_bytes(mark, "little") % 180_000


def ipv4(dice: Dice, asn: int, country: str, blocks: int = 4, subnet: int | None = None) -> str:
    """An address of that autonomous system in that country, out of ``blocks`` /16s."""
    first, second = _first_octets(asn, country, dice.whole(0, blocks - 1))
    third = dice.whole(0, 255) if subnet is None else subnet
    return f"{first}.{second}.{third}.{dice.whole(1, 254)}"


def prefix48(dice: Dice, asn: int, country: str) -> str:
    """An IPv6 /48 of that autonomous system, as its first three groups."""
    first, second = _first_octets(asn, country, 9)
    return f"2{0x400 + first:03x}:{second:02x}{dice.whole(0, 255):02x}:{dice.whole(0, 65535):x}"


def country(dice: Dice) -> str:
    """Where a stranger lives."""
    return dice.mapped(SHARES)


def home(dice: Dice, code: str) -> Egress:
    """A household line: mostly one address, renewed after days; a third on IPv6."""
    asn = asn_of(code, "residential", dice.weighted((0, 1, 2, 3), (5, 3, 2, 1)))
    if dice.chance(0.33):
        return Egress(network="residential", asn=asn, country=code, prefix6=prefix48(dice, asn, code), hold_s=86_400.0)
    addresses = tuple(ipv4(dice, asn, code, 12) for _ in range(dice.whole(1, 5)))
    return Egress(
        network="residential", asn=asn, country=code, addresses=addresses, hold_s=dice.pick((1e12, 86_400, 4e5))
    )


def office(dice: Dice, code: str, width: int = 2) -> Egress:
    """A workplace behind ``width`` addresses of one /24."""
    asn = asn_of(code, "business", dice.whole(0, 60))
    subnet = dice.whole(0, 255)
    addresses = tuple(ipv4(dice, asn, code, 1, subnet) for _ in range(width))
    return Egress(network="business", asn=asn, country=code, addresses=addresses, hold_s=7_200.0)


def campus(dice: Dice, code: str, width: int = 6) -> Egress:
    """A university's NAT."""
    asn = asn_of(code, "education", dice.whole(0, 12))
    addresses = tuple(ipv4(dice, asn, code, 1, dice.whole(0, 3)) for _ in range(width))
    return Egress(network="education", asn=asn, country=code, addresses=addresses, hold_s=3_600.0)


def server(dice: Dice, width: int = 1, hold_s: float = 1e12, asns: tuple[int, ...] = ()) -> Egress:
    """Rented machines: ``width`` addresses of one hosting network."""
    choices = [pair for pair in HOSTING if not asns or pair[0] in asns]
    asn, code = dice.pick(choices)
    addresses = tuple(ipv4(dice, asn, code, 24) for _ in range(width))
    return Egress(network="hosting", asn=asn, country=code, addresses=addresses, hold_s=hold_s)


def proxy_line(dice: Dice, code: str) -> Egress:
    """One line of a residential proxy seller: an ordinary household address, seldom the same for long."""
    asn = asn_of(code, "residential", dice.weighted((0, 1, 2, 3), (5, 3, 2, 1)))
    addresses = tuple(ipv4(dice, asn, code, 12) for _ in range(dice.whole(1, 8)))
    return Egress(
        network="residential", asn=asn, country=code, addresses=addresses, hold_s=dice.pick((1e12, 3e5, 86_400.0))
    )


class Shared:
    """What unrelated people share in one world: carriers' NAT addresses, VPN exits, privacy relays, CI runners."""

    def __init__(self, dice: Dice) -> None:
        stream = dice.child("shared-network")
        self.carriers: dict[str, list[Egress]] = {code: self._carriers(stream, code) for code in SHARES}
        self.exits = [self._exit(stream, asn, code) for asn, code in VPN for _ in range(2)]
        self.relays = [
            Egress(network="vpn", asn=asn, country=code, addresses=self._many(stream, asn, code, 40), hold_s=3_600.0)
            for asn, code in RELAY
        ]
        self.runners = [server(stream, 90, 1_800.0, (asn,)) for asn in CI_RUNNERS]
        self.clouds = [server(stream, 60, 3_600.0) for _ in range(8)]

    @staticmethod
    def _many(dice: Dice, asn: int, code: str, count: int) -> tuple[str, ...]:
        return tuple(ipv4(dice, asn, code, 6) for _ in range(count))

    def _carriers(self, dice: Dice, code: str) -> list[Egress]:
        found = []
        for number in range(2):
            asn = asn_of(code, "mobile", number)
            width = max(2, int(SHARES[code] * 0.6))
            found.append(
                Egress(
                    network="mobile",
                    asn=asn,
                    country=code,
                    addresses=self._many(dice, asn, code, width),
                    hold_s=dice.pick((1_800.0, 5_400.0)),
                )
            )
        return found

    def _exit(self, dice: Dice, asn: int, code: str) -> Egress:
        return Egress(network="vpn", asn=asn, country=code, addresses=self._many(dice, asn, code, 9), hold_s=14_400.0)

    def carrier(self, dice: Dice, code: str) -> Egress:
        return dice.pick(self.carriers[code])
