"""What can be seen of the list of inquiries, and asked of it: its columns, orders and filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from werkzeug.datastructures import MultiDict

from functions.inquiries.casework.models import State
from functions.inquiries.casework.queries import NOBODY, Filter
from functions.inquiries.labels import Gettext
from functions.inquiries.means import Member
from shared import languages
from shared.errors import FaultyFields
from shared.fields import NOT_LISTED
from shared.text import N_
from shared.web.lists import Column, Kind, Listing

NEWEST, OLDEST, NEAREST, FARTHEST, CHANGED, UNCHANGED = "newest", "oldest", "target", "far", "changed", "still"
Order = Literal["received_at", "due_at", "updated_at"]
ORDERS: dict[str, tuple[Order, bool]] = {  # field, descending
    NEWEST: ("received_at", True),
    OLDEST: ("received_at", False),
    NEAREST: ("due_at", False),
    FARTHEST: ("due_at", True),
    CHANGED: ("updated_at", True),
    UNCHANGED: ("updated_at", False),
}
INQUIRIES = Kind(
    path="/desk/inquiries",
    columns=(
        Column("subject", N_("Subject")),
        Column("requester", N_("From")),
        Column("state", N_("State")),
        Column("assignee", N_("Assigned to")),
        Column("received", N_("Received"), (OLDEST, NEWEST)),
        Column("due", N_("Answer by"), (NEAREST, FARTHEST)),
        Column("updated", N_("Changed"), (UNCHANGED, CHANGED), usual=False),
        Column("answered", N_("Answered"), usual=False),
        Column("queue", N_("Queue"), usual=False),
        Column("topics", N_("Topics"), usual=False),
        Column("part", N_("Part"), usual=False),
        Column("language", N_("Language"), usual=False),
    ),
    filters=("q", "state", "assignee", "topic", "late", "queue", "part", "country"),
    orders=tuple(ORDERS),
)
UNKEPT = "q"
"""What no view keeps: words that people search for may name a person, and would outlive an erasure."""


def listing_of(asked: MultiDict[str, str]) -> Listing:
    """Raises ``FaultyFields`` for a state that there is not."""
    listing = INQUIRIES.listing(asked)
    if listing.filters.get("state", "routed") not in get_args(State):
        raise FaultyFields({"state": NOT_LISTED})
    return listing


def filter_of(listing: Listing, me: Member) -> Filter:
    """What the store is asked for."""
    asked, (order, descending) = listing.filters, ORDERS[listing.order]
    who = asked.get("assignee")
    return Filter(
        state=asked.get("state"),
        assignee={"me": me.email, "nobody": NOBODY}.get(who, who) if who else None,
        queue=asked.get("queue"),
        topic=asked.get("topic"),
        country=asked.get("country"),
        part=asked.get("part"),
        late=True if "late" in asked else None,
        search=asked.get("q", ""),
        order=order,
        descending=descending,
    )


def own_queues(called: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Id and name of those of the organisation of whoever looks."""
    ours = f"{called['me'].organisation}/"
    return [(id.removeprefix(ours), name) for id, name in called["queues"].items() if id.startswith(ours)]


def told(
    listing: Listing, _: Gettext, language: str, called: Mapping[str, Any], people: Mapping[str, str]
) -> list[Any]:
    """Each filter that is set: name, label and value in the reader's language.

    Args:
        called: what ids are called (``inquiry_list.names``).
        people: names of the colleagues, by address.
    """
    people = {**people, "me": _("me"), "nobody": _("nobody")}
    known: dict[str, tuple[str, Mapping[str, str]]] = {
        "q": (_("Words or reference"), {}),
        "state": (_("State"), called["states"]),
        "assignee": (_("Assigned to"), people),
        "topic": (_("Topic"), called["topics"]),
        "late": (_("Target"), {"1": _("Late only")}),
        "queue": (_("Queue"), dict(own_queues(called))),
        "part": (_("Part"), called["parts_names"]),
        "country": (_("Country"), languages.countries(language)),
    }
    return [(name, known[name][0], known[name][1].get(value, value)) for name, value in listing.filters.items()]
