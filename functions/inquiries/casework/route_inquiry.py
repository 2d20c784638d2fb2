"""An inquiry goes to its organisations, and to a person in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.inquiries.casework.case import MESSAGES, SYSTEM, Case
from functions.inquiries.casework.models import Inquiry, MessageDoc, Part
from functions.inquiries.casework.recipients import Correspondence, named
from functions.inquiries.casework.search_terms import terms_of
from functions.inquiries.content.repository import Directory
from functions.inquiries.content.routing_rules import Facts
from functions.inquiries.content.working_time import WorkingTime
from functions.inquiries.errors import NotFound
from functions.inquiries.means import Means
from functions.inquiries.staffing.rota import Rota
from shared.contracts.bus_events import BusEvent
from shared.contracts.inquiries import Explanation, InquiryReceived, InquiryRouted
from shared.ports import Write


@dataclass(frozen=True)
class Prospect:
    """Who would get an inquiry, by their ids, and when the lead's target is over; ``zone`` is the lead's."""

    lead: str
    supporting: tuple[str, ...]
    due_at: datetime
    zone: str


class Dispatch:
    """Brings what came in to its organisations, by the rules in force."""

    def __init__(self, means: Means, content: Directory) -> None:
        self._means = means
        self._content = content
        self._mail = Correspondence(means, content)
        self._rota = Rota(means, content)

    def on_received(self, event: BusEvent) -> Sequence[Write]:
        """Handler of ``inquiry.received``. An inquiry that is routed, or erased meanwhile, stays as it is.

        Raises ``LookupError`` while there are no rules: the event comes again.
        """
        assert isinstance(event.payload, InquiryReceived)
        reference = event.payload.reference
        try:
            case = Case.load(self._means.store, reference, self._means.clock.now())
        except NotFound:
            return ()
        if case.inquiry.lead is not None:
            return ()
        stored = self._means.store.get(MESSAGES, f"{reference}:request")
        assert stored is not None  # committed with the inquiry
        self._route(case, MessageDoc.model_validate(stored.data))
        return case.writes()

    def _route(self, case: Case, message: MessageDoc) -> None:
        version, rules = self._content.rule_set()
        decision = rules.route(facts_of(case.inquiry, message.text))
        explanation = decision.explanation(version, self._content.short_names)
        it = case.inquiry
        it.lead, it.rules_version = decision.lead, version
        it.explanation = explanation.model_dump(mode="json")
        terms = terms_of(case.reference, it, message.text)
        for id, place in decision.places.items():
            kind: Part = "lead" if id == decision.lead else "supporting"
            organisation = self._content.organisations[id]
            part = case.add_part(kind, organisation, place.queue, place.target_hours, it.received_at)
            part.terms = terms
            if turn := self._rota.next(organisation, part.queue, it.language):
                part.assignee = turn[0].email
                case.also(turn[1])
        case.routed()
        case.audit(SYSTEM, None, "route", lead=decision.lead, supporting=list(decision.supporting), rules=version)
        for id in decision.places:
            self._announce(case, id, message, explanation)

    def foresee(self, facts: Facts) -> Prospect | None:
        """What would become of an inquiry that came in now; None where there are no rules."""
        try:
            decision = self._content.rule_set()[1].route(facts)
        except LookupError:
            return None
        lead = self._content.organisations[decision.lead]
        due_at = WorkingTime(lead).due(self._means.clock.now(), decision.target_hours)
        return Prospect(lead.id, decision.supporting, due_at, lead.timezone)

    def _announce(self, case: Case, organisation: str, message: MessageDoc, explanation: Explanation) -> None:
        part = case.assignments[organisation]
        person = self._content.person(part.assignee) if part.assignee else None
        payload = InquiryRouted(
            **self._mail.staff_facts(case, part, message.text),
            recipients=[self._mail.to_staff(case.reference, organisation, person, "")],
            leads=part.part == "lead",
            assigned=bool(part.assignee),
            explanation=explanation,
            attachments=named(message.attachments),
        )
        case.announce(payload, f"routed:{case.reference}:{organisation}")


def facts_of(inquiry: Inquiry, message: str) -> Facts:
    """What rules may ask of a stored inquiry."""
    return Facts(
        topics=inquiry.topics,
        requester_type=inquiry.requester.type,
        country=inquiry.requester.country,
        language=inquiry.language,
        activity=inquiry.activity,
        subject=inquiry.subject,
        message=message,
        share_with=inquiry.share_with,
    )
