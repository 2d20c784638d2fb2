"""The gate of the desks: staff who have signed in, and whose role has the permission that the route names."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

from flask import Response

from shared.keys.ids import key_of
from shared.ports import Create, utc_text
from shared.staff.directory import StaffDirectory
from shared.staff.members import Member, member
from shared.staff.navigation import PARTS
from shared.staff.permissions import PERMISSIONS, RECORDED
from shared.staff.sessions import COOKIE, current
from shared.web.problems import Problem
from shared.web.returned import sent, stale_form
from shared.web.visit import FormState, Visit

AUDIT = "audit"
SIGN_IN, SIGN_OUT = "/desk/sign-in", "/desk/sign-out"
VIEWS_KEPT = timedelta(days=2 * 365)  # the entries; those of changes stay
MAX_ASKED = 500  # characters
MAX_BACK = 2000  # characters of the address that signing in leads back to: a header has an end
UNTOLD = ("q", "after", "lang", "done", "left", "selected", "to", "name", "share")
"""What an entry does not tell of an address: what people search for may name a person, and it outlives an erasure."""


class DeskGate:
    """``shared.web.site.Gate`` for the sites of staff."""

    templates = Path(__file__).with_name("templates")
    permissions = frozenset(PERMISSIONS)
    layout = "desk_base.html"
    parts = PARTS

    def __init__(self) -> None:
        self._directory: StaffDirectory | None = None

    def person(self, visit: Visit) -> Member | None:
        return current(visit)

    def enter(self, visit: Visit, permission: str) -> Response | None:
        """Raises ``Problem`` (403) where the role lacks the permission."""
        if visit.staff is None:
            return _ask_to_sign_in(visit)
        require(visit, permission)
        visit.zone = self._zone(visit)
        return None

    def _zone(self, visit: Visit) -> str:
        """All times at the desk are those of the organisation whose staff look at them."""
        self._directory = self._directory or StaffDirectory(visit.platform.store, visit.platform.clock)
        organisation = self._directory.organisations.get(member(visit).organisation)
        return organisation.timezone if organisation else visit.zone

    def leave(self, visit: Visit, permission: str) -> None:
        """Record who is shown a person's data before they are: what cannot be recorded is not shown."""
        if permission not in RECORDED:
            return
        visit.platform.store.commit([entry(visit, permission, kept=VIEWS_KEPT)])

    def session(self, visit: Visit) -> str:
        """Behind Identity-Aware Proxy sessions are the proxy's, and forms are bound to the browser alone."""
        cookie = visit.cookie(COOKIE)
        return key_of("session", cookie)[:32] if cookie else ""

    def ask_again(self, visit: Visit, state: FormState) -> Response:
        """Nothing is done in the name of somebody whom the form did not show; what was typed is kept."""
        _ = visit.gettext
        if state == "stale":
            raise stale_form(visit)
        if "application/problem+json" in visit.request.headers.get("Accept", ""):
            raise Problem(403, "stale-form", _("This form is out of date."))
        return _kept(visit, 409, moved=True)


def entry(visit: Visit, action: str, kept: timedelta | None = None) -> Create:
    """The write that records who does ``action``, and where; ``kept`` for so long, None: for ever."""
    me, now = member(visit), visit.platform.clock.now()
    asked = [(name, value) for name, value in visit.request.args.items(multi=True) if value and name not in UNTOLD]
    recorded = {
        "time": utc_text(now),
        "actor": me.email,
        "organisation": me.organisation,
        "action": action,
        "path": visit.request.path,
        "asked": urlencode(asked)[:MAX_ASKED],
        **({"expire_at": utc_text(now + kept)} if kept else {}),
    }
    return Create(AUDIT, secrets.token_hex(12), recorded)


def require(visit: Visit, permission: str) -> None:
    """For what depends on more than the route: my own absence or a colleague's. Raises ``Problem`` (403)."""
    if not member(visit).may(permission):
        _ = visit.gettext
        detail = _("Ask an administrator of your organisation if you need to do this.")
        raise Problem(403, "not-allowed", _("Your role does not allow this."), detail)


def _ask_to_sign_in(visit: Visit) -> Response:
    """A page leads to sign-in and back; what somebody had typed into a form is kept for sending it again."""
    request, _ = visit.request, visit.gettext
    if visit.platform.vouched_address is not None:
        raise Problem(403, "not-staff", _("Your account is not known at this desk."), _("Ask an administrator."))
    if visit.api:
        raise Problem(401, "sign-in", _("Sign in at the desk first."))
    if request.method in ("GET", "HEAD"):
        back = quote(request.full_path.rstrip("?"))
        return visit.redirect(f"{SIGN_IN}?next={back}" if len(back) <= MAX_BACK else SIGN_IN)
    return _kept(visit, 401, moved=False)


def _kept(visit: Visit, status: int, moved: bool) -> Response:
    """What was sent, to be sent again: after signing in, or (``moved``) after somebody did since the form was shown."""
    return visit.page("staff_signed_out.html", status, sent=sent(visit), moved=moved)
