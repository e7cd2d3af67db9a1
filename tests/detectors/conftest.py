"""A world small enough to be taken apart for every detector."""

from __future__ import annotations

import pytest

from built_scenes import prints_of
from stillwatch import pipeline
from stillwatch.compose import compose
from stillwatch.detectors.suspect import Scene


@pytest.fixture(scope="session")
def little_scene() -> Scene:
    world = compose("demo", 7, exchanges=700)
    return pipeline.build(prints_of(world.exchanges), world.accounts)
