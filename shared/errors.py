"""What the domain refuses, with what HTTP says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.text import N_


class DomainError(Exception):
    """A rule of the domain forbids it. Whoever calls need not translate: ``shared.web.site.Site`` answers every such
    error with the problem (RFC 9457) that its class describes.

    Attributes:
        status: of the answer (RFC 9110, section 15).
        type: the last part of the problem's type URI.
        title: what happened; ``detail``: what to do about it. English, for gettext.
    """

    status: int
    type: str
    title: str
    detail: str = ""


class FaultyFields(DomainError):
    """What was sent cannot be taken as it is, for reasons that no type of field can tell.

    Args:
        errors: message (English, for gettext) by field.
        values: what the places ``{name}`` of the messages hold.
    """

    status, type, title = 422, "invalid-fields", N_("Some fields need your attention.")

    def __init__(self, errors: Mapping[str, str], **values: str) -> None:
        self.errors, self.values = errors, values
        super().__init__("; ".join(f"{field}: {message}" for field, message in self.told(str).items()))

    def told(self, gettext: Callable[[str], str]) -> dict[str, str]:
        """Message by field, in the language of ``gettext``."""
        return {field: gettext(message).format(**self.values) for field, message in self.errors.items()}
