"""The public pages: what the organisations offer, and the one contact form to all of them."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Response

from functions.inquiries import labels
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.casework.requester_actions import Received
from functions.inquiries.content.models import SHARE_WITH_ALL, Activity
from functions.inquiries.services import Service
from functions.inquiries.uploads import MAX_BODY, uploads
from shared import languages
from shared.contracts.visitors import InquiryCodeRequested
from shared.errors import FaultyFields
from shared.idempotency import KeyReused
from shared.web import paging, sitemaps
from shared.web.guards import form_guard
from shared.web.guards.typed_person import address_typed, country_typed
from shared.web.http.incoming import TICKED
from shared.web.problems import FieldError, Problem
from shared.web.returned import SENT_BEFORE, WHOLE, Returned, language_typed, lost_files
from shared.web.site import Site
from shared.web.visit import Visit

PAGE = 60  # activities of a list
FILTERS = ("organisation", "topic", "kind", "audience")
ONE_LINE = ("full_name", "given_name", "family_name", "organisation", "requester_type", "subject", "message")


def register(site: Site, service: Service) -> None:
    """Put the public pages on ``site``."""
    pages = Pages(service)
    site.route("/activities")(pages.activities)
    site.route("/activities/<id>")(pages.activity)
    sitemaps.route(site, "/activities/sitemap.xml")(pages.mapped)
    site.route("/contact", "GET")(pages.contact)
    site.route("/contact", "POST", max_body=MAX_BODY, again=pages.show_again)(pages.send)


class Pages:
    """Handlers, each ``(visit, parts of the path) -> Response``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._content = service.content

    # -- activities --

    def activities(self, visit: Visit) -> Response:
        """A page of those that what follows the ``?`` asks for."""
        asked = visit.request.args
        given = {name: asked.get(name, "") for name in FILTERS}
        search = asked.get("q", "").strip()[:200]
        wanted: dict[str, Any] = {name: value for name, value in given.items() if value}
        found = self._content.find_activities(**wanted, search=search)
        page = paging.number(asked.get("page", ""))
        more = urlencode(wanted | ({"q": search} if search else {}) | {"page": page + 1})
        return visit.page(
            "activities.html",
            found=paging.part(found, page, PAGE),
            count=len(found),
            page=page,
            more=more if len(found) > page * PAGE else "",
            total=len(self._content.activities),
            given=given,
            search=search,
            options=self._options(visit),
            when=lambda activity: _when(visit, activity),
            **self._names(visit),
        )

    def activity(self, visit: Visit, id: str) -> Response:
        """One activity's page. Raises ``ActivityNotFound``."""
        activity = self._content.activity(id)
        return visit.page("activity.html", activity=activity, when=_when(visit, activity), **self._names(visit))

    def mapped(self, visit: Visit) -> list[str]:
        """The addresses of this slice that search engines are told of."""
        return ["/activities", *(f"/activities/{id}" for id in self._content.activities), "/contact"]

    def _options(self, visit: Visit) -> dict[str, list[tuple[str, str]]]:
        """The choices of each filter."""
        names = self._names(visit)
        return {
            "organisation": list(names["organisations"].items()),
            "topic": list(names["topics"].items()),
            "kind": list(names["kinds"].items()),
            "audience": list(names["types"].items()),
        }

    def _names(self, visit: Visit) -> dict[str, Any]:
        """What ids are called in the visitor's language."""
        _ = visit.gettext
        return {
            "organisations": self._content.short_names,
            "topics": {id: languages.text(t.name, visit.language) for id, t in self._content.topics.items()},
            "kinds": labels.kinds(_),
            "types": labels.requester_types(_),
        }

    def _topics(self, visit: Visit) -> dict[str, Any]:
        """The topics in groups of the organisations that work on them, and over the first of each who they are."""
        groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for id, topic in self._content.topics.items():
            groups.setdefault(tuple(topic.organisations), []).append((id, languages.text(topic.name, visit.language)))
        order = sorted(groups, key=lambda organisations: (len(organisations) != 1, len(organisations), organisations))
        names, comma = self._content.short_names, visit.gettext(", ")
        return {
            "topics_offered": [topic for organisations in order for topic in groups[organisations]],
            "topic_heads": {
                groups[organisations][0][0]: comma.join(names[id] for id in organisations if id in names)
                or visit.gettext("Other topics")
                for organisations in order
            },
        }

    # -- the contact form --

    def contact(self, visit: Visit) -> Response:
        """The empty form; ``activity`` and ``organisation`` after the ``?`` fill in what they imply."""
        return self._form(visit, typed(visit) | self.implied(visit), {})

    def implied(self, visit: Visit) -> dict[str, Any]:
        """What ``activity`` and ``organisation`` after the ``?`` say of the form's fields."""
        asked, values = visit.request.args, dict[str, Any]()
        activity = self._content.activities.get(asked.get("activity", ""))
        if activity:
            values |= {"activity": activity.id, "topics": list(activity.topics)}
            values["subject"] = languages.text(activity.title, visit.language)
        wanted = asked.get("organisation") or (activity.organisations[0] if activity and _alone(activity) else "")
        if wanted in self._content.organisations:
            values["share_with"] = wanted
        return values

    def send_from_elsewhere(self, visit: Visit) -> Response:
        """A person's form on another site: it cannot carry our guards. With errors it comes back as our own form."""
        visit.path = "/contact"
        return self.send(visit, guarded=False)

    def show_again(self, visit: Visit, back: Returned) -> Response:
        """The form with what was typed, where it was not taken as a whole."""
        visit.path = "/contact"
        return self._form(visit, typed(visit), back.errors, back.status)

    def send(self, visit: Visit, guarded: bool = True) -> Response:
        """The form's hidden ``submission`` is its idempotency key: sent twice, it makes one inquiry."""
        values = typed(visit)
        errors: list[FieldError] = []
        try:
            request = visit.validated(InquiryRequest, {name: value for name, value in values.items() if value != ""})
        except Problem as problem:
            errors = problem.errors
        else:
            if guarded:
                errors = form_guard.form_errors(visit, request.email, "inquiries", InquiryCodeRequested)
            else:
                errors = form_guard.foreign_form_errors(visit)
        if errors:
            return self._form(visit, values, {error.field: error.message for error in errors})
        submission = visit.request.form.get("submission", "")[:64]
        try:
            received = self._service.requests.receive(request, uploads(visit), submission and f"form:{submission}")
        except FaultyFields as error:
            return self._form(visit, values, error.told(visit.gettext))
        except KeyReused:
            return self._form(visit, values, {WHOLE: visit.gettext(SENT_BEFORE)}, new=True)
        return visit.redirect(sent(received))

    def _form(
        self, visit: Visit, values: dict[str, Any], errors: dict[str, str], status: int = 0, new: bool = False
    ) -> Response:
        kept = "" if new else visit.request.form.get("submission", "")[:64]
        guard, submission = form_guard.guard(visit, errors), kept or secrets.token_hex(16)
        return self.shown(visit, "contact.html", values, errors, status, guard=guard, submission=submission)

    def shown(
        self, visit: Visit, template: str, values: dict[str, Any], errors: dict[str, str], status: int, **more: Any
    ) -> Response:
        """``status``: without one, 200, or 422 with errors."""
        errors = lost_files(visit) | errors if errors else errors
        return visit.page(
            template,
            status or (422 if errors else 200),
            values=values,
            errors=errors,
            **more,
            activity=self._content.activities.get(values.get("activity") or ""),
            full_names={id: languages.text(o.name, visit.language) for id, o in self._content.organisations.items()},
            **self._names(visit),
            **self._topics(visit),
        )


def sent(received: Received) -> str:
    """Where a form leads that was taken: the status page, with what happens next."""
    return f"{received.status_link}?received=1"


def _alone(activity: Activity) -> bool:
    return len(activity.organisations) == 1


def typed(visit: Visit) -> dict[str, Any]:
    """The form as ``InquiryRequest`` wants it; nothing that was typed is lost."""
    form = visit.request.form
    return {
        **{name: form.get(name, "") for name in ONE_LINE},
        "email": address_typed(form),
        "country": country_typed(form),
        "topics": [topic for topic in form.getlist("topics[]") + form.getlist("topics") if topic],
        "activity": form.get("activity") or None,
        "language": language_typed(visit),
        "share_with": form.get("share_with") or SHARE_WITH_ALL,
        "consent": form.get("consent") in TICKED,
    }


def _when(visit: Visit, activity: Activity) -> str:
    if activity.starts_on is None:
        return visit.gettext("On request")
    return languages.days(activity.starts_on, activity.ends_on, visit.language)
