"""Mail to a colleague that stops must not stop in silence: who is told, and what."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from functions.notification.mails.own_notices import MailToStaffStopped, Told
from shared.contracts.bus_events import BusEvent
from shared.observability.masks import masked
from shared.ports import Clock, Store, Write, every, utc_text
from shared.staff import unreachable
from shared.staff.directory import StaffDirectory
from shared.staff.models import Staff

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unheard:
    """
    Args:
        base_url: the public origin, for the link to the desk.
        stopped: whether mail to an address has stopped.
    """

    store: Store
    clock: Clock
    base_url: str
    stopped: Callable[[str], bool]

    def told(self, address: str, reason: str, expire_at: str) -> tuple[list[Write], BusEvent | None]:
        """The line at the desk, and what is to be mailed; nothing where it is said already, or nobody's of the staff.

        Args:
            expire_at: when mail to the address is tried again by itself.
        """
        directory = StaffDirectory(self.store, self.clock)
        person = directory.person(address)
        write = person and unreachable.noted(self.store, self.clock, person, reason, expire_at)
        if not person or not write:
            return [], None
        payload = self._payload(directory, person, reason)
        if not payload.recipients:
            fields = {"organisation": person.organisation}
            log.error("mail to a colleague has stopped, and nobody can be told", extra={"fields": fields})
            return [write], None
        now = self.clock.now()
        return [write], BusEvent(f"unheard:{write.id}:{utc_text(now)}", now, "", payload)

    def _payload(self, directory: StaffDirectory, person: Staff, reason: str) -> MailToStaffStopped:
        """To the focal point; where that is who gets no mail, to all colleagues who may mend it; where there are none,
        to the administrators of the others, who are told no name."""
        organisation = directory.organisations.get(person.organisation)
        named = directory.person(organisation.focal_point) if organisation else None
        colleagues = [one for one in directory.staff(person.organisation) if one.may("staff_mail.resume")]
        facts = {"organisation": organisation.short_name if organisation else person.organisation}
        if told := self._reached([named] if named else [], person) or self._reached(colleagues, person):
            facts |= {"person": person.name, "address": person.email, "reason": reason, "link": f"{self.base_url}/desk"}
        else:
            admins = every(self.store, "staff", ("role", "==", "administrator"))
            told = self._reached((Staff.model_validate(one.data) for one in admins), person)
            link = f"{self.base_url}/desk/mail"
            facts |= {"person": "", "address": masked(person.email), "reason": masked(reason), "link": link}
        return MailToStaffStopped(recipients=told, **facts)

    def _reached(self, people: Iterable[Staff], but: Staff) -> list[Told]:
        """Those of ``people`` who get mail."""
        return [
            Told(name=one.name, email=one.email, language=one.languages[0])
            for one in people
            if one.email != but.email and not self.stopped(one.email)
        ]
