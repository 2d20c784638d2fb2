"""The pages of signing in and out: a one-time link by mail (or Identity-Aware Proxy vouches, ``sessions.py``).

Anybody can ask for anybody's link, so asking must neither fill a mailbox nor keep its owner out. While a link that was
mailed holds for some minutes more, no other is mailed: it works in every browser, and its owner has it. Browsers that
have signed in as this person before get a link of their own whenever they ask, within an allowance of their own.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from flask import Response

from shared import languages
from shared.contracts.bus_events import outbox_row
from shared.contracts.staff import StaffSignInRequested
from shared.formats.addresses import folded_address
from shared.keys.ids import key_of
from shared.keys.tokens import BadToken
from shared.observability.masks import masked
from shared.ports import Conflict, Create, Delete, Document, Replace, utc_text
from shared.staff.gate import SIGN_IN, SIGN_OUT
from shared.staff.members import find
from shared.staff.sessions import COOKIE, SESSIONS, begin, session_of
from shared.web.guards.form_guard import check_rate
from shared.web.returned import Returned
from shared.web.site import ANYBODY, Site
from shared.web.visit import Visit

SIGN_INS = "sign_ins"
LINK_LIFE = timedelta(minutes=15)
ENOUGH = timedelta(minutes=5)  # so long must a link that was mailed still hold to stand for another
LINKS_PER_HOUR = 10  # to one browser that is known
KNOWN, KNOWN_LIFE = "known", timedelta(days=365)  # the cookie of a browser that has signed in


def routes(site: Site) -> None:
    """The pages of signing in and out, on the one target that owns ``/desk/sign-in``."""
    pages = (
        (SIGN_IN, "GET", _sign_in_page),
        (f"{SIGN_IN}/<token>", "GET", _link_page),
        (SIGN_OUT, "POST", _sign_out),
        (f"{SIGN_OUT}/everywhere", "POST", _sign_out_everywhere),
    )
    for rule, method, handler in pages:
        site.route(rule, method, may=ANYBODY)(handler)
    site.route(SIGN_IN, "POST", may=ANYBODY, again=_sign_in_again)(_ask_for_link)
    site.route(f"{SIGN_IN}/<token>", "POST", may=ANYBODY, again=_link_again)(_use_link)


# -- signing in --


def _sign_in_page(visit: Visit) -> Response:
    next_page = visit.request.args.get("next", "")
    if visit.staff is not None:
        return visit.redirect(_desk_path(next_page))
    return _form(visit, next_page=next_page)


def _sign_in_again(visit: Visit, back: Returned) -> Response:
    form = visit.request.form
    fault = next(iter(back.errors.values()), "")
    return _form(visit, back.status, form.get("next", ""), form.get("email", ""), fault=fault)


def _form(
    visit: Visit, status: int = 200, next_page: str = "", typed: str = "", sent_to: str = "", fault: str = ""
) -> Response:
    """``sent_to``: where a link was sent, after asking."""
    page = {"next_page": next_page, "typed": typed, "sent_to": sent_to, "fault": fault}
    return visit.page("staff_sign_in.html", status, **page)


def _ask_for_link(visit: Visit) -> Response:
    """Answers the same, and does the same, whether or not the address is one of staff."""
    form = visit.request.form
    email, next_page = folded_address(form.get("email", "")), form.get("next", "")
    if email.startswith("@") or len(email) > 254:  # folded, no address at all is one without a name
        check_rate(visit)
        fault = visit.gettext("Enter your work email address, for example name@example.org.")
        return _form(visit, 422, next_page, form.get("email", ""), fault=fault)
    if not _allowance(visit, email):
        check_rate(visit)
        latest = visit.platform.store.get(SIGN_INS, _latest_id(email))
        if latest is None or latest.data["until"] < utc_text(visit.platform.clock.now() + ENOUGH):
            _send_link(visit, email, _desk_path(next_page), latest.version if latest else "")
    else:
        _send_link(visit, email, _desk_path(next_page), secrets.token_hex(8))
    return _form(visit, next_page=next_page, typed=email, sent_to=email)


def _send_link(visit: Visit, email: str, next_page: str, before: str) -> None:
    """``before`` names the state in which it was decided: who decides the same at the same moment mails once."""
    platform, now = visit.platform, visit.platform.clock.now()
    id, until = secrets.token_hex(16), now + LINK_LIFE
    life = {"expire_at": utc_text(until)}
    request = {"email": email, "next": next_page, "browser": _browser(visit), **life}
    platform.store.commit([Create(SIGN_INS, id, request)])
    if found := find(platform.store, email):
        link = visit.url(f"{SIGN_IN}/{platform.tokens.sign('desk.sign-in', id, until)}")
        language = languages.best(found.languages[0]) if found.languages else visit.language
        minutes = int(LINK_LIFE.total_seconds() // 60)
        payload = StaffSignInRequested(
            name=found.name, email=found.email, language=language, link=link, valid_minutes=minutes
        )
        row = outbox_row("inquiries", payload, now, f"sign-in:{key_of(email, before, f'{now:%Y%m%d%H%M}')}")
        with suppress(Conflict):  # in another database, so a second commit: a link that was never mailed harms nobody
            platform.store.commit([row])
    platform.store.commit(
        [Replace(SIGN_INS, _latest_id(email), {"email": email, "until": utc_text(until), **life}, None)]
    )


def _link_page(visit: Visit, token: str) -> Response:
    """Only shows a button: mail scanners follow links, and must not use them up."""
    asked = _asked(visit, token)
    return _confirmation(visit, asked) if asked else _link_is_over(visit)


def _link_again(visit: Visit, token: str, back: Returned) -> Response:
    asked, fault = _asked(visit, token), next(iter(back.errors.values()), "")
    return _confirmation(visit, asked, fault, back.status) if asked else _link_is_over(visit)


def _confirmation(visit: Visit, asked: Document, fault: str = "", status: int = 200) -> Response:
    """Names the account. A browser that did not ask must know it: nobody is to be lured into another one's desk."""
    address, mine = asked.data["email"], asked.data.get("browser") == _browser(visit)
    shown = address if mine else masked(address)
    typed = visit.request.form.get("email", "")
    return visit.page("staff_link.html", status, address=shown, mine=mine, fault=fault, typed=typed)


