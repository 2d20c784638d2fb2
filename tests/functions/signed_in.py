"""Browsers in which a member of staff is signed in."""

from __future__ import annotations

import secrets

from shared.keys.ids import key_of
from shared.ports import Create, utc_text
from shared.staff import sessions
from shared.web.http.one_time_pad import padded
from shared.wiring import Platform
from tests.functions.browser import Browser


def signed_in(here: Platform, browser: Browser, email: str) -> Browser:
    """``browser`` with a new session of ``email``."""
    now = here.clock.now()
    expires = utc_text(now + sessions.MAX_SESSION)
    session = {"email": email, "created_at": utc_text(now), "seen_at": utc_text(now), "expire_at": expires}
    id = secrets.token_hex(8)
    here.store.commit([Create(sessions.SESSIONS, id, session)])
    browser.set_cookie(sessions.COOKIE, here.tokens.sign("desk.session", id))
    return browser


def csrf_token(here: Platform, browser: Browser) -> str:
    """As a page of a desk has it for ``browser`` in its session; gives a browser that has seen no page its name."""
    if not browser.cookie("visitor"):
        browser.set_cookie("visitor", secrets.token_hex(16))
    cookie = browser.cookie(sessions.COOKIE)
    session = key_of("session", cookie)[:32] if cookie else ""
    return padded(here.tokens.sign("csrf", f"{browser.cookie('visitor')}:{session}"))
