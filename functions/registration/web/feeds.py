"""The events to come for programs of people: a calendar to subscribe to (RFC 5545) and a feed (Atom, RFC 4287)."""

from __future__ import annotations

from datetime import datetime
from email.utils import parseaddr
from xml.etree import ElementTree

from flask import Response

from functions.registration.events.models import EventDefinition
from functions.registration.registrations.notices import public_facts
from functions.registration.registrations.service import Registrations
from functions.registration.web.event_filters import Filters
from shared import languages
from shared.ports import utc_text
from shared.staff.directory import StaffDirectory
from shared.web.site import Site
from shared.web.visit import Visit

MAX_EVENTS = 50  # the next ones
FRESH = 900  # seconds
ATOM = "http://www.w3.org/2005/Atom"


def register(site: Site, service: Registrations, directory: StaffDirectory) -> None:
    """Put ``/events/calendar.ics`` and ``/events/feed.atom`` on ``site``; both take the filters of the list."""

    def found(visit: Visit, filters: Filters) -> list[EventDefinition]:
        return service.events.search(visit.platform.clock.now(), filters.wanted, False, None, MAX_EVENTS)[0]

    @site.route("/events/calendar.ics")
    def calendar(visit: Visit) -> Response:
        from shared.calendar import entry_of, published  # a tenth of a second, which the start does without

        events, settings = found(visit, Filters(visit, directory)), visit.platform.settings
        domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
        entries = [
            (f"event-{event.id}@{domain}", entry_of(public_facts(event, settings.base_url), visit.language))
            for event in events
        ]
        content = published(entries, _name(visit), _changed(visit, events))
        return _public(visit, content, "text/calendar")

    @site.route("/events/feed.atom")
    def feed(visit: Visit) -> Response:
        filters = Filters(visit, directory)
        events = found(visit, filters)
        page, itself = filters.address("/events"), filters.address("/events/feed.atom")
        root = ElementTree.Element("feed", xmlns=ATOM, attrib={"xml:lang": visit.language})
        _add(root, "title", _name(visit))
        _add(root, "id", visit.url(itself))
        _add(root, "updated", _instant(_changed(visit, events)))
        ElementTree.SubElement(root, "link", rel="self", href=visit.url(itself))
        ElementTree.SubElement(root, "link", rel="alternate", type="text/html", href=visit.url(page))
        for event in events:
            _entry(visit, root, event)
        content = ElementTree.tostring(root, "utf-8", xml_declaration=True)
        return _public(visit, content, "application/atom+xml")


def _name(visit: Visit) -> str:
    """What programs call the calendar and the feed: whose events they are."""
    return f"{languages.text(visit.house.theme.name, visit.language)} · {visit.gettext('Events')}"


def _entry(visit: Visit, root: ElementTree.Element, event: EventDefinition) -> None:
    language, page = visit.language, visit.url(f"/events/{event.id}")
    entry = ElementTree.SubElement(root, "entry")
    _add(entry, "title", languages.text(event.title, language))
    _add(entry, "id", page)
    _add(entry, "updated", _instant(_changed(visit, [event])))
    ElementTree.SubElement(entry, "link", rel="alternate", type="text/html", href=page)
    _add(ElementTree.SubElement(entry, "author"), "name", event.organiser)
    when, where = languages.days(*event.dates, language), languages.text(event.location, language)
    _add(entry, "summary", "\n".join([when, where, languages.text(event.summary, language)]))


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _changed(visit: Visit, events: list[EventDefinition]) -> datetime:
    """When the last of them changed; for those of a time when that was not noted, now."""
    return max(
        (event.kept.changed_at or visit.platform.clock.now() for event in events), default=visit.platform.clock.now()
    )


def _instant(at: datetime) -> str:
    return f"{utc_text(at)[:19]}Z"


def _public(visit: Visit, content: bytes, kind: str) -> Response:
    """The same for all who read the language: anybody may keep it for a while."""
    response = Response(content, content_type=f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = f"public, max-age={FRESH}"
    response.vary.update(["Accept-Language", "Cookie"])
    visit.cookies.clear()
    response.add_etag()
    response.make_conditional(visit.request)
    return response
