"""A hand-made checkout in the airdrop repository's format: a fleet, a small family, and strangers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stillwatch.bench.real.hop import TRANSFERS

START_S = 1_640_000_000
FLEET, FAMILY, STRANGERS = 16, 5, 260
FUNDER, SWEEP = "0x" + "f" * 40, "0x" + "e" * 40


def wallet(number: int) -> str:
    return f"0x{number:040x}"


FLEET_WALLETS = [wallet(i) for i in range(FLEET)]
FAMILY_WALLETS = [wallet(100 + i) for i in range(FAMILY)]
STRANGER_WALLETS = [wallet(1_000 + i) for i in range(STRANGERS)]
ALL_WALLETS = sorted([*FLEET_WALLETS, *FAMILY_WALLETS, *STRANGER_WALLETS])


def written(folder: Path) -> Path:
    """The checkout's root. Everybody in the fleet is funded, sent to and swept by the same two, an hour apart."""
    data = folder / "src" / "data"
    (data / "transfers").mkdir(parents=True)
    _lists(data)
    _figures(data)
    rng = np.random.default_rng(5)
    native = [(FUNDER, name) for name in FLEET_WALLETS for _ in range(2)]
    tokens = [(name, SWEEP) for name in FLEET_WALLETS for _ in range(3)]
    for number, name in enumerate(STRANGER_WALLETS):
        native.append((wallet(50_000 + number), name))
        tokens += [(name, wallet(60_000 + int(other))) for other in rng.integers(0, 900, int(rng.integers(1, 9)))]
    tokens += [(a, b) for a in FAMILY_WALLETS for b in FAMILY_WALLETS if a < b]
    for kind, pattern in TRANSFERS.items():
        rows = {"xdai native": native, "polygon erc20": tokens, "polygon hop": [(w, w) for w in ALL_WALLETS]}.get(kind)
        transfers(data / pattern.replace("*", "0"), rows or [(wallet(70_000), wallet(70_001))])
    return folder


def transfers(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"\\x{a[2:]},\\x{b[2:]}" for a, b in rows]
    path.write_text("\n".join(["from,to", *lines]) + "\n", encoding="utf-8")


def _lists(data: Path) -> None:
    kept = [*FAMILY_WALLETS, *STRANGER_WALLETS]
    (data / "preliminaryAddresses.ts").write_text(_record(dict.fromkeys(ALL_WALLETS, "true")))
    (data / "eligibleAddresses.txt").write_text("\n".join(kept) + "\n")
    (data / "eliminatedSybilAttackers.csv").write_text("\n".join(["address", *FLEET_WALLETS]) + "\n")
    groups = [
        {"groupName": FLEET_WALLETS[0], "notes": "", "eliminatedAddresses": FLEET_WALLETS[:8]},
        {"groupName": FAMILY_WALLETS[0], "notes": "", "eliminatedAddresses": FAMILY_WALLETS},
        {"groupName": STRANGER_WALLETS[0], "notes": "", "eliminatedAddresses": STRANGER_WALLETS[:30]},
    ]
    (data / "groups.json").write_text(json.dumps(groups))
    (data / "eliminatedGroups.ts").write_text(_record({FLEET_WALLETS[0]: "true", FAMILY_WALLETS[0]: "true"}))
    reported = ",\n".join(f"'{name}'" for name in FLEET_WALLETS[8:])
    custom = f"[{{ groupId: 1, note: 'GH issue #1', preliminaryAddresses: [{reported}], addresses: [] }}]"
    (data / "customGroups.ts").write_text(custom)


def _figures(data: Path) -> None:
    rng = np.random.default_rng(6)
    times, volumes = {}, {}
    for name in ALL_WALLETS:
        fleet = name in FLEET_WALLETS
        times[name] = START_S + (int(rng.integers(0, 3_600)) if fleet else int(rng.integers(0, 200 * 86_400)))
        volumes[name] = f"{{ totalVolume: {1_234.4 if fleet else 1_000 + 9_000 * rng.random():.6f} }}"
    (data / "hopUserTimestamps.ts").write_text(_record(times))
    (data / "addressMetadata.ts").write_text(_record(volumes))


def _record(values: dict) -> str:
    return "const x = {\n" + ",\n".join(f"  '{key}': {value}" for key, value in values.items()) + "\n}\n"
