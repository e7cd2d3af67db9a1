"""What an account does alone: one pass over all rows says what its own rows would say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from built_scenes import exchange, scene_of
from stillwatch.detectors.alone import ALONE, MOST_BITS, least, typical
from stillwatch.detectors.suspect import Scene
from stillwatch.tally.conduct import CONDUCT, LEAST_SPREAD, conduct

COLUMN = {name: j for j, name in enumerate(CONDUCT)}


def of(scene: Scene, account: int, name: str) -> float:
    return float(conduct(scene.facts, scene.kind, scene.roster.node)[account, COLUMN[name]])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=12), st.lists(st.integers(1, 4_000), max_size=9))
def test_figures_of_one_account_are_those_of_its_own_rows(own: list[int], others: list[int]) -> None:
    sizes = [("a", n) for n in own] + [("b", n) for n in others]
    scene = scene_of([exchange(i, who, i, prompt=f"Ask {i}?", output_tokens=n) for i, (who, n) in enumerate(sizes)])
    log = np.log2(np.maximum(own, 1))
    expected = -log.std(ddof=1) if len(own) >= LEAST_SPREAD else np.nan
    assert of(scene, 0, "even_output") == pytest.approx(expected, nan_ok=True, abs=1e-9)
    assert of(scene, 0, "exchanges") == pytest.approx(np.log2(1 + len(own)))
    assert of(scene, 0, "output_length") == pytest.approx(log.mean() if len(own) >= 3 else np.nan, nan_ok=True)


def test_columns_that_a_source_lacks_are_unknown_and_not_zero() -> None:
    scene = scene_of([exchange(i, "a", i, output_tokens=None, prompt=None) for i in range(20)])
    for name in ("even_output", "even_input", "output_length", "distinct_items", "one_kind", "no_careless_starts"):
        assert np.isnan(of(scene, 0, name))


def test_prompts_that_another_party_asks_too_are_told_from_ones_own() -> None:
    rows = [exchange(i, "a", i, prompt=f"Own question number {i}?") for i in range(6)]
    rows += [exchange(10 + i, who, i, prompt=f"Everybody's question {i}?") for i in range(3) for who in ("b", "c")]
    scene = scene_of([{**row, "exchange_id": f"x{i}"} for i, row in enumerate(rows)])
    assert of(scene, 0, "asked_elsewhere") == 0.0
    assert of(scene, 1, "asked_elsewhere") == 1.0


def test_no_single_account_decides_for_a_group() -> None:
    assert typical(np.array([1e9, -1.0, -1.0])) == pytest.approx((MOST_BITS - 2) / 3)
    assert least(np.array([3.0, 3.0, 3.0, -1e9])) > -MOST_BITS
    assert least(np.array([3.0] * 8)) == 3.0


def test_without_weights_nothing_is_said_of_accounts_alone() -> None:
    from built_scenes import suspect_of

    scene = scene_of([exchange(i, f"a{i % 4}", i) for i in range(12)])
    assert scene.alone is None
    assert [detector.measure(suspect_of(scene, ["a0", "a1", "a2"])) for detector in ALONE] == [None, None]
