"""Whatever the OpenAPI document allows, and much that it does not: no answer is a 5xx."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from litestar import Litestar
from schemathesis.checks import not_a_server_error


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_no_request_that_the_document_allows_breaks_the_service(app: Litestar, everything: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_asgi("/schema/openapi.json", app, headers=everything)
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=everything, checks=[not_a_server_error])

        ask()
        asked += 1
    assert asked > 30
