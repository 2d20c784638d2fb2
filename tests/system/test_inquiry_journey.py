"""The whole way of one request by HTTP and mail: form, routing, desk, answer, reply by mail, closed, open again."""

from __future__ import annotations

import base64
import io
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage

import openpyxl
import pytest

from tests.system.harness import Onestop, wait_for
from tests.system.visitor import Refused, Visitor, link_in, text_of

pytestmark = pytest.mark.system
SECRET = "what the mail provider knows"
TRAP = timedelta(minutes=10)  # nobody may send the form sooner; a slow machine is no hasty visitor
FORM = {
    "given_name": "Grace",
    "family_name": "Akello",
    "country": "UG",
    "organisation": "Ministry of Trade",
    "requester_type": "government",
    "share_with": "all",
    "language": "en",
    "consent": "on",
}


@pytest.fixture(scope="module")
def office(engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onestop]:
    """One that takes mail in and keeps its guards up."""
    guards = {"ONESTOP_LIMITS": f"seconds={TRAP.seconds}", "ONESTOP_INBOUND_SECRET": SECRET}
    with Onestop(tmp_path_factory.mktemp("office"), **engine, **guards) as running:
        yield running


def test_from_the_form_to_a_reply_by_mail_and_open_again(office: Onestop) -> None:
    email = "g.akello@journey.example"
    grace = Visitor(office.url)
    status = ask(
        office, grace, email=email, topics=["trips-flexibilities"], subject="Compulsory licence", message="How to?"
    )
    assert "Thank you" in status
    reference = reference_in(status)

    # the requester's acknowledgement, and one mail to each organisation that can help
    [acknowledged] = office.wait_for_mail(email)
    assert reference in acknowledged["Subject"]
    status_page = link_in(acknowledged, "/i/")
    routed = {mail["Delivered-To"].partition("@")[2]: mail for mail in staff_mails(office, reference, 3)}
    assert set(routed) == {"wto.example", "wipo.example", "who.example"}
    for mail in routed.values():
        assert "WTO leads, with the support of WHO, WIPO." in text_of(mail)
        assert "TRIPS questions of least developed countries" in text_of(mail)
        assert link_in(mail, "/desk/") == f"{office.url}/desk/inquiries/{reference}"

    # the lead's colleague follows the mail's link, signs in on the way, and answers
    lead = routed["wto.example"]["Delivered-To"]
    desk_page = f"/desk/inquiries/{reference}"
    colleague, opened = signed_in(office, lead, desk_page)
    assert "How to?" in opened
    colleague.send(desk_page, "/answer", text="Which product do you mean?", after="waiting")
    _, answered = office.wait_for_mail(email, 2)
    assert "Which product do you mean?" in text_of(answered)
    assert answered["Message-ID"] != acknowledged["Message-ID"]
    assert answered["In-Reply-To"] == acknowledged["Message-ID"]
    assert acknowledged["Message-ID"] in answered["References"].split()

    # the requester answers from the mailbox
    reply = reply_to(answered, email, "It is a vaccine.", quoted=text_of(answered))
    assert post_mail(office, reply, "") == (401, "")
    assert post_mail(office, reply) == (200, "threaded")
    assert post_mail(office, reply) == (200, "duplicate"), "a provider may deliver it again"
    told = staff_mails(office, reference, 6)[3:]
    assert {mail["Delivered-To"] for mail in told} == {mail["Delivered-To"] for mail in routed.values()}
    for mail in told:
        first = routed[mail["Delivered-To"].partition("@")[2]]
        assert mail["In-Reply-To"] == first["Message-ID"]
        assert "It is a vaccine." in text_of(mail)
    thread = colleague.get(desk_page)
    assert thread.count("It is a vaccine.") == 1

    # closed, and open again
    colleague.send(desk_page, "/close")
    assert "closed" in text_of(office.wait_for_mail(email, 3)[2])
    assert 'class="badge closed"' in grace.get(status_page)
    grace.send(status_page, "/reopen")
    assert 'class="badge reopened"' in colleague.get(desk_page)
    assert len(office.mails(email)) == 3, "who opens it again needs no mail about it"


def test_a_forged_reply_is_kept_aside_for_the_desk(office: Onestop) -> None:
    email = "forged@journey.example"
    ask(
        office,
        Visitor(office.url),
        email=email,
        topics=["trips-flexibilities"],
        subject="Forgery",
        message="Is it safe?",
    )
    [acknowledged] = office.wait_for_mail(email)
    reference = reference_in(acknowledged["Subject"])
    lead = next(m["Delivered-To"] for m in staff_mails(office, reference, 3) if "@wto." in m["Delivered-To"])

    forged = reply_to(acknowledged, email, "Pay here instead.")
    user, _, domain = forged["To"].partition("@")
    forged.replace_header("To", f"{user[:-6]}aaaaaa@{domain}")
    assert post_mail(office, forged) == (200, "quarantined")
    stranger = reply_to(acknowledged, "mallory@journey.example", "Pay there instead.")
    assert post_mail(office, stranger) == (200, "quarantined")

    colleague, thread = signed_in(office, lead, f"/desk/inquiries/{reference}")
    assert "instead" not in thread
    aside = colleague.get("/desk/quarantine")
    assert "mallory@journey.example" in aside
    assert len(staff_mails(office, reference, 3)) == 3


