"""The types of fields that people, programs and content files fill in, the same in every slice.

A value that a type admits can be stored, shown, mailed and exported. What it does not admit it refuses with a text
that says how to mend it (English, for gettext); the surface beside it names the field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    PlainSerializer,
    StrictBool,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from shared.errors import FaultyFields
from shared.formats import countries
from shared.ports import utc_text
from shared.text import N_

MAX_LINE, MAX_REASON, MAX_PROSE, MAX_LANGUAGE = 200, 500, 20_000, 35  # characters

# -- what is said of a faulty field, the same on every form and in the API --

REQUIRED = N_("This field is required.")
EMPTY = {
    "full_name": N_("Write your full name."),
    "email": N_("Write your email address."),
    "country": N_("Choose your country."),
    "category": N_("Choose how you take part."),
    "subject": N_("Write a subject."),
    "message": N_("Write your request."),
    "requester_type": N_("Choose for whom you write."),
}
"""Instead of ``REQUIRED``, by the field's name: it names the field by itself."""
UNPRINTABLE = N_("There is an invisible control character in it. Delete it, or type the text afresh.")
TOO_LONG = N_("Too long: at most {max_length} characters.")
NOT_LISTED = N_("Choose from the list.")
NO_CONSENT = N_("We can use your data only if you agree.")

# -- text --

_UNPRINTABLE = re.compile(  # controls but tab and line feed, lone surrogates, noncharacters (Unicode 16, section 23.7)
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)
_LINE_BREAK = re.compile("\r\n|[\r\u2028\u2029]")
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def printable_prose(text: str) -> str:
    """Text of several lines, without blanks around it; line breaks become ``\\n``. Raises ``ValueError``."""
    text = _line_breaks(text)
    if _UNPRINTABLE.search(text):
        raise ValueError(UNPRINTABLE)
    return text.strip()


def printable_line(text: str) -> str:
    """Text of one line, without blanks around it. Embeddings and overrides of direction, which come along unseen when
    a name is copied and turn what stands beside it, are left out. Raises ``ValueError``."""
    if text.isprintable():
        return text.strip()
    text = _BIDI_CONTROLS.sub("", printable_prose(text)).replace("\t", " ")
    if "\n" in text:
        raise ValueError(N_("Write this in one line."))
    return text


def _line_breaks(text: Any) -> Any:
    """A browser sends two characters for a line break that it counts as one."""
    return _LINE_BREAK.sub("\n", text) if isinstance(text, str) else text


def without_unprintable(text: str) -> str:
    """For text that nobody can be asked to type afresh: of mails."""
    return _UNPRINTABLE.sub("", text)


def is_visible(text: str) -> bool:
    """Whether it has anything to see: ``\u200b`` has not."""
    return any(unicodedata.category(letter)[0] not in "CZ" for letter in text)


def _visible(text: str) -> str:
    if not is_visible(text):
        raise ValueError(REQUIRED)
    return text


def _at_most(characters: int, least: int = 0) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=characters)


def _described(most: int, controls: str, visible: str = r"[\p{L}\p{M}\p{N}\p{P}\p{S}]") -> WithJsonSchema:
    """What is admitted as a pattern of ECMA-262, for JSON schemas; of noncharacters it names those that turn up.

    Args:
        controls: those that are refused, for a class of characters.
        visible: what must be somewhere in it.
    """
    letters = rf"[^{controls}\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]*"
    pattern = f"^{letters}{visible}{letters}$" if visible else f"^{letters}$"
    return WithJsonSchema({"type": "string", "maxLength": most, "pattern": pattern})


_NOT_IN_A_LINE, _NOT_IN_PROSE = r"\x00-\x08\x0a-\x1f\u2028\u2029", r"\x00-\x08\x0b\x0c\x0e-\x1f"
Line = Annotated[
    str,
    _at_most(MAX_LINE, 1),
    AfterValidator(printable_line),
    AfterValidator(_visible),
    _described(MAX_LINE, _NOT_IN_A_LINE),
]
OptionalLine = Annotated[
    str, _at_most(MAX_LINE), AfterValidator(printable_line), _described(MAX_LINE, _NOT_IN_A_LINE, visible="")
]
Prose = Annotated[
    str,
    _at_most(MAX_PROSE, 1),
    AfterValidator(printable_prose),
    AfterValidator(_visible),
    BeforeValidator(_line_breaks),
    _described(MAX_PROSE, _NOT_IN_PROSE),
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)]


def written(
    field: str,
    text: str,
    most: int = MAX_PROSE,
    needed: str = REQUIRED,
    form: Callable[[str], str] = printable_prose,
) -> str:
    """What somebody wrote into ``field``, as it is kept. Raises ``FaultyFields``.

    Args:
        needed: what to say where nothing is written; empty: it may stay so.
        form: ``printable_line`` for one line.
    """
    try:
        kept = form(text)
    except ValueError as error:
        raise FaultyFields({field: str(error)}) from None
    if needed and not is_visible(kept):
        raise FaultyFields({field: needed})
    if len(kept) > most:
        raise FaultyFields({field: TOO_LONG}, max_length=f"{most}")
    return kept


# -- addresses --

_PLAIN_LOCAL_PART = re.compile(r"(?=.{1,64}$)[a-z0-9_+-]+(\.[a-z0-9_+-]+)*")  # RFC 5321, 4.1.2: a dot-string


def _normal_address(address: str) -> str:
    """Raises ``ValueError`` for what is no address. A domain that others have is not looked at anew."""
    local, _, domain = address.rpartition("@")
    if address.isascii() and _PLAIN_LOCAL_PART.fullmatch(local):
        return local + _of_domain(domain)
    return _validated(address)


