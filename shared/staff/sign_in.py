"""The pages of signing in and out: a one-time link by mail (or Identity-Aware Proxy vouches, ``sessions.py``)."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Response

from shared.addresses import folded_address
from shared.contracts.events import outbox_row
from shared.contracts.staff import StaffSignInRequested
from shared.ports import Conflict, Create, Delete, Document, utc_text
from shared.staff.gate import SIGN_IN, SIGN_OUT
from shared.staff.members import find
from shared.staff.sessions import COOKIE, SESSIONS, begin, current, session_of
from shared.tokens import BadToken
from shared.web import languages
from shared.web.abuse import check_rate, too_many
from shared.web.site import ANYBODY, Site, Visit

SIGN_INS = "sign_ins"
LINK_LIFE = timedelta(minutes=15)
LINKS_PER_HOUR = 10  # to one address


def routes(site: Site) -> None:
    """The pages of signing in and out, on the one target that owns ``/desk/sign-in``."""
    pages = (
        (SIGN_IN, "GET", _sign_in_page),
        (SIGN_IN, "POST", _ask_for_link),
        (f"{SIGN_IN}/<token>", "GET", _link_page),
        (f"{SIGN_IN}/<token>", "POST", _use_link),
        (SIGN_OUT, "POST", _sign_out),
        (f"{SIGN_OUT}/everywhere", "POST", _sign_out_everywhere),
    )
    for rule, method, handler in pages:
        site.route(rule, method, may=ANYBODY)(handler)


# -- signing in --


def _sign_in_page(visit: Visit) -> Response:
    next_page = visit.request.args.get("next", "")
    if current(visit) is not None:
        return visit.redirect(_desk_path(next_page))
    return visit.page("staff_sign_in.html", next_page=next_page, sent_to="", fault="")


def _ask_for_link(visit: Visit) -> Response:
    """Answers the same, and writes the same document, whether or not the address is one of staff."""
    platform, now, form = visit.platform, visit.platform.clock.now(), visit.request.form
    email, next_page = folded_address(form.get("email", "")), form.get("next", "")
    check_rate(visit)
    if "@" not in email or len(email) > 254:
        fault = visit.gettext("Enter your work email address, for example name@example.org.")
        return visit.page("staff_sign_in.html", 422, next_page=next_page, sent_to="", fault=fault)
    if wait := visit.site.limiter.take("sign-in", email, LINKS_PER_HOUR):
        raise too_many(visit, wait)
    found = find(platform.store, email)
    id, expires = secrets.token_hex(16), now + LINK_LIFE
    request = {"email": email, "next": _desk_path(next_page), "expire_at": utc_text(expires)}
    platform.store.commit([Create(SIGN_INS, id, request)])
    if found:
        link = visit.url(f"{SIGN_IN}/{platform.tokens.sign('desk.sign-in', id, expires)}")
        language = languages.best(found.languages[0]) if found.languages else visit.language
        minutes = int(LINK_LIFE.total_seconds() // 60)
        payload = StaffSignInRequested(
            name=found.name, email=found.email, language=language, link=link, valid_minutes=minutes
        )
        # In another database, so in a second commit: a link that was never mailed harms nobody.
        platform.store.commit([outbox_row("inquiries", payload, now)])
    return visit.page("staff_sign_in.html", next_page=next_page, sent_to=email, fault="")


def _link_page(visit: Visit, token: str) -> Response:
    """Only shows a button: mail scanners follow links, and must not use them up."""
    if _asked(visit, token) is None:
        return _link_is_over(visit)
    return visit.page("staff_link.html")


def _use_link(visit: Visit, token: str) -> Response:
    asked = _asked(visit, token)
    if asked is None or find(visit.platform.store, asked.data["email"]) is None:
        return _link_is_over(visit)
    try:
        begin(visit, asked.data["email"], Delete(SIGN_INS, asked.id, asked.version))
    except Conflict:
        return _link_is_over(visit)
    return visit.redirect(asked.data["next"])


def _asked(visit: Visit, token: str) -> Document | None:
    """What the link was sent for, until it is used or too old."""
    now = visit.platform.clock.now()
    try:
        id = visit.platform.tokens.read("desk.sign-in", token, now)
    except BadToken:
        return None
    return visit.platform.store.get(SIGN_INS, id)


def _link_is_over(visit: Visit) -> Response:
    fault = visit.gettext("This sign-in link was used already or is too old. Ask for a new one.")
    return visit.page("staff_sign_in.html", 410, next_page="", sent_to="", fault=fault)


def _desk_path(path: str) -> str:
    """Where to go after signing in: a page of a desk on this origin, whatever the link said."""
    inside = path == "/desk" or path.startswith(("/desk/", "/desk?"))
    return path if inside and "\\" not in path and path.isprintable() else "/desk"


# -- signing out --


def _sign_out(visit: Visit) -> Response:
    if session := session_of(visit):
        visit.platform.store.commit([Delete(SESSIONS, session.id, None)])
    visit.cookies[COOKIE] = ("", 0)
    return visit.redirect(SIGN_IN)


def _sign_out_everywhere(visit: Visit) -> Response:
    """End all sessions of this person, and the links under way first: none of them can open a session afterwards."""
    if session := session_of(visit):
        store = visit.platform.store
        for collection in (SIGN_INS, SESSIONS):
            while found := store.query(collection, ("email", "==", session.data["email"])):
                store.commit([Delete(collection, document.id, None) for document in found])
    visit.cookies[COOKIE] = ("", 0)
    return visit.redirect(SIGN_IN)