def test_a_confined_request_does_not_exist_for_other_organisations(office: Onestop) -> None:
    email = "confided@journey.example"
    ask(
        office,
        Visitor(office.url),
        email=email,
        topics=["local-production"],
        subject="Zebrafish legislation",
        message="In confidence.",
        share_with="wipo",
    )
    reference = reference_in(office.wait_for_mail(email)[0]["Subject"])
    [mail] = staff_mails(office, reference, 1)
    assert mail["Delivered-To"].endswith("@wipo.example")

    page = f"/desk/inquiries/{reference}"
    ours, theirs = signed_in(office, "admin@wipo.example")[0], signed_in(office, "admin@who.example")[0]
    for search in ("", "?q=zebrafish", f"?q={reference}", "?q=confided@journey.example"):
        assert reference in shown(ours, search), "else the others' empty list says nothing"
        assert reference not in shown(theirs, search)
    assert "In confidence." in ours.get(page)
    with pytest.raises(Refused, match="404"):
        theirs.get(page)
    for action in ("take", "close", "answer", "note"):
        with pytest.raises(Refused, match="404"):  # its own form, aimed at the others' inquiry
            theirs.send(
                page,
                page=f'<main><form method="post" action="{page}/{action}">{csrf(theirs)}</form></main>',
                text="Let me in",
                note="Let me in",
                version="1",
            )
    assert {mail["Delivered-To"] for mail in staff_mails(office, reference, 1)} == {mail["Delivered-To"]}


# -- what people do --


def ask(office: Onestop, visitor: Visitor, **fields: str | list[str]) -> str:
    """The contact form as a visitor without JavaScript gets through it, guards included; returns the page after it."""
    form = visitor.get("/contact")
    said = {**FORM, **fields}
    said["topics[]"] = said.pop("topics")
    with pytest.raises(Refused, match="422") as hasty:
        visitor.send("/contact", page=form, **said)
    assert "one more step" in hasty.value.page
    with pytest.raises(Refused, match="403"):  # another site's script has the form, but not the cookie
        Visitor(visitor.url).send("/contact", page=form, **said)
    office.set_clock(office.clock_ahead() + TRAP)
    time.sleep(0.2)  # a process looks at the clock's file ten times a second
    with pytest.raises(Refused, match="one more step"):
        visitor.send("/contact", page=form, homepage="https://spam.example", **said)
    return visitor.send("/contact", page=form, **said)


def signed_in(office: Onestop, email: str, page: str = "/desk") -> tuple[Visitor, str]:
    """A member of staff who wanted to see ``page`` and sees it, after signing in by the mailed link."""
    before = len(office.mails(email))
    person = Visitor(office.url)
    person.send(page, "/desk/sign-in", email=email)
    wait_for(lambda: any("/desk/sign-in/" in text_of(m) for m in office.mails(email)[before:]), "the sign-in link")
    link = next(link_in(m, "/desk/sign-in/") for m in office.mails(email)[before:] if "/desk/sign-in/" in text_of(m))
    shown = person.send(link)
    with pytest.raises(Refused):
        Visitor(office.url).send(link)  # it works once
    return person, shown


def shown(person: Visitor, search: str) -> str:
    """Everything that this list and its exports say."""
    sheet = openpyxl.load_workbook(io.BytesIO(person.download(f"/desk/inquiries.xlsx{search}"))).active
    cells = [str(cell) for row in sheet.iter_rows(min_row=2, values_only=True) for cell in row]
    rows = re.findall(r"/desk/inquiries/([2-9A-Z]{4}-[2-9A-Z]{4})", person.get(f"/desk/inquiries{search}"))
    listing = person.get(f"/desk/inquiries.csv{search}")
    references = set(rows)
    assert references == {cell for cell in cells if re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}", cell)}
    assert all(reference in listing for reference in references)
    return "\n".join([*rows, *cells, listing])


def csrf(person: Visitor) -> str:
    return re.findall(r'<input[^>]*name="csrf_token"[^>]*>', person.get("/desk/routing"))[0]


# -- mail --


def reference_in(text: str) -> str:
    found = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", text)
    assert found
    return found.group()


def staff_mails(office: Onestop, reference: str, count: int) -> list[EmailMessage]:
    """The mails to staff about one inquiry, the oldest first, once there are ``count`` of them."""

    def found() -> list[EmailMessage]:
        mails = [mail for mail in office.mails() if f"[{reference}]" in mail["Subject"]]
        return mails if len(mails) >= count else []

    return wait_for(found, f"{count} mails to staff about {reference}")


def reply_to(mail: EmailMessage, sender: str, text: str, quoted: str = "") -> EmailMessage:
    """As a mail program writes it."""
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = sender, mail["Reply-To"], f"Re: {mail['Subject']}"
    reply["Message-ID"] = f"<{time.time_ns()}@mail.journey.example>"
    reply["In-Reply-To"], reply["References"] = mail["Message-ID"], mail["Message-ID"]
    below = "".join(f"> {line}\n" for line in quoted.splitlines())
    reply.set_content(f"{text}\n\nOn Monday, onestop wrote:\n{below}" if quoted else f"{text}\n")
    return reply


def post_mail(office: Onestop, mail: EmailMessage, secret: str = SECRET) -> tuple[int, str]:
    """Through the provider's hook; the status, and what became of the mail."""
    login = base64.b64encode(f"hook:{secret}".encode()).decode()
    headers = {"Content-Type": "message/rfc822", "Authorization": f"Basic {login}"}
    request = urllib.request.Request(f"{office.url}/inbound/mail", mail.as_bytes(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())["outcome"]
    except urllib.error.HTTPError as error:
        return error.code, ""
