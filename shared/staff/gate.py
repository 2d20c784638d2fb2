"""The gate of the desks: nobody but signed-in staff gets in."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from shared.staff.members import member
from shared.staff.sessions import current
from shared.web.problem import Problem
from shared.web.site import Site, Visit

SIGN_IN, SIGN_OUT = "/desk/sign-in", "/desk/sign-out"


def protect(site: Site, *open: str) -> None:
    """Let nobody but signed-in staff in, and viewers only look; ``open`` paths (and all below them) stay as they are.

    Register it before any other step of ``site.before``.
    """
    free = ("/healthz", SIGN_IN, SIGN_OUT, *open)

    def step(visit: Visit) -> Response | None:
        path = visit.request.path
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in free):
            return None
        visit.staff = current(visit)
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
