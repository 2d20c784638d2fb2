"""Which composite index Firestore would ask for. The emulator asks for none, so the tests do.

https://cloud.google.com/firestore/native/docs/query-data/index-overview: equality and list filters alone are served by
the indexes of single fields; together with an order or a range they need a composite index, or several that end in the
same order and are merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.ports import Where


def missing(
    rules: dict[str, Any], where: Sequence[Where], order: str = "id", descending: bool = False
) -> tuple[str, ...] | None:
    """The fields of the index that a query lacks, the ordering field last; None where nothing is lacking.

    Args:
        rules: the collection's part of the topology (``indexes``, ``descending``, ``unindexed``, ``ttl``).
    """
    equal = {
        f"{field}[]" if operator == "contains" else field for field, operator, _ in where if _is_equality(operator)
    }
    ranged = {field for field, operator, _ in where if not _is_equality(operator)}
    last = next(iter(ranged), order)
    exempt = {*rules.get("unindexed", ()), *(["expire_at"] if rules.get("ttl") else [])} & {*equal, last}
    if exempt:
        return tuple(sorted(exempt))  # these have no index at all
    if not equal or last in equal or (last == "id" and not descending):
        return None
    declared = rules.get("descending" if descending else "indexes", ())
    covered: set[str] = set()
    for fields in declared:
        if fields[-1] == last and set(fields[:-1]) <= equal:
            covered |= set(fields[:-1])
    return None if covered == equal else (*sorted(equal), last)


def _is_equality(operator: str) -> bool:
    return operator in ("==", "in", "contains")
