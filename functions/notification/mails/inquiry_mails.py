"""Mails about inquiries: two pairs of templates, one to requesters and one to staff, and what each mail says first.

A requester's address is not verified: until somebody of the staff answers, nothing that was typed into the form is
repeated to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from functions.notification.mails.mail import Mail, Person, greeting_name
from shared import languages
from shared.contracts.bus_events import Payload
from shared.contracts.inquiries import (
    InquiryAnswered,
    InquiryAssigned,
    InquiryClosed,
    InquiryErased,
    InquiryErasureRequested,
    InquiryEscalated,
    InquiryLinkMailed,
    InquiryMessageReceived,
    InquiryPayload,
    InquiryReceived,
    InquiryReminderDue,
    InquiryReopened,
    InquiryRouted,
    StaffPayload,
)
from shared.text import N_, one_line
from shared.web import times

Gettext = Callable[[str], str]


def _both(payload: InquiryPayload, template: str, subject: str, **values: Any) -> list[Mail]:
    """One mail for each recipient; ``subject`` and texts are made of English by the recipient's catalogue."""
    mails = []
    for recipient in payload.recipients:
        language = languages.best(recipient.language)
        _ = languages.translations(language).gettext
        made = {name: value(_, language) if callable(value) else value for name, value in values.items()}
        mails.append(
            Mail(
                template=template,
                subject=_(subject).format(
                    reference=languages.isolated(payload.reference, language), subject=one_line(payload.subject)
                ),
                to=Person(one_line(recipient.name), recipient.email),
                language=language,
                values={"name": "", "reference": payload.reference, "link": recipient.link, **made},
                reply_to=Person("", recipient.reply_to),
                message_id=recipient.message_id,
                references=recipient.references,
            )
        )
    return mails


# -- to the requester --


def _to_requester(payload: InquiryPayload, subject: str, said: str, **values: Any) -> list[Mail]:
    defaults: dict[str, Any] = {"text": "", "author": "", "organisation": "", "files": [], "hint": ""}
    return _both(payload, "inquiry_requester", subject, said=lambda _, language: _(said), **{**defaults, **values})


def _received(payload: InquiryReceived) -> list[Mail]:
    said = N_(
        "We have your request and are passing it to those who can help. You need do nothing now: they answer you."
    )
    mails = _to_requester(
        payload,
        N_("Your request {reference}"),
        said,
        hint=lambda _, language: _("If you did not write to us, ignore this mail, and nobody will write to you again."),
    )
    return [replace(mail, to=Person("", mail.to.email)) for mail in mails]


def _answered(payload: InquiryAnswered) -> list[Mail]:
    said = (
        N_("There is a question about your request.")
        if payload.awaits_reply
        else N_("There is an answer to your request.")
    )
    return _to_requester(
        payload,
        N_("Re: Your request {reference}"),
        said,
        text=payload.text,
        author=payload.author,
        organisation=payload.organisation,
        files=[file.name for file in payload.attachments],
        hint=lambda _, language: _("You can simply reply to this mail."),
    )


def _closed(payload: InquiryClosed) -> list[Mail]:
    said = N_("Your request is closed now. If something is missing, reply to this mail, and it is open again.")
    return _to_requester(payload, N_("Re: Your request {reference}"), said)


def _reopened(payload: InquiryReopened) -> list[Mail]:
    return _to_requester(
        payload, N_("Re: Your request {reference}"), N_("Your request is open again: our colleagues are working on it.")
    )


def _link_mailed(payload: InquiryLinkMailed) -> list[Mail]:
    said = N_("Here is the link to your page. Where you asked for a new one, links in earlier mails no longer work.")
    mails = _to_requester(
        payload,
        N_("Re: Your request {reference}"),
        said,
        hint=lambda _, language: _("If you did not ask for it, you need do nothing."),
    )
    return [replace(mail, to=Person("", mail.to.email)) for mail in mails]


# -- to staff --


