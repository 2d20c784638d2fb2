"""Against machines that fill in forms, without a stranger's script and without shutting anybody out.

A public form carries a field that only machines fill in and the signed time when it was shown; what one address and one
network may send is limited; and when many forms arrive at once, each must come with a proof of work (ALTCHA protocol,
https://altcha.org) or, where there is no JavaScript, with a code that we mail to the visitor. Nobody is refused in
silence: the form comes back, filled in, and says what to do.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from datetime import timedelta

from shared.addresses import folded_address
from shared.contracts.events import outbox_row
from shared.contracts.visitors import AddressCodeRequested
from shared.ids import ALPHABET, key_of
from shared.ports import Conflict, Create, utc_text
from shared.tokens import BadToken
from shared.web.limits import LIMITS, client_address, visitor_and_network
from shared.web.problem import FieldError, Problem
from shared.web.site import Visit

HONEYPOT, SHOWN, PROOF, CODE = "homepage", "shown", "altcha", "address_code"
GUARD_FIELDS = (HONEYPOT, SHOWN, PROOF, CODE, "send_code")
FORM_LIFE = timedelta(hours=24)
BUSY_WINDOW = timedelta(minutes=5)
CODE_SLOT = 1800  # seconds; a code is good for this one and the next
CODES_PER_HOUR = 4  # to one address
ALGORITHM, COST = "PBKDF2/SHA-256", 2000  # 256 tries on average: a second of a telephone
CHALLENGE_LIFE = 900  # seconds


@dataclass(frozen=True)
class Guard:
    """What the macro ``guard`` of ``guards.html`` puts into a form. ``challenge`` is JSON, empty in quiet times."""

    shown: str
    challenge: str
    code: str


def guard(visit: Visit) -> Guard:
    """For showing a form, or showing it again: the time of the first showing is kept."""
    now, form = visit.platform.clock.now(), visit.request.form
    shown = form.get(SHOWN, "")
    if _age(visit, shown) is None:
        shown = visit.platform.tokens.sign("shown", str(int(now.timestamp())))
    return Guard(shown, _new_challenge(visit) if _busy(visit) else "", form.get(CODE, ""))


def check_rate(visit: Visit) -> None:
    """Count one thing that this visitor sends. Raises ``Problem`` (429) above the limits.

    This machine's own programs are not strangers: the operator's scripts and load tests are not counted.
    """
    settings = visit.platform.settings
    address = client_address(visit.request, settings.trusted_hops)
    if address.startswith("127.") or address == "::1":
        return
    visitor, network = visitor_and_network(address)
    take, limits = visit.site.limiter.take, settings.limits
    wait = take("visitor", visitor, limits.visitor) or take("network", network, limits.network)
    if wait:
        raise too_many(visit, wait)


def too_many(visit: Visit, wait: int) -> Problem:
    """429; ``wait`` in seconds."""
    _ = visit.gettext
    detail = _("To keep machines out, we take only so many from one place. Please try again in {minutes} minutes.")
    return Problem(
        429,
        "too-many-requests",
        _("That was a lot at once."),
        detail.format(minutes=-(-wait // 60)),
        headers={"Retry-After": str(wait)},
    )


def form_errors(visit: Visit, email: str, source: str, code_mail: type[AddressCodeRequested]) -> list[FieldError]:
    """Why a public form that is otherwise in order is not taken yet; ask this last.

    Args:
        email: the visitor's address, where a code may go.
        source: the slice, which has it mailed by the event ``code_mail``.

    Raises ``Problem`` (429) above the limits.
    """
    _, form = visit.gettext, visit.request.form
    check_rate(visit)
    if form.get(HONEYPOT):
        return [
            FieldError(HONEYPOT, _("A hidden field was filled in, perhaps by your browser. It is empty again now."))
        ]
    limits = visit.platform.settings.limits
    age = _age(visit, form.get(SHOWN, ""))
    if limits.seconds and age is None:
        return [FieldError(SHOWN, _("The form had been open for long. Please check it and send it again."))]
    if age is not None and age < limits.seconds:
        return [FieldError(SHOWN, _("That was faster than people write. Please check it and send it again."))]
    busy = visit.site.limiter.take("forms", "all", limits.busy, BUSY_WINDOW) > 0
    if not busy or _proved(visit) or _code_fits(visit, email):
        return []
    if "send_code" in form:
        return [_mail_code(visit, email, source, code_mail)]
    if form.get(CODE):
        return [FieldError(CODE, _("This is not the code, or it is too old. Check it, or have a new one sent."))]
    return [FieldError(PROOF, _("Many forms arrive just now, so yours needs one more step. Please send it again."))]


# -- the time when the form was shown --


def _age(visit: Visit, shown: str) -> float | None:
    """Seconds since the form was shown; None where that is not known or too long ago."""
    now = visit.platform.clock.now()
    try:
        age = now.timestamp() - int(visit.platform.tokens.read("shown", shown, now))
    except BadToken:
        return None
    return age if age <= FORM_LIFE.total_seconds() else None


# -- proof of work --


def _busy(visit: Visit) -> bool:
    return visit.site.limiter.reached("forms", "all", visit.platform.settings.limits.busy, BUSY_WINDOW)


def _new_challenge(visit: Visit) -> str:
    import altcha

    challenge = altcha.create_challenge(
        ALGORITHM,
        COST,
        expires_at=int(time.time()) + CHALLENGE_LIFE,  # the library compares with the machine's clock
        hmac_secret=_secret(visit, "altcha"),
    )
    return json.dumps(challenge.to_dict())


def _proved(visit: Visit) -> bool:
    """Whether the form carries the solution of a challenge of ours that nobody has used before."""
    import altcha

    proof = visit.request.form.get(PROOF, "")
    if not proof or not altcha.verify_solution(proof, _secret(visit, "altcha")).verified:
        return False
    nonce = json.loads(base64.b64decode(proof))["challenge"]["parameters"]["nonce"]
    expires = visit.platform.clock.now() + timedelta(seconds=2 * CHALLENGE_LIFE)
    try:
        visit.platform.store.commit([Create(LIMITS, key_of("altcha", nonce), {"expire_at": utc_text(expires)})])
    except Conflict:
        return False
    return True


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
    number = int(key_of(_secret(visit, "address code"), folded_address(email), str(slot)), 16)
    letters = []
    for _ in range(8):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)


def _secret(visit: Visit, purpose: str) -> str:
    return key_of(visit.platform.settings.secret_keys[-1], purpose)
