"""Who was shown a person's data, when and what: ``make looked AT=/desk/inquiries/ABCD-1234`` or ``BY=ann@example.org``.

Reads the collection ``audit`` of the store in ``DATA`` or of ``PROJECT`` (see ``infra.transfer``). ``BY`` also tells
what that member of staff did with inquiries.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from infra.transfer import PAGE, NotMoved, WholeStore, open_store
from shared.formats.addresses import folded_address
from shared.ports import Document, Unavailable, Where

AUDIT = "audit"


def main(arguments: list[str]) -> int:
    """Returns the exit status: 1 where there is no store, or it does not answer."""
    parser = argparse.ArgumentParser(prog="infra.looked", description=(__doc__ or "").partition("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--at", help="an address at the desk and all below it")
    which.add_argument("--by", help="the mail address of a member of staff")
    asked = parser.parse_args(arguments)
    try:
        store = open_store(os.environ, must_exist=True)
        found = by(store, asked.by) if asked.by else at(store, asked.at)
        for document in found:
            print(line(document))
    except (NotMoved, Unavailable) as error:
        print(f"looked: {error}", file=sys.stderr)
        return 1
    return 0


def by(store: WholeStore, email: str) -> Iterator[Document]:
    """All entries of one member of staff, oldest first."""
    return _pages(store, (("actor", "==", folded_address(email)),), "time")


def at(store: WholeStore, path: str) -> list[Document]:
    """The entries of an address and of what is below it, oldest first."""
    path = path.rstrip("/")
    found = _pages(store, (("path", ">=", path), ("path", "<", f"{path}0")), "path")  # "0" follows "/" and "."
    below = (document for document in found if document.data["path"].removeprefix(path)[:1] in ("", "/", "."))
    return sorted(below, key=lambda document: str(document.data["time"]))


def line(document: Document) -> str:
    """Time (UTC), actor, organisation, action and what was looked at, two blanks apart."""
    entry = document.data
    what = f"{entry['path']}?{entry['asked']}" if entry.get("path") else entry.get("inquiry", "")
    return f"{entry['time']}  {entry['actor']}  {entry['organisation']}  {entry['action']}  {what.rstrip('?')}"


def _pages(store: WholeStore, where: tuple[Where, ...], order: str) -> Iterator[Document]:
    after = None
    while page := store.query(AUDIT, *where, order=order, after=after, limit=PAGE):
        yield from page
        after = page[-1].cursor(order)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
