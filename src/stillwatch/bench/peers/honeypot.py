"""Per-key thresholds, as the package ``honeypotllm`` computes them: rate, look-alike neighbours, no pauses, volume.

The package itself scores; this replays a log to it with the log's own clock. It knows one key at a time: a campaign
that gives every account a few requests a day is invisible to it, and a batch job is not.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from honeypotllm import scoring
from honeypotllm.config import ScoringConfig

from stillwatch.bench.peers.log import Float, Labelled, Log

# The package stamps a key it has not seen with the machine's clock and lets its score decay from there. A log replayed
# in a far future keeps that first decay from being negative (which would raise the score) and the same on every day.
REPLAY_S = 4_000_000_000.0


class _LogClock:
    """Stands for the module ``time`` inside the package while a log is replayed."""

    def __init__(self) -> None:
        self.now = REPLAY_S

    def time(self) -> float:
        return self.now


@contextmanager
def _log_clock() -> Generator[_LogClock]:
    module: Any = scoring
    real, clock = module.time, _LogClock()
    module.time = clock
    try:
        yield clock
    finally:
        module.time = real


class Honeypot(msgspec.Struct, frozen=True, kw_only=True):
    """The highest score any key of an account ever had. Cost: about 20 µs a request."""

    name: ClassVar[str] = "honeypotllm"
    source: ClassVar[str] = "honeypotllm 0.1.3 (PyPI, April 2026)"
    published: ClassVar[float | None] = 0.75  # suspicion_threshold of its configuration
    replaces: ClassVar[str] = "nothing: the package scores; watermarks and trapdoors are left off"

    rate_share: float = 1.0  # of its thresholds of 30 a minute, 500 an hour, 5,000 a day
    similarity: float = 0.40  # word-bigram Jaccard from which two neighbours count as enumeration
    pause_s: float = 0.5

    def candidates(self) -> Sequence[Self]:
        """Thresholds lowered towards what a hydra's accounts do."""
        return [
            msgspec.structs.replace(self, rate_share=rate, similarity=similarity, pause_s=pause)
            for rate in (self.rate_share, 0.2)
            for similarity in (self.similarity, 0.25, 0.15)
            for pause in (self.pause_s, 30.0)
        ]

    def learn(self, worlds: Sequence[Labelled]) -> Self:  # noqa: ARG002 - it has no history
        return self

    def score(self, log: Log) -> Float:
        scorer = scoring.SuspicionScorer(self._config())
        found = np.zeros(len(log.names))
        start = log.at_s[0] if log.exchanges.num_rows else 0.0
        keys = (key or str(owner) for key, owner in zip(log.texts("key_id"), log.owner.tolist(), strict=True))
        with _log_clock() as clock:
            rows = zip(log.at_s.tolist(), log.owner.tolist(), keys, log.texts("prompt"), strict=True)
            for at_s, owner, key, prompt in rows:
                clock.now = REPLAY_S + round(at_s - start, 6)
                result = scorer.score_request(f"{owner}/{key}", prompt=prompt)
                found[owner] = max(found[owner], result.score_after)
        return found

    def _config(self) -> ScoringConfig:
        own = ScoringConfig()
        return ScoringConfig(
            requests_per_minute_threshold=max(1, round(own.requests_per_minute_threshold * self.rate_share)),
            requests_per_hour_threshold=max(1, round(own.requests_per_hour_threshold * self.rate_share)),
            requests_per_day_threshold=max(1, round(own.requests_per_day_threshold * self.rate_share)),
            sequential_input_similarity_threshold=self.similarity,
            min_gap_seconds=self.pause_s,
        )
