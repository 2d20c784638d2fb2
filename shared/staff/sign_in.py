"""Staff sign-in, for every desk: a one-time link by mail, or Identity-Aware Proxy vouching for the person.

Who is staff, where and in which role is content (collection ``staff``, id: the folded address) and read afresh for
every request: a role that is taken away is gone with the next click. A session is a document, named by a signed
cookie; deleting it signs the browser out.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from flask import Response

from shared.addresses import folded_address
from shared.contracts.events import outbox_row
from shared.contracts.staff import StaffSignInRequested
from shared.ports import Conflict, Create, Delete, Document, Replace, from_utc_text, utc_text
from shared.tokens import BadToken
from shared.web import languages
from shared.web.abuse import check_rate, too_many
from shared.web.problem import Problem
from shared.web.site import Site, Visit

STAFF, SIGN_INS, SESSIONS = "staff", "sign_ins", "sessions"
ROLES = ("viewer", "officer", "focal_point", "administrator")  # each may do what the ones before it may
COOKIE = "desk"
SIGN_IN, SIGN_OUT = "/desk/sign-in", "/desk/sign-out"
LINK_LIFE = timedelta(minutes=15)
LINKS_PER_HOUR = 10  # to one address
IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)  # a working day, however busy
TOUCH = timedelta(minutes=5)  # how exactly idleness is kept: one write in this time
IAP_HEADER = "X-Goog-IAP-JWT-Assertion"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Member:
    """A member of staff, as the content describes them now."""

    email: str
    name: str
    organisation: str
    role: str
    languages: tuple[str, ...]
    queues: tuple[str, ...]

    def may(self, role: str) -> bool:
        """Whether this role includes ``role``, one of ``ROLES``."""
        return ROLES.index(self.role) >= ROLES.index(role)


def member(visit: Visit) -> Member:
    """Who is signed in; for handlers behind ``protect``."""
    assert visit.staff is not None
    return visit.staff


def protect(site: Site, *open: str) -> None:
    """Let nobody but signed-in staff in, and viewers only look; ``open`` paths (and all below them) stay as they are.

    Register it before any other step of ``site.before``.
    """
    free = ("/healthz", SIGN_IN, SIGN_OUT, *open)

    def step(visit: Visit) -> Response | None:
        path = visit.request.path
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in free):
            return None
        visit.staff = _current(visit)
        if visit.staff is None:
            return _ask_to_sign_in(visit)
        if visit.request.method not in ("GET", "HEAD"):
            check(visit, "officer")
        return None

    site.before.append(step)


def check(visit: Visit, role: str) -> None:
    """Raises ``Problem`` (403) where the person's role does not include ``role``."""
    if not member(visit).may(role):
        _ = visit.gettext
        detail = _("Ask an administrator of your organisation if you need to do this.")
        raise Problem(403, "not-allowed", _("Your role does not allow this."), detail)


def routes(site: Site) -> None:
    """The pages of signing in and out, on the one target that owns ``/desk/sign-in``."""
    site.route(SIGN_IN)(_sign_in_page)
    site.route(SIGN_IN, "POST")(_ask_for_link)
    site.route(f"{SIGN_IN}/<token>")(_link_page)
    site.route(f"{SIGN_IN}/<token>", "POST")(_use_link)
    site.route(SIGN_OUT, "POST")(_sign_out)
    site.route(f"{SIGN_OUT}/everywhere", "POST")(_sign_out_everywhere)


# -- who is there --


def _current(visit: Visit) -> Member | None:
    vouched = visit.platform.vouched_address
    if vouched is None:
        session = _session(visit)
        return _member(visit, session.data["email"]) if session else None
    try:
        return _member(visit, vouched(visit.request.headers.get(IAP_HEADER, "")))
    except PermissionError as error:
        log.warning("identity refused: %s", error)
        return None


def _member(visit: Visit, email: str) -> Member | None:
    document = visit.platform.store.get(STAFF, folded_address(email))
    if document is None or document.data.get("role") not in ROLES:
        return None
    data = document.data
    return Member(
        document.id,
        data["name"],
        data["organisation"],
        data["role"],
        tuple(data.get("languages", ())),
        tuple(data.get("queues", ())),
    )


def _session(visit: Visit) -> Document | None:
    """The live session that the cookie names; its idle time starts again."""
    platform, now = visit.platform, visit.platform.clock.now()
    try:
        id = platform.tokens.read("desk.session", visit.request.cookies.get(COOKIE, ""), now)
    except BadToken:
        return None
    session = platform.store.get(SESSIONS, id)
    if session is None or session.data["expire_at"] <= utc_text(now):
        return None
    if from_utc_text(session.data["seen_at"]) + TOUCH < now:
        expires = min(now + IDLE, from_utc_text(session.data["created_at"]) + LONGEST)
        data = session.data | {"seen_at": utc_text(now), "expire_at": utc_text(expires)}
        with suppress(Conflict):  # another request of this browser did it, or the session was ended meanwhile
            platform.store.commit([Replace(SESSIONS, id, data, session.version)])
    return session


def _ask_to_sign_in(visit: Visit) -> Response:
    """A page leads to sign-in and back; what somebody had typed into a form is kept for sending it again."""
    request, _ = visit.request, visit.gettext
    if visit.platform.vouched_address is not None:
        raise Problem(403, "not-staff", _("Your account is not known at this desk."), _("Ask an administrator."))
    if visit.api:
        raise Problem(401, "sign-in", _("Sign in at the desk first."))
    if request.method in ("GET", "HEAD"):
        return visit.redirect(f"{SIGN_IN}?next={quote(request.full_path.rstrip('?'))}")
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    return visit.page("staff_signed_out.html", 401, fields=fields, action=request.full_path.rstrip("?"))


# -- signing in --


def _sign_in_page(visit: Visit) -> Response:
    next_page = visit.request.args.get("next", "")
    if _current(visit) is not None:
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
    found = _member(visit, email)
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
    platform, now = visit.platform, visit.platform.clock.now()
    asked = _asked(visit, token)
    if asked is None or _member(visit, asked.data["email"]) is None:
        return _link_is_over(visit)
    id = secrets.token_hex(16)
    session = {
        "email": asked.data["email"],
        "created_at": utc_text(now),
        "seen_at": utc_text(now),
        "expire_at": utc_text(now + IDLE),
    }
    try:
        platform.store.commit([Delete(SIGN_INS, asked.id, asked.version), Create(SESSIONS, id, session)])
    except Conflict:
        return _link_is_over(visit)
    visit.cookies[COOKIE] = (platform.tokens.sign("desk.session", id), int(LONGEST.total_seconds()))
    log.info("signed in: %s", session["email"])
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
    if session := _session(visit):
        visit.platform.store.commit([Delete(SESSIONS, session.id, None)])
    visit.cookies[COOKIE] = ("", 0)
    return visit.redirect(SIGN_IN)


def _sign_out_everywhere(visit: Visit) -> Response:
    """End all sessions of this person, and the links under way first: none of them can open a session afterwards."""
    if session := _session(visit):
        store = visit.platform.store
        for collection in (SIGN_INS, SESSIONS):
            while found := store.query(collection, ("email", "==", session.data["email"])):
                store.commit([Delete(collection, document.id, None) for document in found])
    visit.cookies[COOKIE] = ("", 0)
    return visit.redirect(SIGN_IN)
