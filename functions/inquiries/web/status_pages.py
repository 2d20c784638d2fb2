"""The requester's page behind the signed link: what became of the request, and what they can still do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response

from functions.inquiries import labels
from functions.inquiries.services import Service
from functions.inquiries.uploads import MAX_BODY, uploads
from shared import languages
from shared.errors import FaultyFields
from shared.keys.tokens import BadToken
from shared.web.downloads import download
from shared.web.guards import form_guard
from shared.web.personal_links import bad_link, link_mailed
from shared.web.returned import Returned, lost_files
from shared.web.site import Site
from shared.web.visit import Visit


def register(site: Site, service: Service) -> None:
    """Put the requester's page ``/i/<token>`` on ``site``, and below it its files and all that the requester can do."""
    pages = StatusPages(service)
    site.route("/i/<token>", "GET")(pages.show)
    site.route("/i/<token>/messages", "POST", max_body=MAX_BODY, again=pages.show_again)(pages.write)
    site.route("/i/<token>/close", "POST")(pages.close)
    site.route("/i/<token>/reopen", "POST")(pages.reopen)
    site.route("/i/<token>/erasure", "POST")(pages.ask_erasure)
    site.route("/i/<token>/new-link", "POST")(pages.new_link)
    site.route("/i/<token>/again", "POST")(pages.send_again)
    site.route("/i/<token>/files/<id>")(pages.file)


class StatusPages:
    """Handlers, each ``(visit, token, ...) -> Response``; whose link does not work is offered another."""

    def __init__(self, service: Service) -> None:
        self._requests = service.requests
        self._content = service.content

    def show(self, visit: Visit, token: str, status: int = 200, **draft: Any) -> Response:
        """``draft``: ``typed`` and ``errors`` of a message that was not taken."""
        with _offering_another(visit, token):
            found = self._requests.status(self._requests.link(token))
        organisations = self._content.organisations
        lead = organisations.get(found.inquiry.lead or "")
        return visit.page(
            "status.html",
            status,
            token=token,
            found=found,
            inquiry=found.inquiry,
            lead=languages.text(lead.name, visit.language) if lead else "",
            names=self._content.short_names,
            states=labels.states(visit.gettext),
            done=next((name for name in ("received", "again", "written", "erasure") if name in visit.request.args), ""),
            **({"typed": "", "submission": secrets.token_hex(16), "errors": {}} | draft),
        )

    def write(self, visit: Visit, token: str) -> Response:
        """Add a message, once for each ``submission`` of the form; what is wrong is said beside it (422)."""
        text, submission = _typed(visit)
        form_guard.check_rate(visit)
        try:
            with _offering_another(visit, token):
                link = self._requests.link(token)
                self._requests.add_message(link, text, submission, uploads(visit))
        except FaultyFields as error:
            return self.show_again(visit, token, Returned(422, lost_files(visit) | error.told(visit.gettext)))
        return visit.redirect(f"/i/{token}?written#messages")

    def show_again(self, visit: Visit, token: str, back: Returned) -> Response:
        """The page with what was typed, where the form was not taken as a whole."""
        text, submission = _typed(visit)
        return self.show(visit, token, back.status, typed=text, submission=submission, errors=back.errors)

    def close(self, visit: Visit, token: str) -> Response:
        """By the requester, who needs nothing more; back to the page."""
        return self._act(visit, token, self._requests.close)

    def reopen(self, visit: Visit, token: str) -> Response:
        """By the requester; back to the page."""
        return self._act(visit, token, self._requests.reopen)

    def ask_erasure(self, visit: Visit, token: str) -> Response:
        """The organisation that leads decides; nothing is erased yet."""
        return self._act(visit, token, self._requests.ask_erasure, "?erasure")

    def _act(self, visit: Visit, token: str, action: Any, query: str = "") -> Response:
        with _offering_another(visit, token):
            action(self._requests.link(token))
        return visit.redirect(f"/i/{token}{query}")

    def file(self, visit: Visit, token: str, id: str) -> Response:
        """An attachment of a message that the requester may see, as a download."""
        with _offering_another(visit, token):
            return download(*self._requests.attachment(self._requests.link(token), id))

    def send_again(self, visit: Visit, token: str) -> Response:
        """The link by mail once more, on the receipt; this one stays as it is."""
        form_guard.check_rate(visit)
        return self._act(visit, token, self._requests.send_again, "?again")

    def new_link(self, visit: Visit, token: str) -> Response:
        """For whoever fears that others have the link, and for whom it does not work any more."""
        form_guard.check_rate(visit)
        self._requests.new_link(token)
        return link_mailed(visit, f"/i/{token}")


def _typed(visit: Visit) -> tuple[str, str]:
    """The message, and the form's ``submission``, by which it is added once."""
    form = visit.request.form
    return form.get("text", ""), form.get("submission", "")[:64] or secrets.token_hex(16)


@contextmanager
def _offering_another(visit: Visit, token: str) -> Iterator[None]:
    """Whoever comes by a link that does not work is offered a new one."""
    try:
        yield
    except BadToken:
        raise bad_link(visit, f"/i/{token}/new-link") from None
