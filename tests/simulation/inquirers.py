"""What requesters and staff do to inquiries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from functions.inquiries.casework import requester_actions
from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.errors import NotAllowed, NotFound, Stale
from functions.inquiries.staffing import absences
from shared.errors import FaultyFields
from shared.idempotency import KeyReused
from shared.keys.tokens import BadToken
from shared.staff.models import Staff
from tests.simulation import content
from tests.simulation.scene import Slices, World

REFUSALS = (FaultyFields, KeyReused, NotAllowed, NotFound, Stale, BadToken)
Job = Callable[["Slices"], object]
LATELY = 60  # rows whose links and addresses people use
TEXT = "How do we begin?"
ASKS_AGAIN = timedelta(hours=20)  # so long somebody asks with the same key, which is kept for a day

DEEDS = [
    *("take", "assign", "answer", "answer", "answer", "answer_close", "note", "hand_over", "end_part", "resume_part"),
    *("close", "reopen", "propose", "withdraw", "erase", "new_link", "settle", "thread"),
]


def move(world: World) -> Job:
    kinds: list[tuple[int, Callable[[World], Job]]] = [
        (6, _ask),
        (6, _follow),
        (4, _write_by_mail),
        (16, _work),
        (1, _leave),
    ]
    return world.chance.choices([job for _, job in kinds], [weight for weight, _ in kinds])[0](world)


# -- requesters --


def _ask(world: World) -> Job:
    chance = world.chance
    name = f"p{chance.randrange(world.plan.people)}"
    share_with = chance.choice(("all", "all", *content.ORGANISATIONS))
    request = InquiryRequest(
        given_name=name,
        family_name="Asker",
        email=f"{name}@people.example",
        country="KE",
        requester_type="government",
        topics=chance.sample(content.TOPICS, chance.choice((0, 1, 1, 2, 3))),
        subject=f"{name} asks",
        message=TEXT,
        language=chance.choice(("en", "fr")),
        share_with=share_with,
        consent=True,
    )
    key = f"ask-{chance.randrange(10**6)}" if chance.random() < 0.7 else None
    asked_at = world.clock.now()

    def ask(slices: Slices) -> None:
        if world.clock.now() - asked_at > ASKS_AGAIN:
            return
        received = slices.inquiries.requests.receive(request, (), key)
        world.books.taken.add(received.reference)
        if key:
            world.books.answers[key].add(received.reference)
            if chance.random() < 0.3:
                world.retries.append(ask)  # pressed twice

    return ask


def _links(world: World) -> list[str]:
    rows = list(world.books.rows.values())[-LATELY:]
    return [one["link"] for row in rows for one in row.payload.get("recipients", ()) if "/i/" in one["link"]]


def _follow(world: World) -> Job:
    """Somebody opens the status page, with an old link now and then, and does something there."""
    links, chance = _links(world), world.chance
    token = chance.choice(links).split("/i/")[1] if links else "none"
    key = f"message-{chance.randrange(10**6)}"
    kind = chance.choice(("write", "write", "write", "close", "reopen", "erase", "link"))

    def follow(slices: Slices) -> None:
        it: requester_actions.Requests = slices.inquiries.requests
        link = it.link(token)
        match kind:
            case "write":
                it.add_message(link, TEXT, key)
            case "close":
                it.close(link)
            case "reopen":
                it.reopen(link)
            case "erase":
                it.ask_erasure(link)
            case _:
                it.new_link(token)

    return follow


def _write_by_mail(world: World) -> Job:
    """Somebody answers one of our mails; their provider delivers the answer until it is taken, or more often."""
    chance = world.chance
    rows = list(world.books.rows.values())[-LATELY:]
    known = [one for row in rows for one in row.payload.get("recipients", ()) if one.get("reply_to")]
    if not known:
        return lambda slices: None
    to = chance.choice(known)
    sender = to["email"] if chance.random() < 0.8 else "stranger@people.example"
    raw = (
        f"From: <{sender}>\r\nTo: <{to['reply_to']}>\r\nMessage-ID: <m{chance.randrange(10**6)}@people.example>\r\n"
        f"In-Reply-To: {to['message_id']}\r\nSubject: Re\r\n\r\nThank you.\r\n"
    ).encode()

    def write(slices: Slices) -> None:
        slices.inquiries.inbound.take(raw)
        if chance.random() < 0.2:
            world.retries.append(write)

    return write


# -- staff --


def _work(world: World) -> Job:
    """Somebody of an organisation opens an inquiry of its list, and does something with it, perhaps too late."""
    chance, person = world.chance, world.chance.choice(content.staff())
    colleague = chance.choice(content.staff())
    kind = chance.choice(DEEDS)

    def work(slices: Slices) -> None:
        it = slices.inquiries
        if kind in ("settle", "thread"):
            _see_to_kept_mail(world, slices, person, kind)
            return
        rows = it.reading.page(person, _everything(), limit=20).rows
        if not rows:
            return
        reference = chance.choice(rows).inquiry
        seen = (person, reference, it.reading.inquiry(person, reference).version)
        actions: dict[str, Callable[[], Any]] = {
            "take": lambda: it.casework.take(*seen),
            "assign": lambda: it.casework.assign(*seen, colleague.email),
            "answer": lambda: it.casework.answer(*seen, "Here it is.", awaits_reply=chance.random() < 0.2),
            "answer_close": lambda: it.casework.answer(*seen, "Here it is.", close=True),
            "note": lambda: it.casework.note(*seen, "They called."),
            "hand_over": lambda: it.casework.hand_over(*seen, colleague.organisation, "Yours, I think."),
            "end_part": lambda: it.endings.end_part(*seen),
            "resume_part": lambda: it.endings.resume_part(*seen),
            "close": lambda: it.endings.close(*seen),
            "reopen": lambda: it.endings.reopen(*seen),
            "propose": lambda: it.endings.propose_erasure(*seen, "no longer needed"),
            "withdraw": lambda: it.endings.withdraw_erasure(*seen),
            "erase": lambda: it.endings.erase(*seen),
            "new_link": lambda: it.casework.new_link(*seen),
        }
        actions[kind]()

    return work


def _everything() -> Any:
    from functions.inquiries.casework.queries import Filter

    return Filter()


def _see_to_kept_mail(world: World, slices: Slices, person: Staff, kind: str) -> None:
    kept = slices.inquiries.reading.quarantine(person).rows
    if not kept:
        return
    id, mail = world.chance.choice(kept)
    if kind == "settle" or not mail.inquiry:
        slices.inquiries.casework.settle(person, id)
    else:
        slices.inquiries.inbound.thread_by_hand(person, id, mail.inquiry)


def _leave(world: World) -> Job:
    """Somebody is away for a day or two, or back."""
    chance, person = world.chance, world.chance.choice(content.staff())
    first = world.clock.now().date() if chance.random() < 0.5 else None
    last = first and first + timedelta(days=chance.randrange(3))
    means = lambda slices: slices.inquiries.casework._means  # noqa: E731
    return lambda slices: absences.set_absence(means(slices), person, person.email, first, last)
