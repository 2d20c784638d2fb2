"""Views of a list that staff keep under a name: somebody's own, or their organisation's.

One document holds all views of one owner. So two who save at once both keep theirs, no name is given twice, and there
are never more than ``MAX_VIEWS``: each commit replaces the version that it was decided on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from shared.documents import Stored
from shared.errors import FaultyFields
from shared.fields import printable_line, written
from shared.ports import Create, Replace, Store, decide
from shared.staff.members import Member
from shared.text import N_

T = TypeVar("T")
MAX_VIEWS = 20  # of one owner
MAX_NAME = 60  # characters


class SavedView(Stored):
    """``query``: what follows the ``?`` in the list's address (``shared.web.lists.Listing.query``)."""

    id: str
    name: str
    query: str


class Shelf(Stored):
    """The views of one owner: a person, or an organisation."""

    owner: str  # an address of the staff, or an organisation's id
    views: list[SavedView] = []
    first: str = ""  # of a person: the id of the view that the list opens with, theirs or their organisation's


class Owned(NamedTuple):
    """A view, and whether the organisation has it, and not the person alone."""

    view: SavedView
    shared: bool


@dataclass(frozen=True)
class Shelves:
    """What one person can choose from; their organisation's views come first."""

    all: list[Owned]
    first: Owned | None

    def find(self, id: str) -> Owned | None:
        """None where it was removed, or is somebody else's."""
        return next((one for one in self.all if one.view.id == id), None)


class SavedViews:
    """The saved views of one list.

    Args:
        collection: of the slice that has the list.
    """

    def __init__(self, store: Store, collection: str) -> None:
        self._store, self._collection = store, collection

    def of(self, person: Member) -> Shelves:
        """All that ``person`` can choose from: two documents, whatever there is."""
        found = self._store.get_many(self._collection, [_key(person, False), _key(person, True)])
        shelves = {document.id: Shelf.model_validate(document.data) for document in found}
        mine, ours = (shelves.get(_key(person, shared)) for shared in (False, True))
        all = [Owned(view, True) for view in (ours.views if ours else [])]
        all += [Owned(view, False) for view in (mine.views if mine else [])]
        return Shelves(all, next((one for one in all if mine and one.view.id == mine.first), None))

    def save(self, person: Member, shared: bool, name: str, query: str) -> SavedView:
        """A new view. Sent twice it is one. Raises ``FaultyFields`` for ``name``: not a name, taken, or too many."""
        called = written("name", name, MAX_NAME, form=printable_line)

        def add(shelf: Shelf) -> SavedView:
            taken = next((view for view in shelf.views if view.name.casefold() == called.casefold()), None)
            if taken and taken.query != query:
                raise FaultyFields({"name": N_("There is a view of this name already. Choose another name.")})
            if taken:
                return taken
            if len(shelf.views) == MAX_VIEWS:
                message = N_("There are {most} views already, and no room for more. Remove one first.")
                raise FaultyFields({"name": message}, most=str(MAX_VIEWS))
            shelf.views.append(SavedView(id=secrets.token_hex(8), name=called, query=query))
            return shelf.views[-1]

        return self._change(person, shared, add)

    def change(self, person: Member, id: str, query: str) -> bool:
        """What the view shows from now on. False where there is none."""

        def change(one: SavedView, _: Shelf) -> None:
            one.query = query

        return self._each(person, id, change)

    def remove(self, person: Member, id: str) -> bool:
        """False where there is none."""
        return self._each(person, id, lambda one, shelf: shelf.views.remove(one))

    def open_with(self, person: Member, id: str) -> None:
        """The list opens with this view for ``person`` from now on; "": with all there is."""

        def open_with(shelf: Shelf) -> None:
            shelf.first = id

        self._change(person, False, open_with)

    def _each(self, person: Member, id: str, change: Callable[[SavedView, Shelf], None]) -> bool:
        known = self.of(person).find(id)
        if known is None:
            return False

        def attempt(shelf: Shelf) -> bool:
            one = next((view for view in shelf.views if view.id == id), None)
            if one is not None:
                change(one, shelf)
            return one is not None

        return self._change(person, known.shared, attempt)

    def _change(self, person: Member, shared: bool, change: Callable[[Shelf], T]) -> T:
        """Decided again where another was faster."""
        key, owner = _key(person, shared), person.organisation if shared else person.email

        def attempt() -> T:
            document = self._store.get(self._collection, key)
            shelf = Shelf.model_validate(document.data) if document else Shelf(owner=owner)
            before = shelf.data()
            result = change(shelf)
            after = shelf.data()
            if after != before:
                made = Replace(self._collection, key, after, document.version) if document else None
                self._store.commit([made or Create(self._collection, key, after)])
            return result

        return decide(attempt)


def _key(person: Member, shared: bool) -> str:
    return f"organisation:{person.organisation}" if shared else f"person:{person.email}"
