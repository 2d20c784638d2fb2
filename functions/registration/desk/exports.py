"""Lists of people for a spreadsheet, in the reader's language. The API is for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from functions.registration.events.models import EventDefinition
from functions.registration.events.questions import Question
from functions.registration.registrations.models import Registration
from shared import languages


def states(_: Callable[[str], str]) -> dict[str, str]:
    """Of registrations."""
    return {
        "confirmed": _("Confirmed"),
        "waitlisted": _("Waiting"),
        "unverified": _("Unverified"),
        "cancelled": _("Cancelled"),
        "expired": _("Expired"),
    }


class Export:
    """One event's list: a header, and a row for each person."""

    def __init__(self, event: EventDefinition, _: Callable[[str], str], language: str) -> None:
        self._event, self._language = event, language
        self._states, self._yes = states(_), _("Yes")
        self.header = [
            _("Reference"),
            _("State"),
            _("Category"),
            _("Name"),
            _("Given name"),
            _("Family name"),
            _("Email"),
            _("Country"),
            _("Organisation"),
            _("Language"),
            _("Registered (UTC)"),
            *(languages.text(question.label, language) for question in event.questions),
        ]

    def rows(self, people: Iterable[Registration]) -> Iterator[list[object]]:
        """One for each person, its columns as in ``header``: an answer to every question of the event at the end."""
        language = self._language
        for person in people:
            yield [
                person.reference,
                self._states.get(person.state, person.state),
                languages.text(self._event.category_of(person.category).name, language),
                person.name,
                person.given_name,
                person.family_name,
                person.email,
                languages.country_name(person.country, language, self._event.organisations),
                person.organisation,
                languages.name(person.language, language),
                person.created_at,
                *(self._answer(question, person.answers.get(question.id)) for question in self._event.questions),
            ]

    def _answer(self, question: Question, answer: Any) -> object:
        if answer is True:
            return self._yes
        names = {option.id: languages.text(option.label, self._language) for option in question.options}
        told = answer if isinstance(answer, list) else [answer or ""]
        return ", ".join(names.get(one, one) for one in told)
