from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from written_alerts import AT, numbered

from stillwatch.alerts.health import State, Thresholds, health
from stillwatch.alerts.metrics import Metrics
from stillwatch.alerts.outbox import Outbox, Wanted

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"
FULL = State(
    at=AT,
    started_at=AT - timedelta(days=1),
    newest_stored_at=AT - timedelta(seconds=2),
    oldest_unscored_at=AT - timedelta(seconds=90),
    last_mined_at=AT - timedelta(seconds=600),
    lag_s={"http": 1.5},
    coverage={"network": 0.9, "content": 1.0},
    dead_letters=7,
    campaigns={("extraction", "active"): 3, ("resale", "dormant"): 1},
    decisions={("deny", False): 12, ("throttle", True): 40},
    held_decisions=2,
    snapshot_version=41,
    snapshot_at=AT - timedelta(seconds=3),
    segments=12,
    segment_bytes=4096,
)


def samples(text: bytes) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def scraped(state: State = FULL, metrics: Metrics | None = None, outbox: Outbox | None = None) -> dict[str, float]:
    return samples((metrics or Metrics()).exposition(state, health(state, Thresholds()), outbox))


def test_everything_the_state_knows_is_shown() -> None:
    found = scraped()
    assert found["stillwatch_detection_staleness_seconds"] == 90
    assert found["stillwatch_mining_age_seconds"] == 600
    assert found["stillwatch_last_mining_timestamp_seconds"] == AT.timestamp() - 600
    assert found["stillwatch_ingest_lag_seconds{source=http}"] == 1.5
    assert found["stillwatch_ingest_silence_seconds"] == 2
    assert found["stillwatch_coverage_ratio{group=network}"] == 0.9
    assert found["stillwatch_campaigns{state=active,verdict=extraction}"] == 3
    assert found["stillwatch_dead_letters_kept"] == 7
    assert found["stillwatch_decisions{action=deny,simulated=false}"] == 12
    assert found["stillwatch_snapshot_version"] == 41
    assert found["stillwatch_snapshot_age_seconds"] == 3
    assert found["stillwatch_segments_size_bytes"] == 4096
    assert found["stillwatch_health_status{status=degraded}"] == 1
    assert found["stillwatch_health_status{status=ok}"] == 0
    assert found["stillwatch_health_reason{matter=detection_stale,status=degraded}"] == 1
    assert found["process_resident_memory_bytes"] > 1e6


def test_what_is_unknown_has_no_sample_and_is_not_zero() -> None:
    found = scraped(State(at=AT, started_at=AT))
    for name in (
        "detection_staleness_seconds",
        "mining_age_seconds",
        "snapshot_version",
        "segments",
        "dead_letters_kept",
    ):
        assert f"stillwatch_{name}" not in found
    assert not any("coverage" in name or "campaigns" in name for name in found)
    nothing_waits = scraped(State(at=AT, started_at=AT, newest_stored_at=AT))
    assert nothing_waits["stillwatch_detection_staleness_seconds"] == 0


def test_ages_are_those_of_the_scrape() -> None:
    later = scraped(State(at=AT + timedelta(hours=1), started_at=AT, last_mined_at=AT))
    assert later["stillwatch_mining_age_seconds"] == 3600


def test_counters_count_and_two_services_do_not_mix() -> None:
    metrics, other = Metrics(), Metrics()
    metrics.count_batch("http", stored=1000, duplicates=3, dead_letters=1)
    metrics.count_batch("http", stored=500)
    metrics.count_mining(12.0, done=True)
    metrics.count_mining(3.0, done=False)
    found = scraped(metrics=metrics)
    assert found["stillwatch_exchanges_ingested_total{source=http}"] == 1500
    assert found["stillwatch_exchanges_duplicate_total{source=http}"] == 3
    assert found["stillwatch_dead_letters_total{source=http}"] == 1
    assert found["stillwatch_minings_total{outcome=failed}"] == 1
    assert found["stillwatch_mining_duration_seconds_count"] == 1
    assert found["stillwatch_mining_duration_seconds_sum"] == 12
    assert "stillwatch_exchanges_ingested_total{source=http}" not in scraped(metrics=other)


def test_the_outbox_is_seen(tmp_path: Path) -> None:
    class Nowhere:
        async def send(self, alert: object) -> None: ...

    async def made() -> dict[str, float]:
        box = Outbox({"on-call": (Nowhere(), Wanted())}, tmp_path, lambda *_: True)
        box.put([numbered(1)], AT)
        box.counts["on-call", "given_up"] += 2
        return scraped(outbox=box)

    found = asyncio.run(made())
    assert found["stillwatch_alerts_pending{channel=on-call}"] == 1
    assert found["stillwatch_alerts_total{channel=on-call,outcome=given_up}"] == 2


def test_names_follow_the_conventions_and_every_family_says_what_it_is() -> None:
    text = Metrics().exposition(FULL, health(FULL, Thresholds())).decode()
    names = [family.name for family in text_string_to_metric_families(text)]
    assert len(names) == len(set(names))
    for family in text_string_to_metric_families(text):
        assert re.fullmatch(r"(stillwatch|process)_[a-z_]+", family.name)
        assert family.documentation.endswith("."), family.name
        assert not re.search(r"_(ms|millis|minutes|hours|kb|mb|percent)(_|$)", family.name)
        assert family.type == "counter" or not any(one.name.endswith("_total") for one in family.samples)
        assert not any({"account_id", "campaign_id"} & set(one.labels) for one in family.samples)


def test_the_documents_name_metrics_that_exist_and_all_of_them() -> None:
    metrics = Metrics()
    metrics.count_batch("http", stored=1, duplicates=1, dead_letters=1)
    text = metrics.exposition(FULL, health(FULL, Thresholds())).decode()
    exist = {family.name for family in text_string_to_metric_families(text)} | {"stillwatch_alerts_pending"}
    exist |= {f"{name}_total" for name in exist} | {f"{name}_bucket" for name in exist} | {"stillwatch_alerts_total"}
    exist.add("stillwatch_build_info")
    named = set(re.findall(r"\b(?:stillwatch|process)_[a-z_]+\b", DOCS.read_text(encoding="utf-8")))
    assert named - exist == set()
    shown = {re.sub(r"_(total|bucket|info)$", "", name) for name in named}
    wanted = {
        family.name
        for family in text_string_to_metric_families(text)
        if family.name.startswith("stillwatch_") and not family.name.endswith("_created")
    }
    assert {re.sub(r"_(total|info)$", "", name) for name in wanted} - shown == set()
