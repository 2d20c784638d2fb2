"""OpenAPI 3.1 from pydantic models (https://spec.openapis.org/oas/v3.1.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, TypeAdapter

REF = "#/components/schemas/{model}"
NEXT = {"type": ["string", "null"], "format": "uri", "description": "where the next page is; null on the last"}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {n: {"type": "string"} for n in ("pointer", "field", "detail")},
            },
        },
    },
}


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``results`` are models by status, ``problems`` descriptions by status.

    ``wrapped_in`` names the member of the answer that holds one page of the results, beside the address of the next.
    """

    method: str
    path: str
    summary: str
    results: Mapping[int, Any]
    problems: Mapping[int, str] = field(default_factory=dict)
    body: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wrapped_in: str = ""


def document(title: str, base_url: str, operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole description. Bodies may come as JSON or, where the model is flat enough, as an HTML form."""
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _described(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ] + [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in operation.headers.items()
    ]
    responses: dict[str, Any] = {}
    for status, model in operation.results.items():
        schema = _schema(model, schemas, "serialization")
        if operation.wrapped_in:
            schema = {"type": "object", "properties": {operation.wrapped_in: schema, "next": NEXT}}
        responses[str(status)] = {"description": "Done", "content": {"application/json": {"schema": schema}}}
    for status, text in operation.problems.items():
        problem = {"schema": {"$ref": REF.format(model="Problem")}}
        responses[str(status)] = {"description": text, "content": {"application/problem+json": problem}}
    described: dict[str, Any] = {"summary": operation.summary, "parameters": parameters, "responses": responses}
    if operation.body:
        content = {"schema": _schema(operation.body, schemas, "validation")}
        kinds = ("application/json", "application/x-www-form-urlencoded")
        described["requestBody"] = {"required": True, "content": dict.fromkeys(kinds, content)}
    return described


def _schema(model: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    schema = TypeAdapter(model).json_schema(ref_template=REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    if isinstance(model, type) and issubclass(model, BaseModel):
        schemas[model.__name__] = schema
        return {"$ref": REF.format(model=model.__name__)}
    return schema
