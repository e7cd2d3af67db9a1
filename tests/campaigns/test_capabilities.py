"""What a campaign harvests is read from all its rows together: form first, wording second, unknown is not a guess."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from built_scenes import Row, exchange, scene_of, suspect_of
from stillwatch.campaigns import capabilities
from stillwatch.campaigns.capabilities import FEATURES, MOST_ROWS, Reader, capability_mix, cells, load_reader, spaced
from stillwatch.detectors.suspect import Suspect
from stillwatch.errors import ConfigError
from stillwatch.model import CAPABILITIES

THINGS = ("rivers", "lathes", "bees", "ledgers", "sails", "clocks", "moss", "kilns", "ferries", "lenses")
FORMS: dict[str, dict[str, Any]] = {
    "computer_use": {"image_count": 1, "tool_names": ["screenshot", "click", "type_text", "scroll"]},
    "vision": {"image_count": 1},
}
ASKS = {
    "computer_use": "Screen 1280x800, settings page {n}. Goal: set {t} to {n} and save. Next action?",
    "vision": "<image> Describe the {t} in detail, count {n} of them, mention positions.",
    "reasoning": "Show every intermediate step. A shop has {n} {t} and sells {n} a day. How many are left?",
    "coding": "Write a Python function that sorts {n} {t}, no recursion.\n```python\ndef f(x):\n    pass\n```",
}


def campaign(capability: str, **columns: Any) -> Suspect:
    """Eight accounts asking 30 tasks each, beside a crowd that talks."""
    rows: list[Row] = []
    for i in range(240):
        text = ASKS[capability].format(n=i + 3, t=THINGS[i % 10])
        given = {"prompt": text, "message_count": 1, "output_tokens": 200, **FORMS.get(capability, {}), **columns}
        rows.append(exchange(i, f"a{i % 8}", i / 4, **given))
    rows += [exchange(1000 + i, f"b{i:03d}", i, prompt=f"Any tips on {THINGS[i % 10]} {i}?") for i in range(60)]
    return suspect_of(scene_of(rows), [f"a{i}" for i in range(8)])


@pytest.mark.parametrize("capability", list(ASKS))
def test_a_campaign_of_one_capability_is_named_by_it(capability: str) -> None:
    suspect = campaign(capability)
    mix = capability_mix(suspect, suspect.rows, harvested=True)
    assert next(iter(mix)) == capability


@pytest.mark.parametrize("capability", list(ASKS))
def test_responses_that_were_logged_change_no_name(capability: str) -> None:
    response = "```python\ndef f(x):\n    return x\n```" if capability == "coding" else "There are four of them."
    suspect = campaign(capability, response=response)
    assert next(iter(capability_mix(suspect, suspect.rows, harvested=True))) == capability


@pytest.mark.parametrize("harvested", [True, False])
def test_a_mix_is_a_distribution_with_the_largest_first(harvested: bool) -> None:  # noqa: FBT001
    suspect = campaign("vision")
    mix = capability_mix(suspect, suspect.rows, harvested=harvested)
    assert sum(mix.values()) == pytest.approx(1, abs=1e-3)
    assert list(mix.values()) == sorted(mix.values(), reverse=True)
    assert set(mix) <= set(CAPABILITIES)
    assert not (harvested and "other" in mix)


def test_nothing_seen_of_what_was_asked_is_no_guess() -> None:
    suspect = campaign("coding", prompt=None)
    assert capability_mix(suspect, suspect.rows, harvested=True) == {"other": 1.0}


def test_the_order_of_rows_does_not_matter() -> None:
    suspect = campaign("reasoning")
    mixed = np.random.default_rng(3).permutation(suspect.rows)
    assert capability_mix(suspect, mixed, harvested=True) == capability_mix(suspect, suspect.rows, harvested=True)


def test_every_row_has_one_cell_with_all_features() -> None:
    suspect = campaign("computer_use")
    features, cell = cells(suspect, suspect.rows)
    assert features.shape == (int(cell.max()) + 1, len(FEATURES))
    assert len(cell) == len(suspect.rows)
    assert np.isfinite(features).all()


def test_huge_campaigns_are_read_in_evenly_spaced_rows() -> None:
    found = spaced(np.arange(5 * MOST_ROWS + 1))
    assert len(found) <= MOST_ROWS
    assert set(np.diff(found)) == {6}


def test_weights_for_other_features_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    load_reader.cache_clear()
    monkeypatch.setattr(capabilities, "FEATURES", (*FEATURES, "more"))
    with pytest.raises(ConfigError, match="other features"):
        load_reader()
    load_reader.cache_clear()


def test_the_shipped_weights_say_where_they_came_from() -> None:
    reader = load_reader()
    assert {"worlds", "campaigns", "script"} <= set(reader.provenance)
    assert all(int(name.rsplit("-", 1)[1]) >= 1000 for name in reader.provenance["worlds"].split(","))
    assert msgspec.json.decode(msgspec.json.encode(reader), type=Reader) == reader
