"""Sessions of staff: documents, named by a signed cookie; deleting one signs the browser out."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from datetime import timedelta

from shared.keys.tokens import BadToken
from shared.ports import Conflict, Create, Document, Replace, Write, from_utc_text, utc_text
from shared.staff.members import Member, find
from shared.web.visit import Visit

SESSIONS = "sessions"
COOKIE = "desk"
IDLE = timedelta(hours=2)
MAX_SESSION = timedelta(hours=12)  # a working day, however busy
TOUCH = timedelta(minutes=5)  # how exactly idleness is kept: one write in this time
UNATTENDED = "X-Unattended"  # of what a page asks for by itself, while nobody may be there
IAP_HEADER = "X-Goog-IAP-JWT-Assertion"
log = logging.getLogger(__name__)


def current(visit: Visit) -> Member | None:
    """Who is there: by the session, or where Identity-Aware Proxy vouches for people, by what it says."""
    vouched, store = visit.platform.vouched_address, visit.platform.store
    if vouched is None:
        session = session_of(visit)
        return find(store, session.data["email"]) if session else None
    try:
        return find(store, vouched(visit.request.headers.get(IAP_HEADER, "")))
    except PermissionError as error:
        log.warning("identity refused: %s", error)
        return None


def session_of(visit: Visit) -> Document | None:
    """The live session that the cookie names; its idle time starts again, unless a page asks by itself."""
    platform, now = visit.platform, visit.platform.clock.now()
    try:
        id = platform.tokens.read("desk.session", visit.cookie(COOKIE), now)
    except BadToken:
        return None
    session = platform.store.get(SESSIONS, id)
    if session is None or session.data["expire_at"] <= utc_text(now):
        return None
    attended = UNATTENDED not in visit.request.headers
    if attended and from_utc_text(session.data["seen_at"]) + TOUCH < now:
        expires = min(now + IDLE, from_utc_text(session.data["created_at"]) + MAX_SESSION)
        data = session.data | {"seen_at": utc_text(now), "expire_at": utc_text(expires)}
        with suppress(Conflict):  # another request of this browser did it, or the session was ended meanwhile
            platform.store.commit([Replace(SESSIONS, id, data, session.version)])
    return session


def begin(visit: Visit, email: str, *others: Write) -> None:
    """Open a session in one commit with ``others`` and give the browser its cookie. Raises ``Conflict``."""
    platform, now = visit.platform, visit.platform.clock.now()
    id = secrets.token_hex(16)
    session = {
        "email": email,
        "created_at": utc_text(now),
        "seen_at": utc_text(now),
        "expire_at": utc_text(now + IDLE),
    }
    platform.store.commit([*others, Create(SESSIONS, id, session)])
    visit.cookies[COOKIE] = (platform.tokens.sign("desk.session", id), int(MAX_SESSION.total_seconds()))
    log.info("signed in: %s", email)
