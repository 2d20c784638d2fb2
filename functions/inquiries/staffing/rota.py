"""Whose turn it is: the staff of a queue in order of their addresses, one after the other."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from functions.inquiries.content.repository import Directory
from functions.inquiries.means import Means
from shared.ports import Create, Replace, Write
from shared.staff.models import Organisation, Staff

ROTATIONS = "rotations"


class Rota:
    """Keeps one pointer for each queue; two decisions at once conflict on it, so no turn is taken twice."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content

    def next(self, organisation: Organisation, queue: str, language: str) -> tuple[Staff, Write] | None:
        """Who takes the next inquiry of ``language``, with the write that moves the pointer; None: nobody can now.

        Where nobody of the queue speaks the language, everybody there counts; where those who do are all absent, it
        waits for them.
        """
        able = candidates(self._content.staff(organisation.id), queue, language)
        today = self._means.clock.now().astimezone(ZoneInfo(organisation.timezone)).date()
        present = [person for person in able if not person.absent(today)]
        if not present:
            return None
        id = f"{organisation.id}:{queue}"
        pointer = self._means.store.get(ROTATIONS, id)
        last = pointer.data["last"] if pointer else ""
        chosen = next((person for person in present if person.email > last), present[0])
        data = {"last": chosen.email}
        write: Write = Replace(ROTATIONS, id, data, pointer.version) if pointer else Create(ROTATIONS, id, data)
        return chosen, write


def candidates(staff: list[Staff], queue: str, language: str) -> list[Staff]:
    """Those of the queue who may answer and speak the language (else all of the queue), by address."""
    members = [person for person in staff if queue in person.queues and person.may("inquiries.answer")]
    members.sort(key=lambda person: person.email)
    spoken = language.lower().split("-")[0]
    speakers = [person for person in members if spoken in {one.lower().split("-")[0] for one in person.languages}]
    return speakers or members
