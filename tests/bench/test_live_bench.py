"""The live bench: its bodies are all taken, under ids of their own, and its figures are of a real service."""

from __future__ import annotations

import json
from pathlib import Path

from stillwatch.bench import live
from stillwatch.bench.served import bodies_of, numbered
from stillwatch.clock import now
from stillwatch.sources.bodies import Body
from stillwatch.sources.decode import Reading, decode

TINY = ["--seconds", "1", "--accounts", "200", "--asks", "50", "--bodies", "2", "--rows", "50", "--times", "1"]


def test_every_sending_of_a_body_is_of_new_exchanges_that_pass_every_check() -> None:
    bodies = bodies_of(2, 30)
    sent = [numbered(bodies[0], 0), numbered(bodies[1], 1), numbered(bodies[0], 2)]
    read = [decode(Body(data=data, format="canonical"), Reading(salt=b"s", now=now())) for data in sent]
    assert [(one.batch.num_rows, one.rejected) for one in read] == [(30, 0)] * 3
    assert len({name for one in read for name in one.batch.column("exchange_id").to_pylist()}) == 90
    prompts = {text for one in read[:2] for text in one.batch.column("prompt").to_pylist()}
    assert len(prompts) == 60


def test_figures_are_of_a_service_that_took_what_was_sent(tmp_path: Path) -> None:
    target = tmp_path / "live.json"
    live.main([*TINY, "--folder", str(tmp_path), "--json", str(target)])
    found = json.loads(target.read_bytes())
    got = found["ingest"]
    assert got["status"]["accepted"] >= got["acknowledged"] > 0
    assert got["status"]["duplicates"] == got["status"]["rejected"] == 0
    assert got["server_cpu_s"] > 0
    assert all(moment["used"]["resident_bytes"] > moment["used"]["anonymous_bytes"] > 0 for moment in got["moments"])
    assert found["way_idle"]["made"]["count"] == found["way_while_sending"]["undone"]["count"] == 1
    assert [path.name for path in tmp_path.iterdir()] == [target.name]  # the service is gone, and its state
