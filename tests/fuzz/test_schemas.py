"""What the two OpenAPI documents describe, tried by schemathesis: whatever they allow or forbid gets no 5xx.

The examples are the same in every run. What the documents lack is not looked for here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode

from tests.house import House, opened

EXAMPLES = 60  # of each operation, of what it allows and of what it does not
OPERATIONS = {
    "/api/openapi.json": [
        ("GET", "/api/events"),
        ("GET", "/api/events/{event}"),
        ("POST", "/api/events/{event}/registrations"),
    ],
    "/api/inquiries/openapi.json": [
        ("GET", "/api/activities"),
        ("GET", "/api/activities/{activity}"),
        ("POST", "/api/inquiries"),
    ],
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.mark.parametrize("document", OPERATIONS)
def test_all_operations_of_the_documents_are_tried(house: House, document: str) -> None:
    schema = schemathesis.openapi.from_wsgi(document, house)
    found = [found.ok() for found in schema.get_all_operations()]
    assert sorted((it.method.upper(), it.path) for it in found) == sorted(OPERATIONS[document])


def trials() -> Iterator[tuple[str, str, str, GenerationMode]]:
    """What an operation allows; and of one with a body, what it forbids."""
    for document, operations in OPERATIONS.items():
        for method, path in operations:
            for mode in GenerationMode if method == "POST" else [GenerationMode.POSITIVE]:
                yield document, method, path, mode


@pytest.mark.parametrize(("document", "method", "path", "mode"), list(trials()))
def test_no_request_that_a_document_describes_or_forbids_is_a_5xx(
    house: House, document: str, method: str, path: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_wsgi(document, house)[path][method]
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
