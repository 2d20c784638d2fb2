"""List inquiries afresh by what they are searched by: ``python -m functions.inquiries.reindex`` (``make reindex``).

Needed once after a release whose ``terms_of`` gives other terms; until then what was routed before is found by its old
ones. It may run beside everything else, and again: it writes only where terms differ.
"""

from __future__ import annotations

import sys

from functions.inquiries.casework.case import ASSIGNMENTS, INQUIRIES, MESSAGES
from functions.inquiries.casework.models import Inquiry
from functions.inquiries.casework.search_terms import terms_of
from shared.ports import Conflict, Document, Replace, Store

PAGE = 100  # documents read at once


def reindex(store: Store) -> int:
    """Returns how many assignments got other terms."""
    changed, after = 0, None
    while page := store.query(ASSIGNMENTS, after=after, limit=PAGE):
        changed += sum(_renew(store, document) for document in page)
        after = page[-1].cursor()
    return changed


def _renew(store: Store, assignment: Document | None) -> bool:
    """Decided again where somebody wrote meanwhile. An erased inquiry has no words any more."""
    while assignment:
        reference = assignment.data["inquiry"]
        inquiry, request = store.get(INQUIRIES, reference), store.get(MESSAGES, f"{reference}:request")
        if inquiry is None or request is None or inquiry.data.get("erased_at"):
            return False
        terms = terms_of(reference, Inquiry.model_validate(inquiry.data), request.data["text"])
        if terms == assignment.data.get("terms"):
            return False
        try:
            store.commit([Replace(ASSIGNMENTS, assignment.id, {**assignment.data, "terms": terms}, assignment.version)])
        except Conflict:
            assignment = store.get(ASSIGNMENTS, assignment.id)
        else:
            return True
    return False


if __name__ == "__main__":
    from shared.wiring import platform

    print(f"{reindex(platform().store)} assignments have new terms.")
    sys.exit(0)
