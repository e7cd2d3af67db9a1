"""Labelled worlds to measure detection on. ``compose`` builds one, ``write_world`` writes it down."""

from stillwatch.compose.knobs import SUITES, Suite
from stillwatch.compose.world import World, compose, write_world

__all__ = ["SUITES", "Suite", "World", "compose", "write_world"]
