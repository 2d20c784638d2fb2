"""The API as its routes declare it, and OpenAPI 3.1 made of that (https://spec.openapis.org/oas/v3.1.0).

An ``Operation`` is said once: ``Site.operation`` makes the route of it, ``infra.openapi`` the one document of all
slices, which lies beside this file: a slice is deployed without the others, and the document is the same for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, TypeAdapter

from shared.text import N_
from shared.web.http.incoming import FORMS, TICKED
from shared.web.problems import ProblemDetails

REF = "#/components/schemas/{model}"
JSON, PROBLEM, PAGE = "application/json", "application/problem+json", "text/html"

ALWAYS = {
    400: N_("The request could not be understood."),
    414: N_("Path and query are too long."),
    500: N_("Something went wrong on our side."),
    503: N_("We cannot answer just now: nothing was lost, send the same again."),
}
WITH_BODY = {
    413: N_("The body is too large."),
    415: N_("The body is neither JSON nor a form."),
    422: N_("Fields are faulty: `errors` names each of them, and how to mend it."),
}
WAIT = {"Retry-After": {"description": N_("Seconds to wait."), "required": True, "schema": {"type": "integer"}}}
LOCATION = {"Location": {"description": N_("Where to go on."), "required": True, "schema": {"type": "string"}}}
ACCEPT_LANGUAGE = N_("The language of texts for people, in problems too (RFC 9110, 12.5.4).")
LANG = N_("The same for links, as a language tag: it counts before `Accept-Language`, and is kept in a cookie.")


@dataclass(frozen=True)
class Form:
    """An HTML form with the fields of ``model``: a ticked box is text, an empty field counts as not sent, and the
    members of an object are fields of their own (``answers.diet``).

    Args:
        files: the field that takes files, as many as there are.
        strict: whether other fields are refused, rather than ignored.
    """

    model: type[BaseModel]
    files: str = ""
    strict: bool = True


@dataclass(frozen=True, eq=False)
class Operation:
    """One method of one path. All texts are marked for gettext: the page at ``/api`` shows them.

    Args:
        name: unique; clients name their functions after it.
        path: ``/api/events/{event}``; ``parts`` describes what stands in braces.
        tag: the heading that it stands under.
        result: what answers with ``status`` hold, as pydantic knows it.
        query: the model of what follows the ``?``; its handler reads it with ``Visit.query``.
        body: the model of the JSON body.
        form: the same as an HTML form of another site sends it. Where a browser sent it, the answer is a page.
        example: of the body.
        headers: of the request, with what they are for.
        problems: by status, what it means; those of ``ALWAYS`` and ``WITH_BODY`` are known.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    result: Any
    status: int = 200
    description: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    form: Form | None = None
    example: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """The path as werkzeug writes it."""
        return re.sub(r"{(\w+)}", r"<\1>", self.path)

    @property
    def all_problems(self) -> dict[int, str]:
        """By status: its own, those of every operation, and those of a body or a query where it has one."""
        read = WITH_BODY if self.body else {422: WITH_BODY[422]} if self.query else {}
        return dict(sorted({**ALWAYS, **read, **self.problems}.items()))

    def answers(self) -> Iterator[tuple[int, str]]:
        """Every status with every media type that it may have, "" where there is no content."""
        yield self.status, JSON
        if self.form:
            yield 303, ""
        for status in self.all_problems:
            yield status, PROBLEM
            if status in self._pages:
                yield status, PAGE

    @property
    def _pages(self) -> set[int]:
        """What the form that a person sent is refused with: a page, also where no form is taken."""
        if self.form:
            return {*self.all_problems} - {415}
        return {*ALWAYS, 413, 415} if self.body else set()


def _form(form: Form, schemas: dict[str, Any]) -> dict[str, str]:
    schema = TypeAdapter(form.model).json_schema(ref_template=REF)
    required, patterns, properties = schema.get("required", []), {}, {}
    for name, one in schema["properties"].items():
        if one.get("type") == "object":
            patterns[rf"^{name}\..+"] = {"type": "string"}
        elif one.get("type") == "boolean":
            properties[name] = {"enum": [*TICKED]} | {k: v for k, v in one.items() if k in ("title", "description")}
        else:
            text = next((kind for kind in one.get("anyOf", []) if kind.get("type") != "null"), one)
            properties[name] = text if name in required or text.get("type") == "array" else _or_empty(text)
    if form.files:
        properties[form.files] = {"type": "array", "items": {"type": "string", "format": "binary"}}
    made = {"type": "object", "required": required, "properties": properties, "additionalProperties": not form.strict}
    name = f"{form.model.__name__}Form"
    schemas[name] = made | ({"patternProperties": patterns} if patterns else {})
    return {"$ref": REF.format(model=name)}


def _or_empty(schema: Mapping[str, Any]) -> dict[str, Any]:
    about = {name: schema[name] for name in ("title", "description", "default") if name in schema}
    return {"anyOf": [{k: v for k, v in schema.items() if k not in about}, {"const": ""}], **about}


def document(title: str, description: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole description, without the address of a server."""
    schemas: dict[str, Any] = {}
    _schema(ProblemDetails, schemas, "serialization")
    paths: dict[str, Any] = {}
    for one in sorted(operations, key=lambda one: (one.tag, one.path, one.method)):
        paths.setdefault(one.path, {})[one.method.lower()] = _described(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "description": description, "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _described(one: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "description": one.description,
        "parameters": list(_parameters(one)),
        "responses": _responses(one, schemas),
    }
    if one.body:
        content: dict[str, Any] = {JSON: {"schema": _schema(one.body, schemas, "validation")}}
        if one.example:
            content[JSON]["example"] = one.example
        content |= {kind: {"schema": _form(one.form, schemas)} for kind in FORMS if one.form}
        described["requestBody"] = {"required": True, "content": content}
    return {name: value for name, value in described.items() if value != ""}


def _parameters(one: Operation) -> Iterator[dict[str, Any]]:
    text = {"type": "string"}
    for name in re.findall(r"{(\w+)}", one.path):
        yield {"name": name, "in": "path", "required": True, "description": one.parts[name], "schema": text}
    properties = TypeAdapter(one.query).json_schema()["properties"] if one.query else {}
    for name, schema in properties.items():
        kind = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
        plain = {key: value for key, value in kind.items() if key not in ("title", "default", "description")}
        yield {"name": name, "in": "query", "description": schema["description"], "schema": plain}
    yield {"name": "lang", "in": "query", "description": LANG, "schema": text}
    for name, about in {**one.headers, "Accept-Language": ACCEPT_LANGUAGE}.items():
        yield {"name": name, "in": "header", "description": about, "schema": text}


def _responses(one: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    problem = {"$ref": REF.format(model=ProblemDetails.__name__)}
    bodies = {JSON: _schema(one.result, schemas, "serialization"), PROBLEM: problem, PAGE: {"type": "string"}}
    meanings = {one.status: N_("Done."), 303: N_("The form was taken.")} | one.all_problems
    made: dict[str, Any] = {}
    for status, kind in one.answers():
        answer = made.setdefault(str(status), {"description": meanings[status]})
        if kind:
            answer.setdefault("content", {})[kind] = {"schema": bodies[kind]}
        if headers := {303: LOCATION, 429: WAIT, 503: WAIT}.get(status):
            answer["headers"] = headers
    return made


def _schema(model: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    schema = TypeAdapter(model).json_schema(ref_template=REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    if "properties" in schema:
        schemas[model.__name__] = schema
        return {"$ref": REF.format(model=model.__name__)}
    return schema