def _to_staff(payload: StaffPayload, subject: str, said: Callable[[Gettext], str], **values: Any) -> list[Mail]:
    def due(_: Gettext, language: str) -> str:
        return times.moment(payload.due_at, payload.timezone, language)

    def country(_: Gettext, language: str) -> str:
        return languages.country_name(payload.country, language)

    defaults: dict[str, Any] = {"reason": "", "files": [], "why": "", "rules": []}
    mails = _both(
        payload,
        "inquiry_staff",
        subject,
        said=lambda _, language: said(_),
        title=payload.subject,
        requester=payload.requester,
        requester_organisation=payload.requester_organisation,
        country=country,
        message=payload.message,
        due=due,
        **{**defaults, **values},
    )
    return [replace(mail, values={**mail.values, "name": greeting_name(mail.to.name)}) for mail in mails]


def _routed(payload: InquiryRouted) -> list[Mail]:
    def said(_: Gettext) -> str:
        if not payload.assigned:
            text = _("A new inquiry has reached {organisation}, and nobody can take it just now. Please see to it.")
        elif payload.leads:
            text = _("A new inquiry is yours: {organisation} leads.")
        else:
            text = _("A new inquiry is yours: {organisation} supports.")
        return text.format(organisation=payload.organisation)

    return _to_staff(
        payload,
        N_("[{reference}] {subject}"),
        said,
        files=[file.name for file in payload.attachments],
        why=lambda _, language: payload.explanation.summary(_),
        rules=lambda _, language: [(f.title, said) for f, said in payload.explanation.told(_) if f.outcome != "failed"],
    )


def _assigned(payload: InquiryAssigned) -> list[Mail]:
    def said(_: Gettext) -> str:
        if payload.given_by:
            return _("{person} has given you this inquiry.").format(person=payload.given_by)
        return _("This inquiry has waited for somebody who can take it. It is yours now.")

    return _to_staff(payload, N_("Re: [{reference}] {subject}"), said, reason=payload.reason)


def _reminder(payload: InquiryReminderDue) -> list[Mail]:
    said = N_("The time to answer this inquiry is nearly over.")
    return _to_staff(payload, N_("Reminder: [{reference}] {subject}"), lambda _: _(said))


def _escalated(payload: InquiryEscalated) -> list[Mail]:
    def said(_: Gettext) -> str:
        if payload.assignee:
            return _("The time to answer this inquiry is over. {person} has it.").format(person=payload.assignee)
        return _("The time to answer this inquiry is over, and nobody has it.")

    return _to_staff(payload, N_("Overdue: [{reference}] {subject}"), said)


def _message(payload: InquiryMessageReceived) -> list[Mail]:
    said = N_("The requester has written again.")
    if payload.reopened:
        said = N_("The requester has written again, so the inquiry is open again.")
    files = [file.name for file in payload.attachments]
    return _to_staff(payload, N_("Re: [{reference}] {subject}"), lambda _: _(said), files=files)


def _erasure(payload: InquiryErasureRequested) -> list[Mail]:
    said = N_("The requester asks you to erase this inquiry with all that belongs to it.")
    return _to_staff(payload, N_("Re: [{reference}] {subject}"), lambda _: _(said))


def _erased(payload: InquiryErased) -> list[Mail]:
    def said(_: Gettext, language: str) -> str:
        text = _("{organisation} leads this inquiry and has erased it.")
        if payload.requested:
            text = _("{organisation} leads this inquiry and has erased it, as the requester asked.")
        return text.format(organisation=payload.organisation)

    mails = _both(payload, "inquiry_erased", N_("Erased: [{reference}]"), said=said)
    return [replace(mail, values={**mail.values, "name": greeting_name(mail.to.name)}) for mail in mails]


INQUIRY_MAILS: dict[type[Payload], Callable[[Any], list[Mail]]] = {
    InquiryReceived: _received,
    InquiryAnswered: _answered,
    InquiryClosed: _closed,
    InquiryReopened: _reopened,
    InquiryLinkMailed: _link_mailed,
    InquiryRouted: _routed,
    InquiryAssigned: _assigned,
    InquiryReminderDue: _reminder,
    InquiryEscalated: _escalated,
    InquiryMessageReceived: _message,
    InquiryErasureRequested: _erasure,
    InquiryErased: _erased,
}
