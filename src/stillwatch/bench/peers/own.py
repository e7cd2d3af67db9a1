"""Stillwatch itself, held to the same measure as its peers: accounts it accuses of extraction, as shipped."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec
import numpy as np
import pyarrow.parquet as pq

from stillwatch import __version__
from stillwatch.api import scan
from stillwatch.bench.peers.log import Float, Labelled, Log


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """An accused member's probability in an extraction campaign; 0 for everyone else. Its cost is a scan."""

    name: ClassVar[str] = "Stillwatch"
    source: ClassVar[str] = f"this project, {__version__}"
    published: ClassVar[float | None] = 1e-9  # whoever is accused
    replaces: ClassVar[str] = "nothing"

    def candidates(self) -> Sequence[Self]:
        return [self]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - fitted once, before it is shipped
        return self

    def score(self, log: Log) -> Float:
        if log.path is not None:
            return self._scan(log, log.path)
        with tempfile.TemporaryDirectory() as folder:
            pq.write_table(log.exchanges, Path(folder) / "exchanges.parquet")
            if log.accounts is not None:
                pq.write_table(log.accounts, Path(folder) / "accounts.parquet")
            return self._scan(log, Path(folder))

    def _scan(self, log: Log, folder: Path) -> Float:
        side = folder / "accounts.parquet"
        result = scan(folder / "exchanges.parquet", accounts=side if side.exists() else None).result
        accused = {
            (member.platform, member.account_id): member.probability
            for campaign in result.campaigns
            if campaign.verdict == "extraction"
            for member in campaign.roster
            if member.accused
        }
        return np.array([accused.get(name, 0.0) for name in log.names])
