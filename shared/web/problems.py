"""Errors that a visitor or a program can act on: RFC 9457 problem details, or a page in the visitor's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import DomainError, FaultyFields
from shared.fields import EMPTY, REQUIRED, TOO_LONG
from shared.text import N_

Gettext = Callable[[str], str]
M = TypeVar("M", bound=BaseModel)
_WHOLE_NUMBERS = ("int_type", "int_parsing", "int_from_float")
_NUMBERS = ("float_type", "float_parsing", "finite_number")


@dataclass(frozen=True)
class FieldError:
    """One faulty field, and how to mend it. ``pointer`` is a JSON pointer (RFC 6901) into the request's body."""

    field: str
    message: str

    @property
    def pointer(self) -> str:
        """``/answers/diet`` of ``answers.diet``."""
        return "/" + self.field.replace(".", "/")


@dataclass(frozen=True)
class Offer:
    """A button under a problem on a page: what can be done about it. ``action`` is a path that takes POST.

    Args:
        fields: (name, value) of what goes along.
        files: names of files, by field, that are to be chosen again.
        again: it is what was sent just now, which a change of language takes along.
    """

    action: str
    label: str
    fields: Sequence[tuple[str, str]] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    again: bool = False


@dataclass
class Problem(Exception):
    """Raise it anywhere below the router. ``type`` is the last part of the problem's type URI."""

    status: int
    type: str
    title: str
    detail: str = ""
    errors: list[FieldError] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """Members of this type of problem alone (RFC 9457, 3.2)."""
    offer: Offer | None = None

    @property
    def messages(self) -> dict[str, str]:
        """Message by field, as the macros of ``forms.html`` want it."""
        return {error.field: error.message for error in self.errors}

    def body(self, base_url: str) -> dict[str, Any]:
        """The members of ``application/problem+json``, as ``ProblemDetails`` describes them."""
        body: dict[str, Any] = {"type": f"{base_url}/problems/{self.type}", "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [{"pointer": e.pointer, "field": e.field, "detail": e.message} for e in self.errors]
        return body | dict(self.more)


class FaultyField(BaseModel, defer_build=True):
    pointer: str = Field(description=N_("Where it is in the body: a JSON pointer (RFC 6901)."))
    field: str
    detail: str = Field(description=N_("How to mend it, in the language of the request."))


class ProblemDetails(BaseModel):
    """What ``Problem.body`` makes, for the API's description (RFC 9457)."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    type: str = Field(description=N_("What kind of problem it is: an address that stays."))
    title: str
    status: int
    detail: str = ""
    errors: list[FaultyField] = []


def invalid(errors: list[FieldError], _: Gettext) -> Problem:
    """422, with every faulty field."""
    return Problem(FaultyFields.status, FaultyFields.type, _(FaultyFields.title), errors=errors)


def problem_of(error: DomainError | Problem, _: Gettext) -> Problem:
    """What the domain refuses, as HTTP says it; a problem as it is."""
    if isinstance(error, Problem):
        return error
    faulty = error.told(_).items() if isinstance(error, FaultyFields) else ()
    errors = [FieldError(name, message) for name, message in faulty]
    return Problem(error.status, error.type, _(error.title), error.detail and _(error.detail), errors)


def field_errors(error: ValidationError, _: Gettext) -> list[FieldError]:
    """pydantic's findings in the visitor's language, one for each field, the first of each."""
    found: dict[str, FieldError] = {}
    for finding in error.errors(include_url=False):
        name = ".".join(str(part) for part in finding["loc"]) or "body"
        message = message_of(finding, _)
        found.setdefault(name, FieldError(name, _(EMPTY.get(name, REQUIRED)) if message == _(REQUIRED) else message))
    return list(found.values())


def message_of(finding: Mapping[str, Any], _: Gettext) -> str:
    """One of pydantic's findings (``ValidationError.errors()``) in the visitor's language; nothing of its English."""
    kind, limits, given = finding["type"], finding.get("ctx") or {}, finding.get("input")
    if kind in ("value_error", "assertion_error"):
        return _(str(limits["error"]))
    if isinstance(given, str) and kind in ("too_short", "too_long"):
        kind = f"string_{kind}"
    elif given == "" and kind in ("literal_error", "bool_parsing", *_WHOLE_NUMBERS, *_NUMBERS):
        kind = "missing"
    messages = {
        "missing": _(REQUIRED),
        "string_too_short": _(REQUIRED),
        "string_too_long": _(TOO_LONG),
        "extra_forbidden": _("This field is not known here. Remove it."),
        "string_type": _("This must be text."),
        "string_unicode": _("This is not well-formed Unicode. Type the text afresh."),
        "bool_parsing": _("This must be true or false."),
        "bool_type": _("This must be true or false."),
        "greater_than_equal": _("Too small: at least {ge}."),
        "less_than_equal": _("Too large: at most {le}."),
        "json_invalid": _("This is not valid JSON."),
        "literal_error": _("Choose one of: {expected}."),
        "list_type": _("This must be a list."),
        "dict_type": _("This must be an object."),
        "model_type": _("This must be an object."),
        "model_attributes_type": _("This must be an object."),
        "too_short": _("Too few: at least {min_length}."),
        "too_long": _("Too many: at most {max_length}."),
        "greater_than": _("Too small: more than {gt}."),
        **dict.fromkeys(_WHOLE_NUMBERS, _("This must be a whole number.")),
        **dict.fromkeys(_NUMBERS, _("This must be a number.")),
    }
    if "expected" in limits:  # pydantic writes "'a', 'b' or 'c'"
        limits = {"expected": ", ".join(re.findall("'([^']*)'", limits["expected"]))}
    return messages.get(kind, _("This is not written as it must be.")).format(**limits)
