"""Labelled worlds, measured once: what the weights are fitted on, kept so that fitting again is quick.

A world is composed, fingerprinted and searched for suspects; every suspect is measured and labelled with what it really
was, and a sample of its accounts with what each of them was. Nothing here knows of weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from stillwatch import pipeline, tables
from stillwatch.bench.scorecard.permuted import permute
from stillwatch.campaigns.judge import Judged, measure
from stillwatch.campaigns.members import own_evidence
from stillwatch.campaigns.select import VOUCHED_SHARE
from stillwatch.campaigns.suspects import find_suspects
from stillwatch.compose import compose, write_world
from stillwatch.detectors import BUILTIN
from stillwatch.detectors.alone import ALONE
from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.tally.conduct import conduct
from stillwatch.text import load_model

Float = npt.NDArray[np.float64]
SOURCE = Path(__file__).parents[1] / "src/stillwatch"
# what an account has of its own, whichever weights; see ``members.own_evidence``
OWN = (
    *("network", "client", "payment", "signup", "session", "content", "params"),
    *("agreement", "falls_short", "share_of_work", "own_harvest", "margin", "own_share", "size", "activity"),
)
DETECTORS = tuple(d for d in BUILTIN if d not in ALONE)  # those read weights, so that fitting works them out
MOST_IN_CAMPAIGNS, MOST_ELSEWHERE = 48, 16  # accounts kept of one suspect: neighbours of each other teach little more
IN_CAMPAIGNS = 0.4
SALT = b"fit"


def _digest(*folders: str, files: tuple[str, ...] = ()) -> str:
    paths = [*(p for folder in folders for p in sorted((SOURCE / folder).glob("*.py"))), *(SOURCE / f for f in files)]
    return hashlib.sha256(b"".join(p.read_bytes() for p in paths)).hexdigest()[:12]


PRINTED = _digest("text")
# of the code that measures: a change there measures again
MEASURED = _digest("text", "detectors", "operators", "tally", files=("campaigns/suspects.py", "campaigns/members.py"))


class Row(msgspec.Struct):
    """One suspect: measurements, and what it really was.

    Shares of its accounts: ``share`` in ``campaign``, the commonest; ``any_share`` in any; ``extraction`` and
    ``resale`` by verdict, whichever campaign. ``accounts``: int32 places in the roster, as bytes.
    """

    world: str
    solo: bool
    size: int
    campaign: str
    share: float
    any_share: float
    extraction: float
    resale: float
    vouched: float
    accounts: bytes
    x: dict[str, float]


class World(msgspec.Struct):
    """One world. By account: ``campaign`` and ``verdict``, empty where honest; ``vouched``; ``conduct``.

    By sampled account of a suspect: ``own`` float32[n, len(OWN)], ``own_suspect`` (place in ``rows``), ``own_account``.
    """

    name: str
    rows: list[Row]
    campaign: npt.NDArray[np.str_]
    verdict: npt.NDArray[np.str_]
    vouched: npt.NDArray[np.bool_]
    conduct: Float
    own: npt.NDArray[np.float32]
    own_suspect: npt.NDArray[np.int64]
    own_account: npt.NDArray[np.int64]


def measured(folder: Path, suite: str, seed: int, corpus: Path | None) -> World:
    """The suspects of one world, composed unless it is there."""
    kept = folder / f"measured-{MEASURED}.npz"
    if not kept.exists():
        _write(_measure(folder, _prints(folder, suite, seed, corpus), _side(folder)), kept)
    return read(kept)


def shuffled(folder: Path, suite: str, seed: int, corpus: Path | None, number: int) -> World:
    """The same of a permutation of it, in which nobody is part of anything: see ``bench.scorecard.permuted``."""
    kept = folder / f"shuffled-{number}-{MEASURED}.npz"
    if not kept.exists():
        prints = _prints(folder, suite, seed, corpus)
        _write(_measure(folder, *permute(prints, _side(folder), np.random.default_rng([seed, number]))), kept)
    world = read(kept)
    for row in world.rows:
        row.world, row.campaign = f"{world.name}~{number}", ""
        row.share = row.any_share = row.extraction = row.resale = 0.0
    nobody = np.full(len(world.campaign), "")
    return msgspec.structs.replace(world, name=f"{world.name}~{number}", campaign=nobody, verdict=nobody)


def _write(world: World, file: Path) -> None:
    arrays = {name: getattr(world, name) for name in World.__struct_fields__ if name not in {"name", "rows"}}
    rows = np.frombuffer(msgspec.msgpack.encode(world.rows), dtype=np.uint8)
    part = file.with_suffix(".part.npz")
    np.savez_compressed(part, rows=rows, **arrays)
    part.rename(file)


def read(file: Path) -> World:
    """A measured world."""
    with np.load(file) as found:
        arrays = {name: found[name] for name in found.files}
    rows = msgspec.msgpack.decode(arrays.pop("rows").tobytes(), type=list[Row])
    return World(name=file.parent.name, rows=rows, **arrays)


def without(world: World, drop: Callable[[str], bool]) -> World:
    """A world less the suspects and accounts of campaigns (by name) that are dropped."""
    kept = np.array([not (row.campaign and drop(row.campaign)) for row in world.rows])
    place = np.cumsum(kept) - 1
    own = kept[world.own_suspect] & ~_dropped(world, drop)[world.own_account]
    return msgspec.structs.replace(
        world,
        rows=[row for row, keep in zip(world.rows, kept.tolist(), strict=True) if keep],
        vouched=world.vouched | _dropped(world, drop),  # nothing is learned of what an account does that is vouched for
        own=world.own[own],
        own_suspect=place[world.own_suspect[own]],
        own_account=world.own_account[own],
    )


def _dropped(world: World, drop: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
    return np.array([bool(name) and drop(name) for name in world.campaign.tolist()])


def _prints(folder: Path, suite: str, seed: int, corpus: Path | None) -> pa.Table:
    """Fingerprints of a world; its exchanges are not kept."""
    kept = folder / f"prints-{PRINTED}.arrow"
    if not kept.exists():
        exchanges = folder / "exchanges.parquet"
        if not exchanges.exists():
            write_world(compose(suite, seed, corpus), folder)
        batches = (b.cast(tables.EXCHANGES) for b in pq.ParquetFile(exchanges).iter_batches(65_536))
        feather.write_feather(pipeline.fingerprints(batches, load_model(), SALT), str(kept), compression="lz4")
        exchanges.unlink()
    return feather.read_table(str(kept))


def _side(folder: Path) -> pa.Table | None:
    side = folder / "accounts.parquet"
    return pq.read_table(side) if side.exists() else None


def _measure(folder: Path, prints: pa.Table, side: pa.Table | None) -> World:
    scene = pipeline.build(prints, side)
    truth = _Truth(folder, scene)
    dice = np.random.default_rng(0)
    rows: list[Row] = []
    own, of_suspect, of_account = [np.zeros((0, len(OWN)))], [np.zeros(0, int)], [np.zeros(0, int)]
    for suspect in find_suspects(scene):
        row = truth.label(suspect)
        if not row.solo and row.vouched < VOUCHED_SHARE:
            values, accounts = _sample(suspect, row, dice)
            own.append(values)
            of_suspect.append(np.full(len(accounts), len(rows)))
            of_account.append(accounts)
        rows.append(row)
        suspect.forget()
    return World(
        name=folder.name,
        rows=rows,
        campaign=truth.campaign,
        verdict=truth.verdict,
        vouched=scene.roster.vouched,
        conduct=conduct(scene.facts, scene.kind, scene.roster.node),
        own=np.vstack(own).astype(np.float32),
        own_suspect=np.concatenate(of_suspect),
        own_account=np.concatenate(of_account),
    )


def _sample(suspect: Suspect, row: Row, dice: np.random.Generator) -> tuple[Float, npt.NDArray[np.int64]]:
    """(own evidence, accounts) of some of a suspect's accounts."""
    accounts, bits, _ = own_evidence(Judged(suspect=suspect, operator=0, harvest=0, resale=0))
    most = MOST_IN_CAMPAIGNS if row.any_share >= IN_CAMPAIGNS else MOST_ELSEWHERE
    chosen = np.sort(dice.choice(len(accounts), min(most, len(accounts)), replace=False))
    unknown = np.full(len(accounts), np.nan)
    return np.stack([bits.get(name, unknown)[chosen] for name in OWN], axis=1), accounts[chosen]


