"""The OpenAPI document against the API, tried by schemathesis in all its phases and with all its checks.

What the document says of a request is accepted, what it forbids is refused, and every answer is one that it declares.
Which events, topics and organisations there are is content, that no document of all installations can know: a copy of
the document is narrowed to the sample content. The requests are the same in every run; SCHEMA_N, SCHEMA_SECONDS
and SCHEMA_SEED make it longer, and another.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from shared.ports import Delete
from tests.fuzz.village import WEBINAR
from tests.house import House, opened

SEED, SECONDS = int(os.environ.get("SCHEMA_SEED", "1")), int(os.environ.get("SCHEMA_SECONDS", "0"))  # 0: no bound
EXAMPLES = int(os.environ.get("SCHEMA_N", "8"))  # of each operation in each phase that draws them
ATTACHMENT = {"name": "note.txt", "content": base64.b64encode(b"plain").decode()}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Of the sample events, one is left, whose questions the document can be narrowed to."""
    with opened(tmp_path_factory.mktemp("house")) as house:
        store = house.platform.store
        store.commit([Delete("events", one.id, None) for one in store.query("events", limit=100) if one.id != WEBINAR])
        yield house


@pytest.fixture(scope="module")
def document(house: House) -> dict[str, Any]:
    return narrowed(json.loads(house.get("/api/openapi.json").text), house)


def narrowed(document: dict[str, Any], house: House) -> dict[str, Any]:
    """A copy that knows the content of the house."""
    made = copy.deepcopy(document)
    store, schemas = house.platform.store, made["components"]["schemas"]
    ids = {name: [found.id for found in store.query(name)] for name in ("topics", "activities", "organisations")}
    for path in made["paths"].values():
        for parameter in (parameter for one in path.values() for parameter in one["parameters"]):
            known = {"event": [WEBINAR], "activity": ids["activities"]}.get(parameter["name"])
            if known and parameter["in"] == "path":
                parameter["schema"] = {"enum": known}
    prose = schemas["ApiInquiry"]["properties"]["message"] | {"maxLength": 2000}
    none: list[Any] = ["", None, False, []]  # no answer
    listen, question = {"enum": ["en", "ar", *none]}, {"anyOf": [prose, {"enum": none}]}
    category = {"enum": ["participant"]}
    schemas["RegistrationRequest"]["properties"] |= {
        "category": category,
        "answers": {
            "type": "object",
            "properties": {"interpretation": listen, "question": question},
            "additionalProperties": False,
        },
    }
    form = schemas["RegistrationRequestForm"]
    del form["patternProperties"]
    form["properties"] |= {
        "category": category,
        "answers.interpretation": {"enum": ["en", "ar", ""]},
        "answers.question": {"anyOf": [prose, {"const": ""}]},
    }
    inquiry, form = schemas["ApiInquiry"]["properties"], schemas["InquiryRequestForm"]["properties"]
    for name in ("RegistrationRequest", "RegistrationRequestForm", "ApiInquiry", "InquiryRequestForm"):
        schemas[name]["properties"]["full_name"] = schemas["ApiInquiry"]["properties"]["subject"]
        schemas[name]["required"].append("full_name")  # or another name, which a schema says badly
    shared_with = ["all", *ids["organisations"]]
    inquiry["topics"]["items"] = form["topics"]["items"] = {"enum": ids["topics"]}
    inquiry["activity"] = {"enum": [*ids["activities"], None]}
    inquiry["share_with"] = {"enum": shared_with}
    inquiry["attachments"]["items"] = {"const": ATTACHMENT}
    form |= {"activity": {"enum": [*ids["activities"], ""]}, "share_with": {"enum": [*shared_with, ""]}}
    del form["attachments"]
    return made


def with_new_keys(house: House) -> Callable[[dict[str, Any], Any], Any]:
    """A new request has a new key, which no schema can say."""
    numbers = itertools.count()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if "HTTP_IDEMPOTENCY_KEY" in environ:
            environ["HTTP_IDEMPOTENCY_KEY"] += str(next(numbers))
        return house(environ, start_response)

    return application


def run(document: dict[str, Any], house: House, examples: int, only: str = "", seconds: int = 0) -> Findings:
    """Every phase and every check; ``only`` one operation, where it is named."""
    settings: dict[str, Any] = {
        "seed": SEED,
        "max-failures": 5,
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        "checks": {"enabled": True},
        "phases": {"stateful": {"generation": {"max-examples": examples}}},
    }
    if seconds:
        settings["max-time"] = seconds
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(settings))
    schema.app = with_new_keys(house)
    found = Findings()
    for event in from_schema(schema.include(operation_id=only) if only else schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.faults.append(str(vars(event)))
        elif recorder := getattr(event, "recorder", None):
            found.take(recorder)
    return found


@dataclass
class Findings:
    """Answers by operation and status, and what was wrong with them."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def take(self, recorder: ScenarioRecorder) -> None:
        for id, interaction in recorder.interactions.items():
            case, response = recorder.cases[id].value, interaction.response
            if response is not None:
                self.statuses[case.operation.label, response.status_code] += 1
            for check in recorder.checks.get(id, []):
                if check.failure_info:
                    body = response.content[:600] if response is not None else b""
                    told = f"{check.name}: {check.failure_info.failure}"
                    self.faults.append(f"{told}\n{case.as_curl_command()}\n{body!r}")


def test_the_api_does_what_the_document_says(
    house: House, document: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    found = run(document, house, EXAMPLES, seconds=SECONDS)
    assert not found.faults, "\n\n".join(found.faults)
    assert not house.complaints
    record_property("fuzz", f"SCHEMA_SEED={SEED}: {found.statuses.total()} requests of the OpenAPI document")
    for path, operations in document["paths"].items():
        for method, one in operations.items():
            met = {status for label, status in found.statuses if label == f"{method.upper()} {path}"}
            assert {int(status) for status in one["responses"] if status < "300"} <= met, f"{path} never did it: {met}"
            assert {404, 405, 422} & met, f"{path} never refused: {met}"


def lacking_a_status(document: dict[str, Any]) -> None:
    del document["paths"]["/api/events/{event}"]["get"]["responses"]["404"]


def lacking_a_field(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["PublicEvent"]["properties"]["title"] = {"type": "string"}


def lacking_a_bound(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/activities"]["get"]["parameters"]
    next(one for one in parameters if one["name"] == "page")["schema"] = {"type": "integer"}


@pytest.mark.parametrize(
    ("lie", "operation", "check"),
    [
        (lacking_a_status, "getEvent", "status_code_conformance"),
        (lacking_a_field, "getEvent", "response_schema_conformance"),
        (lacking_a_bound, "listActivities", "positive_data_acceptance"),
    ],
)
def test_a_document_that_lies_is_found(
    house: House, document: dict[str, Any], lie: Callable[[dict[str, Any]], None], operation: str, check: str
) -> None:
    """The negative control."""
    made = copy.deepcopy(document)
    lie(made)
    assert any(fault.startswith(check) for fault in run(made, house, EXAMPLES, only=operation).faults)
