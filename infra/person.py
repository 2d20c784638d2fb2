"""What is stored about a person, and its erasure: ``make person ADDRESS=jane@example.org [ERASE=1]``.

Looks through every document of the store in ``DATA`` or of ``PROJECT`` (see ``infra.transfer``) for the mail address.
Slices keep their own books, so a registration must have ended and an inquiry be erased at the desk before what is left
of the address can be deleted here. A registration that was never verified is ended here.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from functions.registration.registrations.documents import REGISTRATIONS, ending, registration_of, tallied
from infra.transfer import PAGE, NotMoved, WholeStore, open_store
from shared.formats.addresses import address_key, mentions
from shared.intake import DEAD_LETTERS
from shared.ports import Conflict, Data, Delete, Document, Unavailable

ENDED = ("cancelled", "expired")
UNVERIFIED = "unverified"
HASHED = "mailboxes"  # suppressions, too, have hashes for ids: they stay, so that nobody writes there again
DESK = ("inquiries", "assignments", "inquiry_messages", "audit", "quarantine", "staff", "staff_audit")


def main(arguments: list[str]) -> int:
    """Returns the exit status: 1 where there is no store, or it did not answer or changed meanwhile."""
    parser = argparse.ArgumentParser(prog="infra.person", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("address")
    parser.add_argument("--erase", action="store_true", help="delete what is found")
    asked = parser.parse_args(arguments)
    try:
        store = open_store(os.environ, must_exist=True)
        found = list(about(store, asked.address))
        if asked.erase:
            erase(store, found)
    except (NotMoved, Conflict, Unavailable) as error:
        print(f"person: {error}", file=sys.stderr)
        return 1
    for document in found:
        print(f"{'erased' if asked.erase else 'stored'}  {document.collection}/{document.id}")
    print(f"{len(found)} documents {'erased' if asked.erase else 'hold the address'}.")
    return 0


def about(store: WholeStore, address: str) -> Iterator[Document]:
    """Every document that holds the address, however it is spelled there, or is about it under its hash."""
    sought, key = mentions(address), address_key(address)
    for collection in store.collections():
        after = None
        while page := store.query(collection, after=after, limit=PAGE):
            yield from (
                document
                for document in page
                if _holds(_readable(document), sought) or (collection == HASHED and document.id == key)
            )
            after = page[-1].cursor()


def erase(store: WholeStore, found: list[Document]) -> None:
    """Delete the documents. Raises ``NotMoved``, and deletes nothing, while a slice still needs one of them."""
    if kept := [reason for document in found if (reason := needed(document))]:
        raise NotMoved("nothing was erased: " + "; ".join(kept))
    for number, document in enumerate(found):
        if _is_registration(document) and document.data.get("state") == UNVERIFIED:
            found[number] = _ended(store, document)
    for _, group in groupby(found, key=attrgetter("collection")):  # they may lie in different databases
        while page := list(islice(group, PAGE)):
            gone = [Delete(d.collection, d.id, d.version) for d in page]
            store.commit(
                [*gone, *(tallied(d.data["event"], d.data["state"], None) for d in page if _is_registration(d))]
            )


def _is_registration(document: Document) -> bool:
    return document.collection == REGISTRATIONS


def needed(document: Document) -> str:
    """Why a document cannot just be deleted; empty where it can."""
    name = f"{document.collection}/{document.id}"
    if document.collection in DESK:
        return f"{name} is erased or changed at the desk"
    if _is_registration(document) and document.data.get("state") not in (*ENDED, UNVERIFIED):
        return f"{name} is {document.data.get('state')}: cancel it first"
    if document.collection == "outbox":
        return f"{name} is on its way: try again in a minute"
    return ""


def _ended(store: WholeStore, document: Document) -> Document:
    """An unverified registration, which only its mail's link could end, without the seat that was kept for it."""
    store.commit(ending(registration_of(document), "expired", None, datetime.now(UTC)))
    ended = store.get(document.collection, document.id)
    if ended is None:
        raise NotMoved(f"{document.collection}/{document.id} has just gone: ask again")
    return ended


def _readable(document: Document) -> Data:
    """The document, with the message of a dead letter as text."""
    if document.collection != DEAD_LETTERS:
        return document.data
    return {**document.data, "data": base64.b64decode(document.data["data"]).decode("utf-8", "replace")}


def _holds(value: Any, sought: re.Pattern[str]) -> bool:
    if isinstance(value, str):
        return bool(sought.search(value))
    if isinstance(value, dict):
        return any(_holds(inner, sought) for inner in value.values())
    return isinstance(value, list) and any(_holds(inner, sought) for inner in value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
