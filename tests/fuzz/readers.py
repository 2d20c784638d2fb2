"""Afterwards, everything that is stored must be readable: a value that breaks a page later is the worst kind."""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Iterator

from tests.fuzz.grammar import Caller
from tests.fuzz.village import Village
from tests.house import BASE, Answer

MAX_PAGES = 150  # pages that links are followed to, for one reader
STARTS = ("/desk", "/desk/inquiries", "/desk/events", "/desk/quarantine", "/desk/mail", "/desk/mail?state=dead", "/")


def read_everything(village: Village) -> tuple[list[str], int]:
    """What could not be read, and how many things were."""
    village.pump()
    village.sign_in()
    village.look()
    readers = {caller.name: caller for caller in village.callers}
    unread: list[str] = []
    count = 0
    for caller, address in addresses(village, readers):
        answer = village.house.get(address, headers=[("Cookie", caller.cookies)])
        count += 1
        unread += faults(village, caller, address, answer)
    for name in ("admin@who.example", "helena.brandt@wipo.example"):
        for address, answer in crawl(village, readers[name]):
            count += 1
            unread += faults(village, readers[name], address, answer)
    return unread[:10], count


def faults(village: Village, caller: Caller, address: str, answer: Answer) -> Iterator[str]:
    if not 200 <= answer.status < 500:
        yield f"{caller.name} at {address}: {answer.status}"
    for complaint in village.house.complaints:
        yield f"{caller.name} at {address}: {complaint}"
    village.house.complaints.clear()


def addresses(village: Village, readers: dict[str, Caller]) -> Iterator[tuple[Caller, str]]:
    """Each stored thing's own pages and exports, in both languages."""
    store, stranger = village.platform.store, readers["stranger"]
    staff = [caller for name, caller in readers.items() if name != "stranger"]
    for language in ("en", "ar"):
        for token in village.tokens:
            for path in ("/r/{}", "/r/{}/correct", "/r/{}/calendar.ics", "/i/{}"):
                yield stranger, f"{path.format(token)}?lang={language}"
        for document in store.query("inquiries", limit=1000):
            for organisation in document.data["visible_to"]:
                caller = next(caller for caller in staff if caller.name.endswith(f"@{organisation}.example"))
                yield caller, f"/desk/inquiries/{document.id}?lang={language}"
    for document in store.query("events", limit=100):
        yield stranger, f"/events/{document.id}"
        for state in ("confirmed", "waitlisted", "unverified", "cancelled"):
            for kind in ("csv", "xlsx"):
                yield staff[0], f"/desk/events/{document.id}/registrations.{kind}?state={state}"
            yield staff[0], f"/desk/events/{document.id}?state={state}"
    for caller in (staff[0], staff[-1]):
        for kind in ("csv", "xlsx"):
            yield caller, f"/desk/inquiries.{kind}"
    for document in store.query("quarantine", limit=500):
        yield staff[0], f"/desk/quarantine/{document.id}"
    for key in village.mail_keys():
        yield stranger, f"/mailbox/{key}?view=text"
        yield stranger, f"/mailbox/{key}/html"


def crawl(village: Village, caller: Caller) -> Iterator[tuple[str, Answer]]:
    """Whatever links lead to."""
    known, waiting = set(STARTS), deque(STARTS)
    while waiting and len(known) < MAX_PAGES:
        address = waiting.popleft()
        answer = village.house.get(address, headers=[("Cookie", caller.cookies)])
        yield address, answer
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        for link in re.findall(r'href="([^"#]+)', answer.body.decode("utf-8", "replace")):
            target = html.unescape(link).removeprefix(BASE)
            if target.startswith("/") and target not in known and "sign-out" not in target:
                known.add(target)
                waiting.append(target)
