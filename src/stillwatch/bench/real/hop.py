"""The Hop airdrop of 2022 as its repository holds it: candidate wallets, who was struck off and why, and transfers.

43,052 wallets qualified; 14,195 were struck off as fronts of somebody else ("Sybil attackers"). Two kinds of label are
told apart, because one of them is circular for whoever links wallets by transfers: Hop's own rule (connected components
of the transfer graph, looked through by hand) and reports by the public (any argument, checked by Hop). What it does
not know: whether a wallet that was kept is honest. Hop kept whole groups that it took for one party where they were
small, and nobody reports what nobody finds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from stillwatch.errors import InputError

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
REPOSITORY = "hop-protocol/hop-airdrop"
COMMIT = "9551fceaa2d0460cefe16bf9eedbbd80b2b1845b"
FOLDER = "src/data"
# path below FOLDER -> SHA-256 of the file at COMMIT
LABELS = {
    "preliminaryAddresses.ts": "cf0c88f0414d271de6252ae3b817038f1c86bc988bcf11f0867d328c31078348",
    "eligibleAddresses.txt": "649aeeac0748b16a63dec1b31e5bfa5b2d2616f5d9bde3140c806475b0aeafcc",
    "eliminatedSybilAttackers.csv": "26da38e466636a7f04575bcfc57f880bf93686039e49ef4519b76a8fbc69352e",
    "eliminatedGroups.ts": "70143031e9529ea64e1102ed049c91dc919da61e20b04fdc8c457d00b8392493",
    "customGroups.ts": "38881c764eda3fb2ce15d3a242b891d056c1fb303b8972877d9352e9e38e3485",
    "groups.json": "6c987a72ea99a6787ef6c91d7fbb27f4790c7ccce69ca4fe53ad99e161eddd3f",
    "hopUserTimestamps.ts": "ccaaa37229c186457cc6f15d52018de99e103b6ffa65cb8fef04ff364d5d7a21",
    "addressMetadata.ts": "c5bd3e30907488f383820e33c9787992b5584e49c3795ea5347e35a6d63e2f72",
}
# kind of transfer -> files of it that this measurement reads; Hop read more, see docs/real-data.md
TRANSFERS = {
    "ethereum erc20": "transfers/erc20TokenTransfers/ethereum_batch_*.csv",
    "optimism erc20": "transfers/erc20TokenTransfers/optimism_batch_*.csv",
    "polygon erc20": "transfers/erc20TokenTransfers/polygon_batch_*.csv",
    "xdai erc20": "transfers/erc20TokenTransfers/xdai_batch_*.csv",
    "optimism native": "transfers/nativeTokenTransfers/optimism_batch_*.csv",
    "xdai native": "transfers/nativeTokenTransfers/xdai_batch_*.csv",
    "polygon hop": "transfers/hopTransfers/MATIC.csv",
}
NOT_READ = ("polygon_batch_16.csv",)  # a batch that could not be had when this was measured
NATIVE = "native"
SMALLEST_GROUP = 8  # Hop's own: smaller groups were let off
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


@dataclass(frozen=True, kw_only=True)
class Airdrop:
    """Candidates in the order of their addresses.

    ``at``: int64[n] seconds, the wallet's one known time. ``volume``: float64[n] dollars bridged. ``struck``: bool[n],
    the label. ``standing``: why a wallet was struck off or where it stands among those kept. ``group``: int64[n], the
    group it was struck off with, -1 for none. ``transfers``: sender, receiver, kind. ``digest``: of all files read.
    """

    names: list[str]
    at: Int
    volume: Float
    struck: Bool
    standing: list[str]
    group: Int
    transfers: pa.Table
    digest: str


class Group(msgspec.Struct, frozen=True):
    """A component of Hop's transfer graph, as ``groups.json`` holds it."""

    groupName: str  # noqa: N815 - its name in the file
    eliminatedAddresses: list[str]  # noqa: N815


def read_airdrop(folder: Path) -> Airdrop:
    """Read a checkout of the repository. Raises InputError where a file is absent or is not what it was."""
    data = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    text = {name: _read(data, name) for name in LABELS}
    names = sorted(set(ADDRESS.findall(text["preliminaryAddresses.ts"])))
    kept = set(text["eligibleAddresses.txt"].split())
    listed = set(ADDRESS.findall(text["eliminatedSybilAttackers.csv"]))
    if set(names) - kept != listed:
        raise InputError("wallets kept and struck off do not add up", source=str(data), hint=_where())
    standing, group = _standings(names, listed, text)
    transfers, digests = _transfers(data)
    return Airdrop(
        names=names,
        at=np.array(_numbers(names, text["hopUserTimestamps.ts"], r"(\d+)"), np.int64),
        volume=np.array(_numbers(names, text["addressMetadata.ts"], r"\{ totalVolume: ([\d.e+-]+)")),
        struck=np.array([name in listed for name in names]),
        standing=standing,
        group=group,
        transfers=transfers,
        digest=hashlib.sha256("".join(digests).encode()).hexdigest(),
    )