class _Truth:
    """What a composed world knows of its accounts, aligned with a scene's roster."""

    def __init__(self, world: Path, scene: Scene) -> None:
        self.world = world.name
        table = pq.read_table(world / "truth" / "truth_accounts.parquet").to_pylist()
        by_name = {(row["platform"], row["account_id"]): row for row in table}
        rows = [by_name[name["platform"], name["account_id"]] for name in scene.roster.names.to_pylist()]
        self.campaign = np.array([row["campaign"] or "" for row in rows])
        self.verdict = np.array([row["verdict"] or "" for row in rows])

    def label(self, suspect: Suspect) -> Row:
        own, verdicts = self.campaign[suspect.accounts], self.verdict[suspect.accounts]
        names, count = np.unique(own[own != ""], return_counts=True)
        return Row(
            world=self.world,
            solo=len(suspect.nodes) == 1,
            size=len(suspect.accounts),
            campaign=str(names[count.argmax()]) if len(names) else "",
            share=float(count.max() / len(own)) if len(names) else 0.0,
            any_share=float((own != "").mean()),
            extraction=float((verdicts == "extraction").mean()),
            resale=float((verdicts == "resale").mean()),
            vouched=suspect.vouched_share,
            accounts=suspect.accounts.astype(np.int32).tobytes(),
            x={name: found.x for name, found in measure(suspect, DETECTORS).items()},
        )
