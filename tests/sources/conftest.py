from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import Door, Server, nats_server
from harnesses import FilesHarness, Harness, KafkaHarness, NatsHarness, door_for


@pytest.fixture(scope="session")
def nats_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = nats_server(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def kafka_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Door]]:
    broker, door = door_for(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker, door
    broker.kill()


@pytest.fixture
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Harness:
    if request.param == "files":
        return FilesHarness(tmp_path)
    if request.param == "nats":
        return NatsHarness(request.getfixturevalue("nats_process"))
    return KafkaHarness(*request.getfixturevalue("kafka_process"))
