"""What the routes of the service stand on, put together once at start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from stillwatch.config import Config
from stillwatch.live.board import Board
from stillwatch.live.intake import Intake
from stillwatch.live.miner import Miner
from stillwatch.live.watch import Turn, Watch
from stillwatch.sources.config import SourceConfig
from stillwatch.sources.decode import Reading
from stillwatch.sources.protocol import Source
from stillwatch.store.protocol import Store


@dataclass(frozen=True, kw_only=True)
class Parts:
    """``readers``: threads that decode bodies. ``note``: told what changed, for alerts. ``broken``: ended sources."""

    config: Config
    store: Store
    intake: Intake
    watch: Watch
    miner: Miner
    board: Board
    reading: Reading
    readers: Executor
    note: Callable[[Turn], None]
    sources: Sequence[tuple[Source, SourceConfig]] = ()
    broken: dict[str, str] = field(default_factory=dict[str, str])
