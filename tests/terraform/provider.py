"""Google's Terraform provider as far as ``terraform validate`` and ``terraform test`` (with mocks) ask it: its schema.

The configuration is checked without a registry and without a cloud. Speaks Terraform's plugin protocol 5 by
``TF_REATTACH_PROVIDERS``; names, types and required arguments are checked, values are not.

``google.json`` is the provider's published schema (hashicorp/google, MPL-2.0), reduced to names and types of what
``infra/gcp`` uses. Where a resource or a version is added, make it again in that folder, with the provider installed:

    terraform providers schema -json | python -m tests.terraform.provider
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

SCHEMA = Path(__file__).with_name("google.json")
GCP = Path(__file__).parents[2] / "infra" / "gcp"
SOURCE = "hashicorp/google"
NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
SERVICE = "/tfplugin5.Provider/"
SATISFIED = ("ValidateResourceTypeConfig", "ValidateDataSourceConfig", "Configure", "Stop")
FLAGS = ("required", "optional", "computed")
TEXTS = ("description", "description_kind", "deprecated", "sensitive")


@contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    """The variables that let ``terraform`` find the provider, which listens in ``folder`` as long as the block."""
    address = folder / "provider.sock"
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers([_Provider(json.loads(SCHEMA.read_text()))])
    server.add_insecure_port(f"unix:{address}")
    server.start()
    where = {"Network": "unix", "String": str(address)}
    attach = {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": os.getpid(), "Test": True, "Addr": where}
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps({SOURCE: attach})}
    finally:
        server.stop(0)


class _Provider(grpc.GenericRpcHandler):
    def __init__(self, provider: dict[str, Any]) -> None:
        schemas = _field(1, _schema(provider["provider"]))
        for number, kind in ((2, "resource_schemas"), (3, "data_source_schemas")):
            for name, one in provider[kind].items():
                schemas += _field(number, _field(1, name) + _field(2, _schema(one)))
        self._answers: dict[str, Callable[[bytes], bytes]] = {
            "GetSchema": lambda _: schemas,
            "PrepareProviderConfig": lambda asked: asked,  # as it was, in the same field
            **dict.fromkeys(SATISFIED, lambda _: b""),
        }

    def service(self, call: Any) -> Any:
        answer = self._answers.get(call.method.removeprefix(SERVICE))
        return answer and grpc.unary_unary_rpc_method_handler(lambda asked, _: answer(asked))


# --- protocol buffers ----------------------------------------------------------------------------------------


def _schema(schema: dict[str, Any]) -> bytes:
    return _field(1, schema.get("version", 0)) + _field(2, _block(schema["block"]))


def _block(block: dict[str, Any]) -> bytes:
    found = b""
    for name, one in sorted(block.get("attributes", {}).items()):
        flags = [_field(number, int(one.get(flag, 0))) for number, flag in enumerate(FLAGS, 4)]
        found += _field(2, _field(1, name) + _field(2, json.dumps(one["type"])) + b"".join(flags))
    for name, one in sorted(block.get("block_types", {}).items()):
        nesting = _field(3, NESTING[one["nesting_mode"]])
        bounds = _field(4, one.get("min_items", 0)) + _field(5, one.get("max_items", 0))
        found += _field(3, _field(1, name) + _field(2, _block(one["block"])) + nesting + bounds)
    return found


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value) if value else b""
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


# --- the extract ---------------------------------------------------------------------------------------------


def reduced(told: dict[str, Any]) -> dict[str, Any]:
    """What ``terraform providers schema -json`` tells, without what ``infra/gcp`` does not use."""
    sources = "\n".join(path.read_text("utf-8") for path in GCP.rglob("*.tf*"))
    used = {
        "resource_schemas": set(re.findall(r'resource "(\w+)"', sources)),
        "data_source_schemas": set(re.findall(r'data "(\w+)"', sources)),
    }
    [provider] = [one for name, one in told["provider_schemas"].items() if name.endswith(SOURCE)]
    kept: dict[str, Any] = {
        kind: {name: _bare(one) for name, one in provider[kind].items() if name in names}
        for kind, names in used.items()
    }
    return {"provider": _bare(provider["provider"]), **kept}


def _bare(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _bare(inner) for key, inner in value.items() if key not in TEXTS or isinstance(inner, dict)}


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(reduced(json.load(sys.stdin)), separators=(",", ":"), sort_keys=True) + "\n")
