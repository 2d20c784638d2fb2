"""Those who register: most verify their address, some correct or cancel, some wait in line, some are never heard of."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from functions.registration.errors import Refusal
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.documents import PERSONS, person_id
from functions.registration.registrations.models import Correction, Registration, RegistrationRequest
from functions.registration.registrations.notices import VERIFY
from infra.sample.people import Person
from infra.sample.town import Town
from shared.keys.links import Link

EVENTS = {
    "licensing-workshop": 46,
    "local-production-forum-next": 42,
    "procurement-webinar-next": 30,
    "export-measures-clinic": 16,
    "open-briefing": 12,
}
"""How many register, by event."""
ANSWERS = {
    "function": ["Adviser", "Head of unit", "Director", "Legal officer", "Deputy permanent representative", "Engineer"],
    "accessibility": ["", "", "", "Step-free access to the stage", "A seat near the interpreter"],
    "question": ["", "", "How do smaller countries pool their demand?", "Who pays for the bond?"],
}


class Registrants:
    """Args: ``share`` of those that ``EVENTS`` tells, above 0 to 1."""

    def __init__(self, town: Town, share: float) -> None:
        self._town, self._registrations, self._random = town, town.registrations, town.random
        self._share = share

    def invite(self, everybody: list[Person]) -> None:
        """Write into the agenda when each of them registers; some register for several events."""
        for id, number in EVENTS.items():
            event = self._registrations.events.get(id)
            until = min(self._town.end, event.closes_at)
            seconds = (until - self._town.begin).total_seconds()
            for person in self._random.sample(everybody, max(4, int(number * self._share))):
                when = self._town.begin + timedelta(seconds=seconds * self._random.random() ** 0.7)
                self._town.at(when, partial(self._register, event, person))

    def _register(self, event: EventDefinition, person: Person) -> None:
        request = RegistrationRequest(
            given_name=person.given_name,
            family_name=person.family_name,
            email=person.email,
            country=person.country,
            organisation=person.organisation,
            category=self._random.choices(event.categories, [3, *[1] * (len(event.categories) - 1)])[0].id,
            language="ar" if person.language == "ar" else "en",
            answers=self._answers(event),
            consent=True,
        )
        self._registrations.register(event.id, request)
        if event.verify_email and self._random.random() < 0.86:
            self._town.later(0.05, 4, partial(self._verify, event, person))

    def _answers(self, event: EventDefinition) -> dict[str, Any]:
        """To the questions, each in its kind; some leave out what they may."""
        given: dict[str, Any] = {}
        for question in event.questions:
            if question.options:
                given[question.id] = self._random.choice(question.options).id
            elif question.kind == "yes_no":
                given[question.id] = self._random.random() < 0.2
            else:
                given[question.id] = self._random.choice(ANSWERS.get(question.id, ["As agreed"]))
        return {id: answer for id, answer in given.items() if answer}

    def _verify(self, event: EventDefinition, person: Person) -> None:
        registration = self._of(event, person)
        with suppress(Refusal):
            self._registrations.verify(
                Link(registration.reference, registration.link_version).token(self._town.tokens, VERIFY)
            )
        if self._random.random() < 0.12:
            self._town.later(20, 300, partial(self._cancel, event, person))
        elif self._random.random() < 0.1:
            self._town.later(5, 200, partial(self._correct, event, person))

    def _cancel(self, event: EventDefinition, person: Person) -> None:
        self._registrations.cancel(self._registrations.manage_token(self._of(event, person)))

    def _correct(self, event: EventDefinition, person: Person) -> None:
        registration = self._of(event, person)
        told = {name: getattr(registration, name) for name in Correction.model_fields}
        changed = Correction.model_validate({**told, "organisation": f"{registration.organisation}, Geneva office"})
        self._registrations.correct(self._registrations.manage_token(registration), changed)

    def _of(self, event: EventDefinition, person: Person) -> Registration:
        claim = self._town.store.get(PERSONS, person_id(event.id, person.email))
        registration = self._registrations.find(claim.data["reference"]) if claim else None
        assert registration is not None
        return registration
