"""Links once more, for whoever lost the mail that had them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import get_args

from functions.registration.registrations.documents import PERSONS, REGISTRATIONS, SOURCE, changing, registration_of
from functions.registration.registrations.models import Registration
from functions.registration.registrations.personal import Personal
from functions.registration.registrations.states import OVER
from shared.contracts.bus_events import OUTBOX, BusEvent, outbox_row
from shared.contracts.links import MAX_FOUND, FoundLink, LinksGathered, LinksWanted
from shared.contracts.registration import MailWanted, State
from shared.formats.addresses import address_key
from shared.ports import Conflict, Where, Write

OF_USE = [state for state in get_args(State) if state not in OVER]


class Finding(Personal):
    """Mailing links once more, without telling whoever asks whether there are any."""

    def send_again(self, event_id: str, person: str) -> None:
        """Have the verification, or the link to what was verified, mailed once more, at most once an hour. Whether the
        registration is over is not looked up here: whoever has the receipt need not be its owner.

        Args:
            person: what the receipt says of who registered (``documents.person_id``).
        """
        self._store.commit([outbox_row(SOURCE, MailWanted(event=event_id, person=person), self._clock.now())])

    def on_mail_wanted(self, event: BusEvent) -> Sequence[Write]:
        """Handler of ``registration.mail_wanted``. Nothing where the registration is over."""
        assert isinstance(event.payload, MailWanted)
        claim = self._store.get(PERSONS, event.payload.person)
        registration = claim and self.find(claim.data["reference"])
        if not registration or registration.event != event.payload.event:
            return []
        definition, now = self.events.get(registration.event), self._clock.now()
        if registration.state == "unverified":
            kind, mail = "again", self._verification(definition, registration)
        else:
            kind, mail = "link", self._compose.link(definition, registration, now)
        id = f"{kind}:{registration.reference}:{event.time:%Y%m%d%H}"
        if self._store.get(OUTBOX, id):
            return []
        return [changing(registration), outbox_row(SOURCE, mail, now, id)]  # as it is, or the mail would not be true

    def want_links(self, email: str, language: str) -> None:
        """Have all links of an address mailed to it, at most once an hour. Whether there are any is not looked up here:
        whoever asks cannot tell."""
        now, payload = self._clock.now(), LinksWanted(email=email, language=language)
        with suppress(Conflict):
            self._store.commit([outbox_row(SOURCE, payload, now, f"find:{address_key(email)}:{now:%Y%m%d%H}")])

    def on_links_wanted(self, event: BusEvent) -> Sequence[Write]:
        """Handler of ``links.wanted``: add those to registrations that are of use, and pass it on."""
        assert isinstance(event.payload, LinksWanted)
        now, wanted = self._clock.now(), event.payload
        where: list[Where] = [("address", "==", address_key(wanted.email)), ("state", "in", OF_USE)]
        page = self._store.query(REGISTRATIONS, *where, order="created_at", descending=True, limit=MAX_FOUND + 1)
        registrations = [registration_of(document) for document in page[:MAX_FOUND]]
        found = [link for link in (self._found(registration, now) for registration in registrations) if link]
        gathered = LinksGathered(email=wanted.email, language=wanted.language, found=found, more=len(page) > MAX_FOUND)
        return [outbox_row(SOURCE, gathered, now)]

    def _found(self, registration: Registration, now: datetime) -> FoundLink | None:
        """None where the event is so long over that its links have ended."""
        if now > self._links_until(registration):
            return None
        return self._compose.found(self.events.get(registration.event), registration, now)
