"""Worlds the composer's tests share; composed once."""

from __future__ import annotations

import pytest

from stillwatch.compose import World, compose


@pytest.fixture(scope="session")
def demo() -> World:
    return compose("demo", 7, exchanges=9_000)


@pytest.fixture(scope="session")
def small() -> World:
    return compose("small", 3, exchanges=16_000)
