"""The description of the API as people read it: sections, operations and fields, of the OpenAPI document alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.web.openapi import JSON

MAX_SHOWN = 12  # values of a list of choices
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """``kind`` is its type in a few signs, ``model`` the object of the document that it names, if any."""

    name: str
    kind: str
    model: str
    required: bool
    about: str


@dataclass(frozen=True)
class Answer:
    """``contents`` are media types, each with the object that it holds, if any."""

    status: int
    about: str
    contents: list[tuple[str, str]]
    headers: list[str]


@dataclass(frozen=True)
class Shown:
    """One operation. ``command`` asks for it, with curl."""

    name: str
    method: str
    path: str
    summary: str
    about: str
    parameters: dict[str, list[Field]]
    body: str
    forms: list[str]
    answers: list[Answer]
    command: str


@dataclass(frozen=True)
class Common:
    """What is true of every operation, so that it is said once."""

    parameters: list[Field]
    answers: list[Answer]


def sections(document: Document, base_url: str) -> dict[str, list[Shown]]:
    """Operations by their tag."""
    found: dict[str, list[Shown]] = {}
    known = common(document)
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            found.setdefault(one["tags"][0], []).append(_shown(path, method.upper(), one, known, base_url))
    return found


def common(document: Document) -> Common:
    """Parameters that all operations have, and errors that all may answer. ``document`` is OpenAPI 3.1's."""
    each = [one for methods in document["paths"].values() for one in methods.values()]
    parameters = [one for one in each[0]["parameters"] if all(one in other["parameters"] for other in each)]
    statuses = [status for status in each[0]["responses"] if all(status in other["responses"] for other in each)]
    answers = [_answer(status, each[0]["responses"][status]) for status in statuses]
    return Common([_parameter(one) for one in parameters], [one for one in answers if one.status >= 400])


def models(document: Document) -> dict[str, list[Field]]:
    """The objects of the document, forms aside: theirs are the fields of the object that they stand for."""
    schemas = document["components"]["schemas"]
    return {name: list(_fields(one)) for name, one in schemas.items() if not name.endswith("Form")}


def _shown(path: str, method: str, one: Document, known: Common, base_url: str) -> Shown:
    parameters: dict[str, list[Field]] = {}
    for parameter in one["parameters"]:
        if (field := _parameter(parameter)) not in known.parameters:
            parameters.setdefault(parameter["in"], []).append(field)
    statuses = {answer.status for answer in known.answers}
    body = one.get("requestBody", {}).get("content", {})
    answers = [_answer(status, answer) for status, answer in one["responses"].items()]
    return Shown(
        one["operationId"],
        method,
        path,
        one["summary"],
        one.get("description", ""),
        parameters,
        _kind(body[JSON]["schema"])[1] if body else "",
        [kind for kind in body if kind != JSON],
        [answer for answer in answers if answer.status not in statuses],
        _command(method, f"{base_url}{path}", body.get(JSON, {}).get("example")),
    )


def _parameter(one: Document) -> Field:
    kind, model = _kind(one["schema"])
    return Field(one["name"], kind, model, one.get("required", False), one["description"])


def _answer(status: str, answer: Document) -> Answer:
    contents = [(media, _kind(content["schema"])[1]) for media, content in answer.get("content", {}).items()]
    return Answer(int(status), answer["description"], contents, list(answer.get("headers", ())))


def _command(method: str, url: str, example: Any) -> str:
    if example is None:
        return f"curl {url}"
    body = json.dumps(example, indent=2, ensure_ascii=False).replace("'", r"'\''")
    return f"curl {url} \\\n  -H 'Content-Type: {JSON}' \\\n  -H 'Idempotency-Key: 1' \\\n  -d '{body}'"


def _fields(schema: Document) -> Iterator[Field]:
    for name, one in schema.get("properties", {}).items():
        kind, model = _kind(one)
        yield Field(name, kind, model, name in schema.get("required", ()), one.get("description", ""))


def _kind(schema: Document) -> tuple[str, str]:
    """The type in a few signs (``string[]``, ``"open" | "closed"``), and the object that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name, name
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"]]
        return " | ".join(kind for kind, _ in kinds), next((model for _, model in kinds if model), "")
    if "const" in schema:
        return json.dumps(schema["const"]), ""
    if len(schema.get("enum", ())) in range(1, MAX_SHOWN):
        return " | ".join(json.dumps(one) for one in schema["enum"]), ""
    if schema.get("type") == "array":
        kind, model = _kind(schema["items"])
        return (f"({kind})[]" if " " in kind else f"{kind}[]"), model
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{string: {_kind(schema['additionalProperties'])[0]}}}", ""
    return _simple(schema), ""


def _simple(schema: Document) -> str:
    named = schema.get("format", schema.get("contentEncoding", ""))
    most = schema.get("maxLength", schema.get("maximum"))
    return f"{schema.get('type', 'any')}{f' ({named})' if named else ''}{f' ≤ {most}' if most else ''}"