def _use_link(visit: Visit, token: str) -> Response:
    asked = _asked(visit, token)
    if asked is None or find(visit.platform.store, asked.data["email"]) is None:
        return _link_is_over(visit)
    email = asked.data["email"]
    if asked.data.get("browser") != _browser(visit):
        check_rate(visit)
        if folded_address(visit.request.form.get("email", "")) != email:
            return _confirmation(visit, asked, visit.gettext("The link is for another address."), 422)
    spent = _spent(email, visit.platform.clock.now())
    try:
        begin(visit, email, Delete(SIGN_INS, asked.id, asked.version), spent)
    except Conflict:
        return _link_is_over(visit)
    value = f"{secrets.token_hex(8)}:{key_of(KNOWN, email)[:32]}"
    expires = visit.platform.clock.now() + KNOWN_LIFE
    visit.cookies[KNOWN] = (visit.platform.tokens.sign("desk.known", value, expires), int(KNOWN_LIFE.total_seconds()))
    return visit.redirect(asked.data["next"])


def _asked(visit: Visit, token: str) -> Document | None:
    """What the link was sent for, until it is used or too old."""
    now = visit.platform.clock.now()
    try:
        id = visit.platform.tokens.read("desk.sign-in", token, now)
    except BadToken:
        return None
    return visit.platform.store.get(SIGN_INS, id)


def _allowance(visit: Visit, email: str) -> bool:
    """Whether this browser has signed in as ``email`` before, and has asked for less than it may; counts it."""
    try:
        value = visit.platform.tokens.read("desk.known", visit.cookie(KNOWN), visit.platform.clock.now())
    except BadToken:
        return False
    if value.partition(":")[2] != key_of(KNOWN, email)[:32]:
        return False
    return not visit.site.limiter.take("sign-in", value, LINKS_PER_HOUR)


def _browser(visit: Visit) -> str:
    return key_of("browser", visit.visitor)


def _spent(email: str, now: datetime) -> Replace:
    """No link to this address holds: who asks next gets one. Written anew, so that it is another state than before."""
    data = {"email": email, "until": "", "expire_at": utc_text(now + LINK_LIFE)}
    return Replace(SIGN_INS, _latest_id(email), data, None)


def _latest_id(email: str) -> str:
    """Of the document that tells until when the latest link to an address holds."""
    return f"latest:{key_of(email)}"


def _link_is_over(visit: Visit) -> Response:
    fault = visit.gettext("This sign-in link was used already or is too old. Ask for a new one.")
    return _form(visit, 410, fault=fault)


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
        store.commit([_spent(session.data["email"], visit.platform.clock.now())])
    visit.cookies[COOKIE] = ("", 0)
    return visit.redirect(SIGN_IN)
