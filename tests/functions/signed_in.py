"""Browsers in which a member of staff is signed in."""

from __future__ import annotations

import secrets

from shared.ports import Create, utc_text
from shared.staff import sessions
from shared.wiring import Platform
from tests.functions.browser import Browser


def signed_in(here: Platform, browser: Browser, email: str) -> Browser:
    """``browser`` with a new session of ``email``."""
    now = here.clock.now()
    expires = utc_text(now + sessions.LONGEST)
    session = {"email": email, "created_at": utc_text(now), "seen_at": utc_text(now), "expire_at": expires}
    id = secrets.token_hex(8)
    here.store.commit([Create(sessions.SESSIONS, id, session)])
    browser.set_cookie(sessions.COOKIE, here.tokens.sign("desk.session", id))
    return browser
