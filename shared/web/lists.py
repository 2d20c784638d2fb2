"""How somebody looks at a list: by what it is filtered, in which order, with which columns, how dense.

All of it stands in the list's address, so that it can be kept, sent to a colleague and gone back to, and every
change of it is a link. A list that is asked for as it is has an empty query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from werkzeug.datastructures import MultiDict

from shared.web.problems import Gettext

MAX_VALUE = 200  # characters of a filter
COLUMNS, ORDER, DENSITY, DENSE = "columns", "order", "density", "dense"


class Column(NamedTuple):
    """``label`` is English, for gettext. ``orders``: what the list is called in when it goes up by this column, and
    when it goes down; only orders that an index serves."""

    id: str
    label: str
    orders: tuple[str, str] | None = None
    usual: bool = True  # shown to whoever has not chosen
    number: bool = False


@dataclass(frozen=True)
class Kind:
    """A list: its address, columns (the first is always shown), filters, and orders (the first where none is asked
    for)."""

    path: str
    columns: tuple[Column, ...]
    filters: tuple[str, ...] = ()
    orders: tuple[str, ...] = ("",)

    @property
    def usual(self) -> tuple[str, ...]:
        """Ids of the columns that are shown to whoever has not chosen."""
        return tuple(column.id for column in self.columns if column.usual)

    def listing(self, asked: MultiDict[str, str]) -> Listing:
        """What an address asks for. What the list does not have, of an older address or by hand, is left out."""
        found = {name: asked.get(name, "").strip()[:MAX_VALUE] for name in self.filters}
        order, wanted = asked.get(ORDER, ""), set(",".join(asked.getlist(COLUMNS)).split(","))
        columns = tuple(column.id for column in self.columns if column.id in wanted or column is self.columns[0])
        return Listing(
            self,
            {name: value for name, value in found.items() if value},
            order if order in self.orders else self.orders[0],
            columns if asked.get(COLUMNS) else self.usual,
            asked.get(DENSITY) == DENSE,
        )

    def kept(self, query: str) -> Listing:
        """The listing that ``Listing.query`` wrote."""
        return self.listing(MultiDict(parse_qsl(query)))


@dataclass(frozen=True)
class Listing:
    """A list as somebody looks at it. ``filters``: value by name, of those that are set."""

    kind: Kind
    filters: Mapping[str, str]
    order: str
    shown: tuple[str, ...]
    dense: bool

    @property
    def columns(self) -> list[Column]:
        """Those that are shown."""
        return [column for column in self.kind.columns if column.id in self.shown]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query of its address: what differs from the list as it is without any."""
        pairs = list(self.filters.items())
        if self.order != self.kind.orders[0]:
            pairs.append((ORDER, self.order))
        if self.shown != self.kind.usual:
            pairs.append((COLUMNS, ",".join(self.shown)))
        return [*pairs, *([(DENSITY, DENSE)] if self.dense else [])]

    @property
    def query(self) -> str:
        """``pairs``, encoded; the same however the same was asked for."""
        return urlencode(self.pairs)

    def address(self, *more: tuple[str, str]) -> str:
        """Of the list as it is looked at, with ``more`` in its query."""
        return f"{self.kind.path}?{urlencode([*self.pairs, *more])}".removesuffix("?")

    def without(self, name: str) -> Listing:
        """Without one of its filters."""
        return replace(self, filters={one: value for one, value in self.filters.items() if one != name})

    def all(self) -> Listing:
        """Without any filter."""
        return replace(self, filters={})

    def by(self, column: Column) -> Listing:
        """Ordered by a column that has orders: up, and down where it goes up already."""
        assert column.orders
        up, down = column.orders
        return replace(self, order=down if self.order == up else up)

    def direction(self, column: Column) -> str:
        """As ``aria-sort`` has it; empty where the list is ordered by something else."""
        names = dict(zip(column.orders or (), ("ascending", "descending"), strict=False))
        return names.get(self.order, "")

    def heads(self, _: Gettext, *more: tuple[str, str], ordered: bool = True) -> list[dict[str, Any]]:
        """The columns that are shown, as ``components/table.html`` takes them: the first names its row, and one with
        orders is a link that goes up by it, and then down.

        Args:
            more: what else the addresses say.
            ordered: False where the list has an order of its own, whatever is asked for.
        """
        return [
            {
                "id": column.id,
                "label": _(column.label),
                "heading": column is self.kind.columns[0],
                "number": column.number,
                "href": self.by(column).address(*more) if column.orders and ordered else "",
                "sorted": self.direction(column) if ordered else "",
            }
            for column in self.columns
        ]

    def tags(self, told: Iterable[tuple[str, str, str]], *more: tuple[str, str]) -> list[tuple[str, str, str]]:
        """Label and value of each filter that is set, and the address of the list without it.

        Args:
            told: name, label and value of each, in the reader's language.
        """
        return [(label, value, self.without(name).address(*more)) for name, label, value in told]
