"""Hand-made results for every test of the report."""

from __future__ import annotations

import pyarrow as pa
import pytest
from handmade_results import hostile_result, hydra, loner, resale_pool, result_of, scores_of

from stillwatch.model import ScanResult


@pytest.fixture(scope="session")
def result() -> ScanResult:
    return result_of(hydra(), resale_pool(), loner())


@pytest.fixture(scope="session")
def scores(result: ScanResult) -> pa.Table:
    return scores_of(result)


@pytest.fixture(scope="session")
def large() -> ScanResult:
    return result_of(hydra(size=2_000, possible=40, campaign_id="c-large"))


@pytest.fixture(scope="session")
def empty() -> ScanResult:
    return result_of(lookalikes=())


@pytest.fixture(scope="session")
def hostile() -> ScanResult:
    return hostile_result()
