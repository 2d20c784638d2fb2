"""Forms that come back to whoever sent them, with all that was typed: too large, in another language, of a stale page.

A page cannot keep the files that were chosen, so it says which are to be chosen again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from shared.keys.tokens import BadToken
from shared.text import N_
from shared.web.faults import SHORTEN, TOO_LARGE
from shared.web.http.one_time_pad import unpadded
from shared.web.problems import Offer, Problem
from shared.web.visit import FormState, Visit

STALE = N_("This form is out of date.")
SENT_BEFORE = N_("You sent this form before with other data. Check it and send it once more.")
WHOLE = ""  # instead of a field's name: the form as a whole
SHOWN_IN = "shown_in"  # sent by the buttons that change the language: the one that the page was in


@dataclass(frozen=True)
class Returned:
    """Why a form is shown again, filled in as it was sent. ``errors``: message by field, ``WHOLE`` for all of it."""

    status: int
    errors: dict[str, str]


def state(visit: Visit) -> FormState:
    """Of the form that was sent just now."""
    visitor, token = visit.cookie("visitor"), visit.request.form.get("csrf_token", "")
    with suppress(BadToken):
        value = visit.platform.tokens.read("csrf", unpadded(token), visit.platform.clock.now())
        if visitor and value.partition(":")[0] == visitor:
            return "ours" if value == visit.bound_to(visitor) or visit.site.gate is None else "moved"
    return "stale"


def returned(visit: Visit, stale: bool) -> Returned | None:
    """Why this form is not taken as it was sent, whatever its fields say; None where it may be."""
    _ = visit.gettext
    if field := visit.request.too_large():
        return Returned(413, {field: f"{_(TOO_LARGE)} {_(SHORTEN)}"})
    if SHOWN_IN in visit.request.form:
        return Returned(200, lost_files(visit))
    if stale:
        return Returned(403, {WHOLE: f"{_(STALE)} {_send_again(visit)}"} | lost_files(visit))
    return None


def stale_form(visit: Visit) -> Problem:
    """403. A form that was on a page of ours can be sent once more, with all that was typed."""
    offer = sent(visit) if from_our_page(visit) else None
    return Problem(403, "stale-form", visit.gettext(STALE), _send_again(visit), offer=offer)


def not_sent(visit: Visit) -> Problem:
    """409. The language of a page that offers to send a form again was changed: it offers it in the new one."""
    _ = visit.gettext
    detail = _("What you sent was not done yet, and is kept on this page.")
    return Problem(409, "not-sent", _("This form was not sent yet"), detail, offer=sent(visit))


def sent(visit: Visit) -> Offer:
    """What was sent, to be sent again."""
    form, asked = visit.request.form, visit.request.args
    query = urlencode([(name, value) for name, value in asked.items(multi=True) if name != "lang"])
    action = f"{visit.request.path}?{query}" if query else visit.request.path
    fields = [(name, value) for name, value in form.items(multi=True) if name not in ("csrf_token", SHOWN_IN)]
    return Offer(action, visit.gettext("Send again"), fields, lost_files(visit), again=True)


def from_our_page(visit: Visit) -> bool:
    """Whether the browser says that a page of ours sent this (https://www.w3.org/TR/fetch-metadata/)."""
    headers = visit.request.headers
    site = headers.get("Sec-Fetch-Site")
    return site == "same-origin" if site else headers.get("Origin") == visit.platform.settings.base_url


def language_typed(visit: Visit) -> str:
    """The form's field ``language``: where it was left at the page's language, it follows when that changes."""
    form = visit.request.form
    typed = form.get("language") or visit.language
    return visit.language if typed == form.get(SHOWN_IN) else typed


def lost_files(visit: Visit) -> dict[str, str]:
    """Message by field, for files that came with a form that is shown again."""
    message = visit.gettext("This page cannot keep files. Please choose them again: {names}")
    names = {field: [file.filename for file in files if file.filename] for field, files in visit.request.files.lists()}
    return {field: message.format(names=", ".join(listed)) for field, listed in names.items() if listed}


def _send_again(visit: Visit) -> str:
    return visit.gettext(
        "It was open for long, or your browser did not keep our cookie, so nothing was done yet. Please send it again;"
        " should this come back once more, let your browser accept cookies from this site."
    )
