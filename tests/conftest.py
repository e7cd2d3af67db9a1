"""One composed world, linked once, for every test of detection."""

from __future__ import annotations

import pyarrow as pa
import pytest

from built_scenes import prints_of
from stillwatch import pipeline
from stillwatch.compose import World, compose
from stillwatch.detectors.suspect import Scene


@pytest.fixture(scope="session")
def tiny_world() -> World:
    """About 2,500 exchanges with three campaigns in them, in the composer's own words."""
    return compose("demo", 7, exchanges=2_500)


@pytest.fixture(scope="session")
def tiny_prints(tiny_world: World) -> pa.Table:
    return prints_of(tiny_world.exchanges)


@pytest.fixture(scope="session")
def tiny_scene(tiny_prints: pa.Table, tiny_world: World) -> Scene:
    return pipeline.build(tiny_prints, tiny_world.accounts)
