"""What a form says of a person, where the page asks in more than one field: the country by name, and of two addresses
the one that was meant. An address whose domain looks mistyped is asked about once, and taken as it is written where
that is right."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from shared.formats import countries, mail_domains
from shared.web.problems import FieldError
from shared.web.visit import Visit

MEANT, ASKED, LISTED = "email_meant", "email_asked", "country_listed"


def country_typed(form: MultiDict[str, str]) -> str:
    """The code of what was named in any language; else what was typed. ``LISTED`` is of browsers without type-ahead."""
    return countries.code_of(form.get("country", "") or form.get(LISTED, ""))


def address_typed(form: MultiDict[str, str]) -> str:
    """What was chosen of the two; what was typed where nothing was chosen, or typed anew since."""
    typed, asked, chosen = (form.get(name, "").strip() for name in ("email", ASKED, MEANT))
    return chosen if chosen and asked == typed else typed


def doubts(visit: Visit, email: str) -> list[FieldError]:
    """The question, unless it was asked about this address already.

    Args:
        email: in its normal form.
    """
    probably, asked = mail_domains.meant(email), visit.request.form.get(ASKED, "").strip()
    if not probably or asked.casefold() in (email.casefold(), visit.request.form.get("email", "").strip().casefold()):
        return []
    return [FieldError(MEANT, visit.gettext("Did you mean {address}?").format(address=probably))]
