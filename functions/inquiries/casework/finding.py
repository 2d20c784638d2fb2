"""Links once more, for whoever lost the mails that had them."""

from __future__ import annotations

from collections.abc import Sequence

from functions.inquiries.casework.case import INQUIRIES
from functions.inquiries.casework.models import Inquiry
from functions.inquiries.casework.recipients import Correspondence
from functions.inquiries.content.repository import Directory
from functions.inquiries.means import Means
from shared.contracts.bus_events import BusEvent, outbox_row
from shared.contracts.links import MAX_FOUND, FoundLink, LinksFound, LinksGathered
from shared.formats.addresses import address_key
from shared.ports import Where, Write


class Finding:
    """The inquiries' part of ``/find``."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content
        self._mail = Correspondence(means, content)

    def on_links_gathered(self, event: BusEvent) -> Sequence[Write]:
        """Handler of ``links.gathered``: add those to the address's requests. Nobody is written to where nothing is."""
        assert isinstance(event.payload, LinksGathered)
        wanted, now = event.payload, self._means.clock.now()
        mine: Where = ("address", "==", address_key(wanted.email))
        page = self._means.store.query(INQUIRIES, mine, order="received_at", descending=True, limit=MAX_FOUND + 1)
        found = [*wanted.found, *(self._found(one.id, Inquiry.model_validate(one.data)) for one in page[:MAX_FOUND])]
        if not found:
            return ()
        more = wanted.more or len(page) > MAX_FOUND
        payload = LinksFound(email=wanted.email, language=wanted.language, found=found, more=more)
        return [outbox_row("inquiries", payload, now)]

    def _found(self, reference: str, inquiry: Inquiry) -> FoundLink:
        lead = self._content.organisations.get(inquiry.lead or "")
        return FoundLink(
            kind="request",
            link=self._mail.lasting_link(reference, inquiry),
            reference=reference,
            timezone=lead.timezone if lead else "UTC",
            received_at=inquiry.received_at,
        )
