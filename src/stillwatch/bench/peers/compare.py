"""The whole comparison over written worlds: Stillwatch's row, each peer's rows, the calibration of the MMD nulls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stillwatch.bench.peers.log import read_labelled
from stillwatch.bench.peers.measure import apart, row, rows_of, score_world
from stillwatch.bench.peers.mmd import Mmd, MmdPermuted, rejections
from stillwatch.bench.peers.own import Own
from stillwatch.bench.peers.page import Comparison
from stillwatch.bench.peers.protocol import Peer

WINDOW = 50  # prompts
WINDOWS = 400  # a rate of 5% is known to ±2 points


def calibration(world: Path) -> dict[str, dict[str, float | None]]:
    """Null -> kind of honest window -> share that a nominal 5% test rejects."""
    read = read_labelled(world)
    return {peer.name: rejections(peer, read, WINDOW, WINDOWS) for peer in (Mmd(), MmdPermuted())}


def compare(
    peers: Sequence[Peer],
    *,
    suite: str,
    corpus: bool,
    fitting: Mapping[int, Path],
    evaluation: Mapping[int, Path],
    packages: Mapping[str, str],
    say: Callable[[str], None],
) -> Comparison:
    """Every peer in turn. ``fitting``, ``evaluation``: seed -> written world."""
    own = Own()
    say(own.name)
    apart(score_world, own, next(iter(fitting.values())))  # an installation's first scan compiles its kernels
    rows = [row(own, "shipped", own.published or 0.0, list(evaluation.values()))]
    efforts = []
    for peer in peers:
        say(peer.name)
        found, effort = rows_of(peer, list(fitting.values()), list(evaluation.values()))
        rows.extend(found)
        efforts.append(effort)
    say("calibration")
    nulls = any(isinstance(peer, Mmd) for peer in peers)
    worlds = [read_labelled(world) for world in evaluation.values()]
    return Comparison(
        suite=suite,
        seeds=tuple(evaluation),
        fit_seeds=tuple(fitting),
        corpus=corpus,
        accounts=sum(len(world.log.names) for world in worlds),
        harvesting=sum(int(world.harvests.sum()) for world in worlds),
        rows=tuple(rows),
        efforts=tuple(efforts),
        calibration=apart(calibration, next(iter(fitting.values()))) if nulls else {},
        packages=dict(packages),
    )
