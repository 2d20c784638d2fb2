"""What the codes of the slice are called on pages, in the reader's language (``_`` is a gettext function)."""

from __future__ import annotations

from collections.abc import Callable

from functions.inquiries.casework.endings import CLOSED_ALREADY, LEAD_ONLY
from functions.inquiries.casework.staff_actions import CLOSED, ENDED
from shared.text import N_

Gettext = Callable[[str], str]


def kinds(_: Gettext) -> dict[str, str]:
    """Of activities."""
    return {
        "policy_advice": _("Policy and legislative advice"),
        "capacity_building": _("Training and capacity building"),
        "technology_transfer": _("Innovation and technology transfer"),
        "dispute_resolution": _("Dispute resolution"),
        "knowledge": _("Knowledge resources"),
        "event": _("Meetings and events"),
    }


def requester_types(_: Gettext) -> dict[str, str]:
    """What kinds of people and offices ask."""
    return {
        "government": _("Government ministry or agency"),
        "ip_office": _("Intellectual property office"),
        "regulatory_authority": _("Regulatory authority"),
        "procurement_agency": _("Procurement agency"),
        "industry": _("Industry"),
        "academia": _("Academia and research"),
        "civil_society": _("Civil society"),
        "international_organisation": _("International organisation"),
        "other": _("Other"),
    }


def states(_: Gettext) -> dict[str, str]:
    """Of inquiries."""
    return {
        "received": _("Received"),
        "routed": _("Not assigned yet"),
        "assigned": _("Assigned"),
        "answered": _("Answered"),
        "waiting": _("Waiting for the requester"),
        "closed": _("Closed"),
        "reopened": _("Reopened"),
    }


def parts(_: Gettext) -> dict[str, str]:
    """Of organisations in an inquiry."""
    return {"lead": _("Lead"), "supporting": _("Supporting")}


def reasons(_: Gettext) -> dict[str, str]:
    """Why a mail was kept aside."""
    return {
        "unknown_address": _("It was sent to an address that names no inquiry."),
        "forged_address": _("The signature in its address is not ours."),
        "expired_address": _("The address it was sent to is too old."),
        "ambiguous_address": _("Its addresses name several inquiries."),
        "unknown_sender": _("The sender is not part of this conversation."),
        "unverified_sender": _("Our mail provider could not verify that it comes from its sender."),
        "closed": _("The inquiry was closed, and only the organisation that leads opens it again."),
        "too_large": _("It is too large."),
        "attachment_refused": _("An attachment is of a kind that is not taken."),
        "sealed": _("It is encrypted or signed in a way that hides its text from us."),
        "empty": _("It holds neither text nor files."),
        "malformed": _("It is not a well-formed mail."),
    }


def actions(_: Gettext) -> dict[str, str]:
    """Of the audit trail, after the name of who did it."""
    return {
        "route": _("routed it"),
        "take": _("took it"),
        "assign": _("assigned it"),
        "hand_over": _("handed it over"),
        "answer": _("answered"),
        "note": _("wrote a note"),
        "message": _("wrote"),
        "thread_mail": _("placed a mail here"),
        "close": _("closed it"),
        "reopen": _("opened it again"),
        "escalate": _("told the focal point that it is late"),
        "end_part": _("ended its part"),
        "resume_part": _("takes part again"),
        "new_link": _("had a new link mailed to the requester, and the old ones made void"),
        "ask_erasure": _("asked for erasure"),
        "propose_erasure": _("asked a colleague to erase it"),
        "withdraw_erasure": _("withdrew the request for erasure"),
        "erase": _("erased the person's data"),
    }


WHY_LEFT = {
    "changed": N_("It has changed since it was shown to you."),
    "gone": N_("Your organisation does not have it any more."),
    "closed": CLOSED_ALREADY,
    "supporting": LEAD_ONLY,
    "not_open": CLOSED,
    "ended": ENDED,
    "not_allowed": N_("Its state or your part in it does not allow this."),
}


def why_left(_: Gettext) -> dict[str, str]:
    """Why an inquiry stayed as it was when several were acted on."""
    return {reason: _(text) for reason, text in WHY_LEFT.items()}


def actors(_: Gettext) -> dict[str, str]:
    """Who acts, where it is not one of the staff."""
    return {"requester": _("The requester"), "system": _("The rules")}
