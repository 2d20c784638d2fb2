"""Those who ask, and the staff who answer: in time or late, with a question back, a hand-over, a note, or not yet."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from functions.inquiries.casework.case import QUARANTINE, Case
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.errors import NotAllowed
from functions.inquiries.files.attachments import Upload
from functions.inquiries.staffing.absences import set_absence
from infra.sample.people import Person
from infra.sample.town import Town, in_office
from shared.keys.links import Link
from shared.staff.models import Staff

INQUIRIES = 120
ABSENT = "li.wen@who.example"
NOTE = Upload("annex.txt", b"Annex: quantities by year and product.\n")
MAIL = (
    "From: {name} <{sender}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{id}@mail.example>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
)
"""Mails that cannot be placed: they wait at the desk."""


class Inquirers:
    """Args: ``share`` of ``INQUIRIES``, above 0 to 1."""

    def __init__(self, town: Town, share: float) -> None:
        self._town, self._service, self._random = town, town.inquiries, town.random
        self._number = max(12, int(INQUIRIES * share))
        self._texts = tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf-8"))

    def invite(self, everybody: list[Person]) -> None:
        """Write into the agenda when each of them asks. In the last days more come than before."""
        span = self._town.end - self._town.begin
        for person in self._random.sample(everybody, self._number):
            when = self._town.begin + span * self._random.random() ** 0.6
            self._town.at(in_office(when) if self._random.random() < 0.8 else when, partial(self._ask, person))
        for days, write in ((4, self._write_astray), (1, self._write_astray), (3, self._go_on_leave)):
            self._town.at(self._town.end - timedelta(days=days, hours=2), write)

    # -- the requester --

    def _ask(self, person: Person) -> None:
        fitting = [r for r in self._texts["requests"] if r.get("language", "en") in (person.language, "en")]
        own = [r for r in fitting if r.get("language", "en") == person.language]
        text = self._random.choice(own if self._random.random() < 0.7 else fitting)
        request = InquiryRequest(
            given_name=person.given_name,
            family_name=person.family_name,
            email=person.email,
            country=person.country,
            organisation=person.organisation,
            requester_type=person.kind,
            topics=text["topics"],
            subject=text["subject"],
            message=text["message"],
            language=text.get("language", "en"),
            share_with=self._random.choices(["all", "who", "wipo"], [20, 1, 1])[0],
            consent=True,
        )
        files = [NOTE] if self._random.random() < 0.2 else []
        reference = self._service.requests.receive(request, files).reference
        course = self._random.choices(
            (self._take, self._question, self._answer, self._hand_over, None), (3, 5, 12, 2, 3)
        )[0]
        if course:
            self._town.later(1, 50, partial(course, reference), office=True)
        if self._random.random() < 0.25:
            self._town.later(0.5, 8, partial(self._note, reference), office=True)

    def _write_again(self, reference: str) -> None:
        text = self._say("reply", self._case(reference))
        self._service.requests.add_message(self._link(reference), text, f"sample:{self._town.now.isoformat()}")
        self._town.later(3, 60, partial(self._answer, reference), office=True)

    def _thank(self, reference: str) -> None:
        self._service.requests.close(self._link(reference))

    def _link(self, reference: str) -> Link:
        return Link(reference, self._case(reference).inquiry.link_version)

    # -- the staff --

    def _take(self, reference: str) -> None:
        self._act(reference, self._service.casework.take)
        self._town.later(30, 200, partial(self._answer, reference), office=True)

    def _question(self, reference: str) -> None:
        text = self._say("question", self._case(reference))
        self._act(reference, partial(self._service.casework.answer, text=text, awaits_reply=True))
        if self._random.random() < 0.7:
            self._town.later(4, 90, partial(self._write_again, reference))

    def _answer(self, reference: str) -> None:
        text = self._say("answer", self._case(reference))
        self._act(reference, partial(self._service.casework.answer, text=text))
        ending = self._random.choices((self._close, self._thank, self._write_again, None), (8, 3, 2, 4))[0]
        if ending:
            self._town.later(6, 150, partial(ending, reference), office=True)

    def _hand_over(self, reference: str) -> None:
        lead = self._case(reference).inquiry.lead
        other = self._random.choice([id for id in self._service.content.organisations if id != lead])
        reason = self._texts["answers"]["en"]["handed"]
        self._act(reference, partial(self._service.casework.hand_over, organisation=other, reason=reason))
        self._town.later(8, 80, partial(self._answer, reference), office=True)

    def _note(self, reference: str) -> None:
        text = self._random.choice(self._texts["answers"]["en"]["note"])
        self._act(reference, partial(self._service.casework.note, text=text))

    def _close(self, reference: str) -> None:
        self._act(reference, self._service.endings.close)

    def _act(self, reference: str, action: Callable[[Staff, str, str], None]) -> None:
        """By whoever has it at the organisation that leads, else its focal point; what is not possible now is not."""
        case = self._case(reference)
        assert case.lead is not None
        content = self._service.content
        focal_point = content.organisations[case.lead.organisation].focal_point
        person = content.person(case.lead.assignee or focal_point)
        assert person is not None
        with suppress(NotAllowed):
            action(person, reference, case.version)

    def _case(self, reference: str) -> Case:
        return Case.load(self._town.store, reference, self._town.now)

    def _say(self, what: str, case: Case) -> str:
        answers: dict[str, Any] = self._texts["answers"]
        return str(self._random.choice(answers[case.inquiry.language][what]))

    # -- besides --

    def _write_astray(self) -> None:
        """Somebody answers a mail of ours from another address, and nobody knows what it belongs to."""
        kept = len(self._town.store.query(QUARANTINE, limit=10))
        subjects = ["Re: our meeting in Geneva", "Documents as agreed"]
        names = [("Joris Hoekstra", "joris@personal-mail.example"), ("Registry", "registry@mission.example")]
        (name, sender), to = names[kept % 2], f"help@{self._town.mail_domain}"
        text = "Dear colleagues,\r\n\r\nplease find our comments below. We would be glad of an answer by Friday."
        mail = MAIL.format(name=name, sender=sender, to=to, subject=subjects[kept % 2], id=kept, text=text)
        self._service.inbound.take(mail.encode(), [to])

    def _go_on_leave(self) -> None:
        first, person = self._town.now.date() + timedelta(days=2), self._service.content.person(ABSENT)
        assert person is not None
        set_absence(self._town.means, person, ABSENT, first, first + timedelta(days=9))
