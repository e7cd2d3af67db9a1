"""Tiny logs with one thing planted in them, built request by request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.bench.peers.log import Labelled, Log, make_log
from stillwatch.tables import ACCOUNTS, EXCHANGES

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WORDS = {
    "garden": "rose soil prune water seed compost shade bloom hedge lawn bulb frost mulch vine root leaf",
    "kitchen": "flour oven butter simmer knife salt whisk dough pan roast spice broth yeast glaze chop bake",
    "harbour": "tide anchor rope mast buoy deck keel sail knot crane cargo pilot berth hull ferry dock",
}
TOPICS = {topic: words.split() for topic, words in WORDS.items()}


def request(account: str, at_s: float, prompt: str, **more: Any) -> dict[str, Any]:
    """One row; columns that are not given are null."""
    given = {"account_id": account, "started_at": START + timedelta(seconds=at_s), "prompt": prompt, **more}
    return {"platform": "api", "request_model": "large-1", **given}


def exchanges_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    numbered = [{**dict.fromkeys(EXCHANGES.names), **row, "exchange_id": f"e{i:05d}"} for i, row in enumerate(rows)]
    return pa.Table.from_pylist(numbered, schema=EXCHANGES)


def log_of(rows: Sequence[Mapping[str, Any]], cards: Mapping[str, str] | None = None) -> Log:
    """A log; ``cards``: account -> payment token in the side table."""
    side = [
        {**dict.fromkeys(ACCOUNTS.names), "account_id": account, "platform": "api", "payment_token": card}
        for account, card in (cards or {}).items()
    ]
    return make_log(exchanges_of(rows), pa.Table.from_pylist(side, schema=ACCOUNTS) if cards else None)


def sentence(rng: np.random.Generator, topic: str, words: int = 12) -> str:
    return " ".join(rng.choice(TOPICS[topic], words))


def chatter(
    rng: np.random.Generator, accounts: Sequence[str], each: int, topics: Sequence[str]
) -> list[dict[str, Any]]:
    """Everyone asks about everything, minutes to hours apart, from an address of their own."""
    rows = []
    for number, account in enumerate(accounts):
        times = np.cumsum(rng.gamma(1.5, 1_800.0, each))
        rows += [
            request(
                account,
                float(at),
                sentence(rng, str(rng.choice(topics)), int(rng.integers(8, 30))),
                client_address=f"198.51.{number // 250}.{number % 250}",
                output_tokens=int(rng.integers(50, 400)),
            )
            for at in times
        ]
    return rows


def all_honest(log: Log, harvesting: Sequence[str] = ()) -> Labelled:
    guilty = np.array([account in harvesting for _, account in log.names], bool)
    return Labelled(log=log, harvests=guilty, honest=~guilty, kinds=tuple("plain" for _ in log.names))


def by_account(log: Log, scores: np.ndarray) -> dict[str, float]:
    return {account: float(score) for (_, account), score in zip(log.names, scores, strict=True)}