@lru_cache(500)
def _of_domain(domain: str) -> str:
    return _validated(f"a@{domain}")[1:]


def _validated(address: str) -> str:
    from email_validator import validate_email  # whose tables most processes do without

    return validate_email(address, check_deliverability=False).normalized


def _email(address: str, info: ValidationInfo) -> str:
    """The address as RFC 5321 writes it, its domain in lower case and in Unicode. No DNS is asked."""
    if not address:
        raise ValueError(REQUIRED)
    try:
        normal = _normal_address(address)
    except ValueError:
        raise ValueError(N_("Write the address like name@example.org.")) from None
    if (info.context or {}).get("smtputf8", True) or normal.rpartition("@")[0].isascii():
        return normal
    raise ValueError(
        N_("We cannot write to this address: before the @ our mail takes only letters without accents (a to z).")
    )


_NOT_MAILED = r"\.(arpa|invalid|local|localhost|onion|test)$"  # email_validator.SPECIAL_USE_DOMAIN_NAMES
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "idn-email", "maxLength": 254, "not": {"pattern": _NOT_MAILED}}),
]
"""Where addresses are taken in, validate with ``context={"smtputf8": settings.smtputf8}``: without a relay that can
write to it (RFC 6531), an address with letters beyond ASCII before the @ is refused. What is stored already is read."""

_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`]+")  # RFC 3986; letters beyond ASCII as people copy them


def _web_address(text: str) -> str:
    text = printable_line(text)
    if not _WEB_ADDRESS.fullmatch(text):
        raise ValueError("write the address like https://example.org/page")  # untranslated: of a content file
    return text


WebAddress = Annotated[str, _at_most(2000), AfterValidator(_web_address)]

# -- language, place, time --

_LANGTAG = re.compile(  # RFC 5646, section 2.1
    r"""(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})  # language, extended by up to three subtags
        (?:-[a-z]{4})?                               # script
        (?:-(?:[a-z]{2}|[0-9]{3}))?                  # region
        (?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*     # variants
        (?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*         # extensions
        (?:-x(?:-[a-z0-9]{1,8})+)?                   # private use
        | x(?:-[a-z0-9]{1,8})+
        | en-gb-oed | sgn-be-fr | sgn-be-nl | sgn-ch-de
        | i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)""",
    re.VERBOSE | re.ASCII,
)


def language_tag(text: str) -> str:
    """A well-formed BCP 47 tag in the case of RFC 5646, section 2.1.1: ``zh-Hans-CN``. Raises ``ValueError``."""
    tag = text.strip().replace("_", "-").lower()
    if len(tag) > MAX_LANGUAGE or not _LANGTAG.fullmatch(tag):
        raise ValueError(N_("Write the language as a BCP 47 tag, like 'en' or 'ar'."))
    first, *others = tag.split("-")
    before = first
    for place, part in enumerate(others):
        if len(before) > 1 and len(part) == 2:
            others[place] = part.upper()
        elif len(before) > 1 and len(part) == 4:
            others[place] = part.title() if part.isalpha() else part
        before = part if len(before) > 1 else before  # after a singleton all stays in lower case
    return "-".join([first, *others])


def _country(code: str) -> str:
    code = code.strip().upper()
    if not code:
        raise ValueError(REQUIRED)
    if code not in countries.codes():
        raise ValueError(countries.UNKNOWN)
    return code


class _CountrySchema:
    """For JSON schemas; the list is read only where one is made."""

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        described = N_("Two letters (ISO 3166-1 alpha-2), like CH.")
        return {"type": "string", "enum": sorted(countries.codes()), "description": described}


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no IANA time zone; write it like 'Europe/Zurich'"  # untranslated: of a content file
        ) from None
    return name


def _of_our_days(instant: datetime) -> datetime:
    if not 1970 <= instant.year < 2200:
        raise ValueError(
            f"{instant} is out of reach: give a year between 1970 and 2199"  # untranslated: of a content file
        )
    return instant


_TAG_PATTERN = re.sub(r"\s+(#.*)?", "", _LANGTAG.pattern).replace("a-z", "A-Za-z").replace("a-wy-z", "A-WY-Za-wy-z")
Language = Annotated[
    str,
    AfterValidator(language_tag),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": MAX_LANGUAGE,
            "pattern": f"^({_TAG_PATTERN})$",
            "description": N_("A language tag (BCP 47), like en or ar."),
        }
    ),
]
Country = Annotated[
    str,
    AfterValidator(_country),
    _CountrySchema(),
]


def _agreed(consent: bool) -> bool:
    if not consent:
        raise ValueError(NO_CONSENT)
    return consent


Consent = Annotated[StrictBool, AfterValidator(_agreed), WithJsonSchema({"type": "boolean", "const": True})]
Zone = Annotated[str, AfterValidator(_zone)]
Moment = Annotated[AwareDatetime, AfterValidator(_of_our_days)]
"""An aware instant that every zone can show."""
Instant = Annotated[datetime, PlainSerializer(utc_text, return_type=str, when_used="json")]
"""An aware instant; stored as ``utc_text``, so that documents sort by time."""

# -- a text in several languages --

_Texts = dict[Language, Annotated[str, _at_most(MAX_PROSE), AfterValidator(printable_prose)]]


def _in_english(value: Any) -> Any:
    return {"en": value} if isinstance(value, str) else value


def _with_english(texts: dict[str, str]) -> dict[str, str]:
    if not texts.get("en"):
        raise ValueError('the English text is missing: add a line en = "..."')  # untranslated: of a content file
    return texts


Localised = Annotated[_Texts, AfterValidator(_with_english), BeforeValidator(_in_english)]
"""A text by language, English always among them; a plain string is English."""
OptionalLocalised = Annotated[_Texts, BeforeValidator(_in_english)]