def changed(folder: Path) -> list[str]:
    """Label files that differ from those at ``COMMIT``."""
    data = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    return [name for name, digest in LABELS.items() if _sha256(data / name) != digest]


def _where() -> str:
    return f"check out github.com/{REPOSITORY} at {COMMIT[:12]} and give its folder"


def _read(data: Path, name: str) -> str:
    try:
        return (data / name).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError("no such file", source=str(data / name), hint=_where()) from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _numbers(names: list[str], text: str, value: str) -> list[float]:
    found = dict(re.findall(rf"'(0x[0-9a-f]{{40}})': {value}", text))
    if missing := [name for name in names if name not in found]:
        raise InputError(f"no figure for {len(missing)} wallets, {missing[0]} the first", hint=_where())
    return [float(found[name]) for name in names]


def _standings(names: list[str], struck: set[str], text: dict[str, str]) -> tuple[list[str], Int]:
    """Why each wallet was struck off, or where it stands among those kept; and the group it was struck off with."""
    groups = _groups(text["groups.json"])
    condemned = set(ADDRESS.findall(text["eliminatedGroups.ts"]))
    largest = max(groups, key=lambda group: len(group.eliminatedAddresses)).groupName if groups else ""
    standing: dict[str, str] = {}
    member: dict[str, int] = {}
    for code, reported in enumerate(_reported(text["customGroups.ts"])):
        if len(reported) >= SMALLEST_GROUP:
            standing.update(dict.fromkeys(reported, "struck off on a report"))
            member.update(dict.fromkeys(reported, code))
    for code, group in enumerate(groups, len(groups) + 10_000):
        taken = group.groupName in condemned
        if taken and len(group.eliminatedAddresses) >= SMALLEST_GROUP:
            standing.update(dict.fromkeys(group.eliminatedAddresses, "struck off by transfer group"))
            member.update(dict.fromkeys(group.eliminatedAddresses, code))
            continue
        kept = "kept: group taken for one party, too small to strike off" if taken else "kept: small transfer group"
        kept = "kept: the giant transfer group" if group.groupName == largest and not taken else kept
        for name in group.eliminatedAddresses:
            standing.setdefault(name, kept)
    found = [standing.get(name, "kept: in no transfer group") for name in names]
    if odd := [n for n, s in zip(names, found, strict=True) if s.startswith("struck") != (n in struck)]:
        raise InputError(f"the groups do not explain {len(odd)} labels, {odd[0]} the first", hint=_where())
    return found, np.array([member.get(name, -1) if name in struck else -1 for name in names], np.int64)


def _groups(text: str) -> list[Group]:
    try:
        return msgspec.json.decode(text, type=list[Group])
    except msgspec.DecodeError as error:
        raise InputError(f"not a list of groups: {error}", source="groups.json", hint=_where()) from error


def _reported(text: str) -> Iterator[list[str]]:
    for block in text.split("groupId:")[1:]:
        listed = block.split("preliminaryAddresses:", 1)[-1].split("]", 1)[0]
        yield [name.lower() for name in ADDRESS.findall(listed)]


def _transfers(data: Path) -> tuple[pa.Table, list[str]]:
    tables: list[pa.Table] = []
    digests: list[str] = []
    for kind, pattern in TRANSFERS.items():
        paths = [path for path in sorted(data.glob(pattern)) if path.name not in NOT_READ or kind != "polygon erc20"]
        if not paths:
            raise InputError("no such files", source=str(data / pattern), hint=_where())
        for path in paths:
            digests.append(f"{path.relative_to(data)} {_sha256(path)}\n")
            tables.append(_batch(path, kind))
    return pa.concat_tables(tables), digests


def _batch(path: Path, kind: str) -> pa.Table:
    """Sender, receiver, kind. The files write a backslash and an x where the lists write ``0x``."""
    try:
        table = pa_csv.read_csv(path, convert_options=pa_csv.ConvertOptions(column_types={"from": "str", "to": "str"}))
        ends = [pc.replace_substring_regex(table.column(end), r"^\\x", "0x") for end in ("from", "to")]
    except (pa.ArrowInvalid, KeyError) as error:
        raise InputError(f"not a list of transfers: {error}", source=str(path), hint=_where()) from error
    return pa.table({"sender": ends[0], "receiver": ends[1], "kind": pa.array([kind] * table.num_rows, pa.string())})
