"""Against machines that fill in forms, without a stranger's script and without shutting anybody out.

A public form carries a field that people do not see and the signed time when it was shown; what one address and one
network may send is limited; and when many forms arrive at once, each must come with a proof of work or, where there is
no JavaScript, with a code that we mail to the visitor. So must a form with something in the unseen field, or sent as
fast as machines do: a browser or a password manager that fills in forms does the same, so it is a doubt and no verdict.
Forms of other sites and programs carry no field of ours: they are counted by the site that they come from too, get our
page, filled in, or the same challenge to solve and send along in a header. Nobody is refused in silence: what comes
back says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from shared.contracts.bus_events import outbox_row
from shared.contracts.visitors import AddressCodeRequested
from shared.formats.addresses import folded_address
from shared.keys.ids import ALPHABET, key_of
from shared.keys.tokens import BadToken
from shared.text import N_
from shared.web.guards.proof_of_work import new_challenge, proved
from shared.web.guards.typed_person import ASKED, MEANT
from shared.web.guards.typed_person import doubts as address_doubts
from shared.web.http.places import is_this_machine, place_of
from shared.web.http.rate_limits import HOUR
from shared.web.problems import FieldError, Problem
from shared.web.visit import Visit

HONEYPOT, SHOWN, PROOF, CODE = "homepage", "shown", "altcha", "address_code"
DOUBTED = "doubted"
GUARD_FIELDS = (HONEYPOT, SHOWN, PROOF, CODE, "send_code", MEANT, ASKED)
FORM_LIFE = timedelta(hours=24)
BUSY_WINDOW = timedelta(minutes=5)
CODE_SLOT = 1800  # seconds; a code is good for this one and the next
CODES_PER_HOUR = 4  # to one address
PROOF_HEADER = "Altcha-Solution"  # of a program: the same as the field PROOF of a form
MAX_ORIGIN = 200  # characters
TOO_MANY = N_("Too much from one place, or many forms arrive just now and `challenge` is to be solved.")
PROGRAM_HEADERS = {
    "Idempotency-Key": N_(
        "Any text: the same request with the same key gets the first answer again, another request is refused (422)."
    ),
    PROOF_HEADER: N_("The solution of the `challenge` in a problem of status 429 (ALTCHA, base64 of JSON)."),
}


@dataclass(frozen=True)
class Guard:
    """What the macro ``guard`` of ``guards.html`` puts into a form. ``challenge`` is JSON, empty in quiet times."""

    shown: str
    challenge: str
    code: str


def guard(visit: Visit, errors: Collection[str] = ()) -> Guard:
    """For showing a form, or showing it again: the time of the first showing is kept, and that one more step is needed.

    Args:
        errors: the names of fields with errors; one of ``form_errors`` asks for the step.
    """
    now, form, limits = visit.platform.clock.now(), visit.request.form, visit.platform.settings.limits
    before = _showing(visit)
    doubted = PROOF in errors or CODE in errors or bool(before and before.doubted)
    at = before.at if before else int(now.timestamp())
    shown = visit.platform.tokens.sign("shown", f"{at}:{DOUBTED}" if doubted else f"{at}")
    asked = doubted or visit.site.limiter.reached("forms", "all", limits.busy, BUSY_WINDOW) or _placeless(visit)
    return Guard(shown, json.dumps(new_challenge(visit)) if asked else "", form.get(CODE, ""))


def check_rate(visit: Visit) -> None:
    """Count one thing that this visitor sends. Raises ``Problem`` (429) above the limits.

    This machine's own programs are not strangers: the operator's scripts and load tests are not counted. Whoever comes
    from no place that can be told is not counted either, which would be with all others of that kind, but must solve a
    challenge with each form.
    """
    settings = visit.platform.settings
    place = place_of(visit.request, settings.trusted_hops)
    if place is None or is_this_machine(visit.request):
        return
    take, limits = visit.site.limiter.take, settings.limits
    wait = take("visitor", place.visitor, limits.visitor) or take("network", place.network, limits.network)
    if wait:
        raise too_many(visit, wait)


def too_many(visit: Visit, wait: int) -> Problem:
    """429; ``wait`` in seconds."""
    _, minutes = visit.gettext, -(-wait // 60)
    detail = visit.ngettext(
        "To keep machines out, we take only so many from one place. Please try again in {minutes} minute.",
        "To keep machines out, we take only so many from one place. Please try again in {minutes} minutes.",
        minutes,
    )
    return Problem(
        429,
        "too-many-requests",
        _("That was a lot at once."),
        detail.format(minutes=minutes),
        headers={"Retry-After": str(wait)},
    )


def form_errors(
    visit: Visit, email: str, source: str, code_mail: type[AddressCodeRequested], address_asked: bool = False
) -> list[FieldError]:
    """Why a public form that is otherwise in order is not taken yet; ask this last.

    Args:
        email: the visitor's address, where a code may go.
        source: the slice, which has it mailed by the event ``code_mail``.
        address_asked: whether another address was meant was asked before, on a page of its own.

    Raises ``Problem`` (429) above the limits.
    """
    _, form = visit.gettext, visit.request.form
    if not address_asked and (doubts := address_doubts(visit, email)):
        return doubts
    check_rate(visit)
    needed = bool(_crowded(visit)) or _doubtful(visit)
    if not needed or proved(visit, form.get(PROOF, "")) or _code_fits(visit, email):
        return []
    if "send_code" in form:
        return [_mail_code(visit, email, source, code_mail)]
    if form.get(CODE):
        return [FieldError(CODE, _("This is not the code, or it is too old. Check it, or have a new one sent."))]
    return [_one_more_step(visit)]


# -- forms of other sites, and programs --


def foreign_form_errors(visit: Visit) -> list[FieldError]:
    """Why a person's form on another site, in order otherwise, is not taken there and then: ours is shown instead,
    filled in and with its guards. Ask ``check_rate`` first."""
    needed = not is_this_machine(visit.request) and bool(_crowded(visit) or _crowded_origin(visit))
    return [_one_more_step(visit)] if needed else []


def check_program(visit: Visit) -> None:
    """Count what a program sends that is in order otherwise. Ask ``check_rate`` first, and this last.

    Raises ``Problem`` (429) where a form would need one more step: it carries the challenge, whose solution is to come
    with the same request in the header ``PROOF_HEADER``, base64 of JSON ``{"challenge": ..., "solution": ...}``.
    """
    if is_this_machine(visit.request):
        return
    wait = _crowded(visit) or _crowded_origin(visit)
    if not wait or proved(visit, visit.request.headers.get(PROOF_HEADER, "")):
        return
    _ = visit.gettext
    detail = _("Solve the challenge and send the request again with the solution in the header {header}, or wait.")
    raise Problem(
        429,
        "challenge",
        _("Many forms arrive just now, so each needs one more step to keep machines out."),
        detail.format(header=PROOF_HEADER),
        headers={"Retry-After": str(wait)},
        more={"challenge": new_challenge(visit)},
    )


def _one_more_step(visit: Visit) -> FieldError:
    _ = visit.gettext
    message = _("Your form needs one more step, which keeps machines out. It is at the end: then send it again.")
    return FieldError(PROOF, message)


def _crowded(visit: Visit) -> int:
    """Count one form or post. Whether each needs one more step now: seconds until that may be over, or 0."""
    busy = visit.site.limiter.take("forms", "all", visit.platform.settings.limits.busy, BUSY_WINDOW)
    return busy or (int(HOUR.total_seconds()) if _placeless(visit) else 0)


def _crowded_origin(visit: Visit) -> int:
    """The same for the site that a browser says it comes from, where that is another than ours. A program can claim
    any, or none, and so shut out nobody: all that a claim can bring about is the one more step."""
    origin, settings = visit.request.headers.get("Origin", "")[:MAX_ORIGIN].lower(), visit.platform.settings
    if origin in ("", settings.base_url.lower()):
        return 0
    return visit.site.limiter.take("origin", origin, settings.limits.origin)


def _placeless(visit: Visit) -> bool:
    """Whether nobody can tell where this visitor comes from, while it matters."""
    settings = visit.platform.settings
    counted = settings.limits.visitor > 0 or settings.limits.network > 0
    return counted and place_of(visit.request, settings.trusted_hops) is None and not is_this_machine(visit.request)


# -- the time when the form was shown --


@dataclass(frozen=True)
class _Showing:
    """When a form was first shown (seconds since 1970), and whether it was asked for one more step since."""

    at: int
    doubted: bool


def _showing(visit: Visit) -> _Showing | None:
    """What the form says of it; None where that is not known or too long ago."""
    now = visit.platform.clock.now()
    try:
        value = visit.platform.tokens.read("shown", visit.request.form.get(SHOWN, ""), now)
    except BadToken:
        return None
    at, _, mark = value.partition(":")
    return _Showing(int(at), mark == DOUBTED) if now.timestamp() - int(at) <= FORM_LIFE.total_seconds() else None


def _doubtful(visit: Visit) -> bool:
    """Whether a machine may have filled in this form."""
    least = visit.platform.settings.limits.seconds
    if visit.request.form.get(HONEYPOT):
        return True
    showing = _showing(visit)
    if showing is None:
        return least > 0
    return showing.doubted or visit.platform.clock.now().timestamp() - showing.at < least


# -- a code by mail, for those without JavaScript --


def _code_fits(visit: Visit, email: str) -> bool:
    given = "".join(letter for letter in visit.request.form.get(CODE, "").upper() if letter.isalnum())
    slot = int(visit.platform.clock.now().timestamp() // CODE_SLOT)
    return len(given) == 8 and given in (_code(visit, email, slot), _code(visit, email, slot - 1))


def _mail_code(visit: Visit, email: str, source: str, code_mail: type[AddressCodeRequested]) -> FieldError:
    now = visit.platform.clock.now()
    if wait := visit.site.limiter.take("code", folded_address(email), CODES_PER_HOUR):
        raise too_many(visit, wait)
    code = _code(visit, email, int(now.timestamp() // CODE_SLOT))
    event = code_mail(email=email, language=visit.language, code=f"{code[:4]}-{code[4:]}")
    visit.platform.store.commit([outbox_row(source, event, now)])
    message = visit.gettext("We have mailed a code to {email}. Enter it below and send the form again.")
    return FieldError(CODE, message.format(email=email))


def _code(visit: Visit, email: str, slot: int) -> str:
    """Eight letters that only the owner of the mailbox can know; nothing needs to be stored."""
    number = int(key_of(_secret(visit, "address code"), folded_address(email), str(slot)), 16)  # untranslated: a key
    letters = []
    for _ in range(8):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)


def _secret(visit: Visit, purpose: str) -> str:
    return key_of(visit.platform.settings.secret_keys[-1], purpose)
