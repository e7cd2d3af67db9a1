"""The two nulls of the MMD peer on honest windows: one rejects as often as it says, the released one hardly ever."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra bench")

from planted import all_honest, chatter, log_of

from stillwatch.bench.peers.mmd import LEVEL, Mmd, MmdPermuted, rejections

WINDOWS = 500
# three standard deviations of a share of 5% of so many windows
SPREAD = 3 * (LEVEL * (1 - LEVEL) / WINDOWS) ** 0.5


@pytest.fixture(scope="module")
def rates() -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(8)
    everyone = chatter(rng, [f"p{i}" for i in range(60)], 60, ["garden", "kitchen"])
    partial = chatter(rng, [f"g{i}" for i in range(20)], 60, ["garden"])
    world = all_honest(log_of(everyone + partial))
    found = {
        peer.name: rejections(peer, world, 25, WINDOWS) for peer in (Mmd(dimensions=16), MmdPermuted(dimensions=16))
    }
    return {name: {kind: share for kind, share in one.items() if share is not None} for name, one in found.items()}


def test_the_permutation_null_rejects_as_many_honest_windows_as_it_says(
    rates: dict[str, dict[str, float]],
) -> None:
    assert abs(rates["MMD (permutation null)"]["drawn"] - LEVEL) <= SPREAD


def test_the_released_null_rejects_far_fewer_than_it_says(rates: dict[str, dict[str, float]]) -> None:
    assert rates["MMD (released null)"]["drawn"] < LEVEL - SPREAD


def test_neither_null_is_right_for_an_honest_account_with_interests_of_its_own(
    rates: dict[str, dict[str, float]],
) -> None:
    assert all(found["account"] > LEVEL + SPREAD for found in rates.values())
