"""Which mails an event calls for. A new mail is a pair of templates (``mail/x.txt``, ``mail/x.html``), a function
here (about inquiries: in ``inquiry_mails.py``), and its line in ``MAILS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from functions.notification.mails.inquiry_mails import INQUIRY_MAILS
from functions.notification.mails.mail import Calendar, Mail, Person, greeting_name
from functions.notification.mails.own_notices import Item, MailsMerged, MailToStaffStopped
from shared import languages
from shared.contracts.bus_events import BusEvent, Payload
from shared.contracts.links import LinksFound
from shared.contracts.registration import (
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationCorrected,
    RegistrationExpired,
    RegistrationLinkMailed,
    RegistrationPayload,
    RegistrationReceived,
    RegistrationRepeated,
    RegistrationWaitlisted,
    ReminderDue,
)
from shared.contracts.staff import StaffSignInRequested
from shared.contracts.visitors import AddressCodeRequested, InquiryCodeRequested, RegistrationCodeRequested
from shared.text import N_, one_line
from shared.web import times


def mails_for(event: BusEvent) -> list[Mail]:
    """The mails that ``event`` calls for, each to another address; none for an event that mails nobody."""
    compose = MAILS.get(type(event.payload))
    return compose(event.payload) if compose else []


# -- registrations --


def _received(payload: RegistrationReceived) -> list[Mail]:
    # The address is not verified: nothing that the sender of the form wrote is repeated to its owner.
    _ = _gettext(payload)
    deadline = payload.verify_by
    verify_by = times.moment(deadline, payload.event.timezone, _language(payload))
    kept = payload.kept_until and times.moment(payload.kept_until, payload.event.timezone, _language(payload))
    subject, link = _("Please confirm your registration: {event}"), payload.verify_link
    values: dict[str, Any] = {"verify_link": link, "verify_by": verify_by, "kept_until": kept, "full": payload.full}
    mail = _registration(payload, "received", subject, greet=False, **values)
    return [replace(mail, useless_after=deadline)]


def _repeated(payload: RegistrationRepeated) -> list[Mail]:
    _ = _gettext(payload)
    subject = _("You are on the waiting list: {event}") if payload.waits else _("You are registered already: {event}")
    return [_registration(payload, "repeated", subject, greet=False, waits=payload.waits)]


def _link_mailed(payload: RegistrationLinkMailed) -> list[Mail]:
    _ = _gettext(payload)
    return [_registration(payload, "link", _("The link to your registration: {event}"), greet=False)]


def _confirmed(payload: RegistrationConfirmed) -> list[Mail]:
    _ = _gettext(payload)
    calendar = Calendar(payload, payload.sequence)
    subject = _("Your registration is confirmed: {event}")
    return [_registration(payload, "confirmed", subject, calendar, from_waitlist=payload.from_waitlist)]


def _waitlisted(payload: RegistrationWaitlisted) -> list[Mail]:
    _ = _gettext(payload)
    ahead = "" if payload.exact else languages.number(payload.position - 1, payload.registrant.language)
    subject = _("You are on the waiting list: {event}")
    return [_registration(payload, "waitlisted", subject, position=payload.position, ahead=ahead)]


def _corrected(payload: RegistrationCorrected) -> list[Mail]:
    _ = _gettext(payload)
    calendar = Calendar(payload, payload.sequence) if payload.state == "confirmed" else None
    return [_registration(payload, "corrected", _("Your registration was changed: {event}"), calendar)]


def _cancelled(payload: RegistrationCancelled) -> list[Mail]:
    _ = _gettext(payload)
    calendar = Calendar(payload, payload.sequence, cancelled=True) if payload.was_confirmed else None
    return [_registration(payload, "cancelled", _("Your registration is cancelled: {event}"), calendar)]


def _expired(payload: RegistrationExpired) -> list[Mail]:
    _ = _gettext(payload)
    return [_registration(payload, "expired", _("Your registration has expired: {event}"), greet=False)]


def _reminder(payload: ReminderDue) -> list[Mail]:
    _ = _gettext(payload)
    subjects = {"7d": _("In one week: {event}"), "1d": _("Tomorrow: {event}"), "1h": _("In one hour: {event}")}
    subject = subjects.get(payload.before, _("Reminder: {event}"))
    mail = _registration(payload, "reminder", subject, before=payload.before, join_link=payload.event.join_link)
    return [replace(mail, useless_after=payload.event.starts_at)]


def _registration(
    payload: RegistrationPayload,
    template: str,
    subject: str,
    calendar: Calendar | None = None,
    greet: bool = True,
    **values: Any,
) -> Mail:
    """The part that all mails about a registration share.

    The join link reaches a template only with a calendar request or by name: an event that carries it by mistake does
    not leak it to people who wait.
    """
    facts, person, language = payload.event, payload.registrant, _language(payload)
    title = one_line(languages.text(facts.title, language))
    name = one_line(person.name)
    attends = calendar is not None and not calendar.cancelled
    return Mail(
        template=template,
        subject=subject.format(event=title),
        to=Person(name if greet else "", person.email),
        language=language,
        theme=facts.theme,
        values={
            "join_link": facts.join_link if attends else None,
            "title": title,
            "name": greeting_name(name) if greet else "",
            "when": _when(facts.starts_at, facts.ends_at, facts.timezone, language),
            "where": one_line(languages.text(facts.location, language)),
            "page": facts.page,
            "contact": facts.contact_email,
            "organiser": facts.organiser,
            "reference": payload.reference,
            "manage_link": payload.manage_link,
            "has_calendar": calendar is not None,
            **values,
        },
        reply_to=Person(one_line(facts.organiser), facts.contact_email),
        calendar=calendar,
    )


@lru_cache(maxsize=256)
def _when(starts_at: datetime, ends_at: datetime, zone: str, language: str) -> tuple[str, ...]:
    """The same for all who read of an event in one language."""
    return tuple(times.span(starts_at, ends_at, zone, language))


def _language(payload: RegistrationPayload) -> str:
    return languages.best(payload.registrant.language)


def _gettext(payload: RegistrationPayload) -> Callable[[str], str]:
    return languages.translations(_language(payload)).gettext


# -- staff --


def _sign_in(payload: StaffSignInRequested) -> list[Mail]:
    language = languages.best(payload.language)
    _ = languages.translations(language).gettext
    values = {
        "name": greeting_name(payload.name),
        "link": payload.link,
        "valid_minutes": payload.valid_minutes,
    }
    return [Mail("sign_in", _("Your sign-in link"), Person(one_line(payload.name), payload.email), language, values)]


def _mail_to_staff_stopped(payload: MailToStaffStopped) -> list[Mail]:
    mails = []
    for told in payload.recipients:
        language = languages.best(told.language)
        _ = languages.translations(language).gettext
        values = {
            "name": greeting_name(told.name),
            "person": one_line(payload.person),
            "address": payload.address,
            "organisation": payload.organisation,
            "reason": one_line(payload.reason),
            "link": payload.link,
        }
        subject = _("We no longer write to {address}").format(address=languages.isolated(payload.address, language))
        mails.append(Mail("staff_stopped", subject, Person(one_line(told.name), told.email), language, values))
    return mails


# -- visitors --


def _address_code(payload: AddressCodeRequested) -> list[Mail]:
    language = languages.best(payload.language)
    _ = languages.translations(language).gettext
    values = {"name": "", "code": payload.code}
    return [Mail("address_code", _("Your code"), Person("", payload.email), language, values)]


# -- whoever's address somebody typed --


def _merged(payload: MailsMerged) -> list[Mail]:
    return [_list(payload, "merged", N_("Sent with your address"), payload.items, payload.more)]


def _found(payload: LinksFound) -> list[Mail]:
    items = [Item.model_validate(link.model_dump()) for link in payload.found]
    return [_list(payload, "found", N_("Your links"), items, payload.more)]


def _list(payload: MailsMerged | LinksFound, template: str, subject: str, items: list[Item], more: int | bool) -> Mail:
    language = languages.best(payload.language)
    _ = languages.translations(language).gettext
    lines = [(_line(item, language), item.link) for item in items]
    values = {"name": "", "lines": lines, "more": more}
    return Mail(template, _(subject), Person("", payload.email), language, values)


def _line(item: Item, language: str) -> str:
    _ = languages.translations(language).gettext
    says = {
        "verify": _("{event}: a registration. Confirm it by {time}, if it is yours:"),
        "repeated": _("{event}: you are registered already. See your registration:"),
        "expired": _("{event}: a registration was not confirmed in time and has expired. See the event:"),
        "link": _("{event}: the link to your registration:"),
        "request": _("Request {reference}. See it, close it, or have it erased:"),
        "dated": _("Request {reference} of {day}. See it, close it, or have it erased:"),
    }
    return says["dated" if item.received_at else item.kind].format(
        event=one_line(languages.text(item.title, language)),
        reference=languages.isolated(item.reference, language),
        time=times.moment(item.until, item.timezone, language) if item.until else "",
        day=languages.day(item.received_at, item.timezone, language) if item.received_at else "",
    )


MAILS: dict[type[Payload], Callable[[Any], list[Mail]]] = {
    RegistrationReceived: _received,
    RegistrationRepeated: _repeated,
    RegistrationLinkMailed: _link_mailed,
    RegistrationConfirmed: _confirmed,
    RegistrationWaitlisted: _waitlisted,
    RegistrationCorrected: _corrected,
    RegistrationCancelled: _cancelled,
    RegistrationExpired: _expired,
    ReminderDue: _reminder,
    StaffSignInRequested: _sign_in,
    MailToStaffStopped: _mail_to_staff_stopped,
    RegistrationCodeRequested: _address_code,
    InquiryCodeRequested: _address_code,
    MailsMerged: _merged,
    LinksFound: _found,
    **INQUIRY_MAILS,
}
