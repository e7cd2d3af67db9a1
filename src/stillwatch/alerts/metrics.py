"""What Prometheus scrapes: counters the service keeps, and gauges made from its state at the moment of the scrape.

Ages are computed when asked for, so that a loop that hangs cannot freeze a good number. What is unknown has no sample:
a zero would say that it was measured. Labels are of the configuration or of fixed lists; no account ever becomes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from stillwatch import __version__
from stillwatch.alerts.health import Health, State, Status
from stillwatch.alerts.outbox import Outbox

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATUSES: tuple[Status, ...] = ("ok", "degraded", "failing")
_MINING_BUCKETS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)


class Metrics:
    """Counters of one process in a registry of their own. Counting is safe from any thread and costs about 1 µs."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # process_resident_memory_bytes, CPU seconds, open files
        self._ingested = Counter(
            "stillwatch_exchanges_ingested_total", "Exchanges stored, by source.", ["source"], registry=registry
        )
        self._duplicates = Counter(
            "stillwatch_exchanges_duplicate_total",
            "Exchanges that had been stored before and were not counted again, by source.",
            ["source"],
            registry=registry,
        )
        self._dead = Counter(
            "stillwatch_dead_letters_total",
            "Messages that could not be read, by source.",
            ["source"],
            registry=registry,
        )
        self._minings = Counter(
            "stillwatch_minings_total", "Minings of campaigns, by outcome.", ["outcome"], registry=registry
        )
        self._mining = Histogram(
            "stillwatch_mining_duration_seconds",
            "How long minings of campaigns took.",
            buckets=_MINING_BUCKETS_S,
            registry=registry,
        )
        for outcome in ("done", "failed"):
            self._minings.labels(outcome)

    def count_batch(self, source: str, *, stored: int = 0, duplicates: int = 0, dead_letters: int = 0) -> None:
        """What became of one batch of a source."""
        self._ingested.labels(source).inc(stored)
        self._duplicates.labels(source).inc(duplicates)
        self._dead.labels(source).inc(dead_letters)

    def count_mining(self, seconds: float, *, done: bool) -> None:
        """One mining, and whether it came to its end."""
        self._minings.labels("done" if done else "failed").inc()
        if done:
            self._mining.observe(seconds)

    def exposition(self, state: State, health: Health, outbox: Outbox | None = None) -> bytes:
        """Everything in the text format of ``CONTENT_TYPE``. Hand in the state as it is now."""
        return generate_latest(_Both(self.registry, [*_gauges(state, health), *(_alerts(outbox) if outbox else ())]))


class _Both:
    """The registry's metrics and those made for one scrape."""

    def __init__(self, registry: CollectorRegistry, made: list[Metric]) -> None:
        self._registry, self._made = registry, made

    def collect(self) -> Iterable[Metric]:
        yield from self._registry.collect()
        yield from self._made


def _gauge(name: str, says: str, samples: Mapping[tuple[str, ...], float | None], labels: Iterable[str] = ()) -> Metric:
    """A gauge without the samples that are unknown."""
    family = GaugeMetricFamily(f"stillwatch_{name}", says, labels=list(labels))
    for values, value in sorted(samples.items()):
        if value is not None:
            family.add_metric(list(values), value)
    return family


def _gauges(state: State, health: Health) -> Iterator[Metric]:
    info = InfoMetricFamily("stillwatch_build", "The version that runs.")
    info.add_metric([], {"version": __version__})
    yield info
    says = "1 for what detection is: ok, degraded or failing."
    yield _gauge("health_status", says, {(one,): float(one == health.status) for one in _STATUSES}, ["status"])
    reasons: dict[tuple[str, ...], float | None] = {(one.matter, one.status): 1.0 for one in health.reasons}
    yield _gauge("health_reason", "1 for every doubt about detection.", reasons, ["matter", "status"])
    yield from _freshness(state)
    yield from _holdings(state)


def _freshness(state: State) -> Iterator[Metric]:
    lag: dict[tuple[str, ...], float | None] = {(source,): value for source, value in state.lag_s.items()}
    yield _gauge("ingest_lag_seconds", "From an exchange's time to its storing, newest of a source.", lag, ["source"])
    silent = None if state.newest_stored_at is None else _age(state, state.newest_stored_at.timestamp())
    yield _gauge("ingest_silence_seconds", "Since the newest exchange was stored.", {(): silent})
    waits = state.oldest_unscored_at
    nothing = None if state.newest_stored_at is None else 0.0  # unknown before anything came
    stale = _age(state, waits.timestamp()) if waits is not None else nothing
    yield _gauge("detection_staleness_seconds", "Age of the oldest exchange not looked at yet.", {(): stale})
    mined = None if state.last_mined_at is None else state.last_mined_at.timestamp()
    yield _gauge("last_mining_timestamp_seconds", "When campaigns were last mined, Unix time.", {(): mined})
    yield _gauge("mining_age_seconds", "Since campaigns were last mined.", {(): _age(state, mined)})
    made = None if state.snapshot_at is None else state.snapshot_at.timestamp()
    yield _gauge("snapshot_version", "Version of the decisions gateways can fetch.", {(): state.snapshot_version})
    yield _gauge("snapshot_age_seconds", "Age of the decisions gateways can fetch.", {(): _age(state, made)})
    shares: dict[tuple[str, ...], float | None] = {(group,): share for group, share in (state.coverage or {}).items()}
    says = "Share of recent exchanges with any value in a group of columns."
    yield _gauge("coverage_ratio", says, shares, ["group"])


def _holdings(state: State) -> Iterator[Metric]:
    campaigns: dict[tuple[str, ...], float | None] = {(*key,): many for key, many in state.campaigns.items()}
    yield _gauge("campaigns", "Known campaigns.", campaigns, ["verdict", "state"])
    decisions: dict[tuple[str, ...], float | None] = {
        (action, "true" if simulated else "false"): many for (action, simulated), many in state.decisions.items()
    }
    yield _gauge("decisions", "Live decisions.", decisions, ["action", "simulated"])
    yield _gauge("decisions_held", "Decisions that wait for a second person.", {(): state.held_decisions})
    yield _gauge("dead_letters_kept", "Dead letters that are kept.", {(): state.dead_letters})
    yield _gauge("segments", "Files of fingerprints.", {(): state.segments})
    yield _gauge("segments_size_bytes", "Bytes of all files of fingerprints.", {(): state.segment_bytes})
    yield _gauge("store_up", "1 where the store answers.", {(): float(state.store_answers)})


def _alerts(outbox: Outbox) -> Iterator[Metric]:
    pending: dict[tuple[str, ...], float | None] = {(name,): many for name, many in outbox.pending().items()}
    yield _gauge("alerts_pending", "Alerts that a channel has not taken yet.", pending, ["channel"])
    says = "Alerts by channel and outcome; failed attempts are tried again, given_up ones are not."
    family = CounterMetricFamily("stillwatch_alerts", says, labels=["channel", "outcome"])
    for (channel, outcome), many in sorted(outbox.counts.items()):
        family.add_metric([channel, outcome], many)
    yield family


def _age(state: State, timestamp: float | None) -> float | None:
    return None if timestamp is None else max(0.0, state.at.timestamp() - timestamp)
