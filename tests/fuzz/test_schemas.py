"""What the OpenAPI document describes, tried by schemathesis: whatever it allows or forbids gets no 5xx.

The examples are the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode

from infra.openapi import operations
from tests.house import House, opened

EXAMPLES = 60  # of each operation, of what it allows and of what it does not
DOCUMENT = "/api/openapi.json"
OPERATIONS = [(one.method, one.path) for one in operations()]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as house:
        yield house


def trials() -> Iterator[tuple[str, str, GenerationMode]]:
    """What an operation allows; and of one with a body, what it forbids."""
    for method, path in OPERATIONS:
        for mode in GenerationMode if method == "POST" else [GenerationMode.POSITIVE]:
            yield method, path, mode


@pytest.mark.parametrize(("method", "path", "mode"), list(trials()))
def test_no_request_that_the_document_describes_or_forbids_is_a_5xx(
    house: House, method: str, path: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_wsgi(DOCUMENT, house)[path][method]
    tried = 0

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case) -> None:
        nonlocal tried
        tried += 1
        case.validate_response(case.call(), checks=[not_a_server_error])
        assert not house.complaints

    run()
    assert tried
