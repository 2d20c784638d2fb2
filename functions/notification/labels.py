"""What mails and events are called at the desk, in the reader's language (``_`` is a gettext function)."""

from __future__ import annotations

from collections.abc import Callable


def kinds(_: Callable[[str], str]) -> dict[str, str]:
    """Of events by their type, as those see them who look after the mail that they cause."""
    return {
        "registration.received": _("Registration to confirm"),
        "registration.repeated": _("Registered already"),
        "registration.confirmed": _("Registration confirmed"),
        "registration.waitlisted": _("Place on the waiting list"),
        "registration.corrected": _("Registration changed"),
        "registration.cancelled": _("Registration cancelled"),
        "registration.expired": _("Registration expired"),
        "registration.link_mailed": _("Link to a registration"),
        "registration.reminder_due": _("Reminder of an event"),
        "registration.seats_released": _("Seats came back"),
        "registration.registered_again": _("Registered once more"),
        "registration.mail_wanted": _("Mail asked for again"),
        "registration.address_code_requested": _("Code for a form"),
        "inquiry.received": _("Inquiry received"),
        "inquiry.link_mailed": _("Link to an inquiry"),
        "inquiry.routed": _("Inquiry for an organisation"),
        "inquiry.assigned": _("Inquiry for a colleague"),
        "inquiry.reminder_due": _("Reminder of an answer"),
        "inquiry.escalated": _("Inquiry that is late"),
        "inquiry.message_received": _("Message from a requester"),
        "inquiry.erasure_requested": _("Request for erasure"),
        "inquiry.erased": _("Inquiry erased"),
        "inquiry.answered": _("Answer to a requester"),
        "inquiry.closed": _("Inquiry closed"),
        "inquiry.reopened": _("Inquiry reopened"),
        "inquiry.address_code_requested": _("Code for a form"),
        "links.wanted": _("Search for lost links"),
        "links.gathered": _("Search for lost links"),
        "links.found": _("Lost links, found"),
        "staff.sign_in_requested": _("Sign-in link"),
        "notification.mails_merged": _("Mails in one"),
        "notification.mail_to_staff_stopped": _("Mail to a colleague stopped"),
        "clock.tick": _("Tick of the clock"),
    }
