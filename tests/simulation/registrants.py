"""What people and the organiser do to registrations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from functions.registration import toml_files as events_file
from functions.registration.errors import EventNotFound, NotPossible, Refusal
from functions.registration.registrations.documents import person_id
from functions.registration.registrations.models import Correction, RegistrationRequest
from shared.errors import FaultyFields
from shared.idempotency import KeyReused
from shared.keys.tokens import BadToken
from tests.simulation import content
from tests.simulation.scene import Slices, World

REFUSALS = (EventNotFound, Refusal, FaultyFields, KeyReused, NotPossible, BadToken)
Job = Callable[["Slices"], object]
LATELY = 30  # rows whose links people follow
WEIGHTS = {
    "register": 12,
    "cancel": 7,
    "verify": 6,
    "correct": 1,
    "new_link": 1,
    "void_link": 1,
    "import": 1,
    "find": 1,
}
LIVING = ("unverified", "confirmed", "waitlisted")
BY_THEME = {
    "imports": {"register": 12, "cancel": 6, "import": 3},
    "forms": {"register": 12, "verify": 1, "cancel": 1, "find": 2},
    "clock": {"register": 12, "cancel": 1, "verify": 6},
    "seats": {"register": 12, "cancel": 14, "import": 0.3},  # so that the line is empty as often as not
}


def move(world: World) -> Job:
    weights = BY_THEME.get(world.theme, WEIGHTS)
    kind = world.chance.choices(list(weights), list(weights.values()))[0]
    match kind:
        case "register":
            return _register(world)
        case "find":
            return _look_for_links(world)
        case "import":
            return lambda slices: bring_in(world, slices, world.drawn_event())
        case "verify":
            return _behind_a_link(
                world, "verify_link", lambda slices, token: slices.registrations.verify(token), "unverified"
            )
        case "correct":
            told = Correction(given_name=world.chance.choice("ABC"), family_name="Tester", country="KE")
            return _behind_a_link(
                world, "manage_link", lambda slices, token: slices.registrations.correct(token, told), "confirmed"
            )
        case "cancel":
            return _behind_a_link(
                world,
                "manage_link",
                lambda slices, token: slices.registrations.cancel(token),
                world.chance.choice(("confirmed", "confirmed", "waitlisted", "unverified")),
            )
        case "new_link":
            return _behind_a_link(
                world, "manage_link", lambda slices, token: slices.registrations.new_link(token), "waitlisted"
            )
    return partial(_void_link, world)


def bring_in(world: World, slices: Slices, wanted: object = None) -> None:
    """The organiser imports the event; who is interrupted does it again in the end."""
    world.wanted = wanted or world.wanted  # type: ignore[assignment]
    events_file.save(slices.platform.store, world.clock, [world.wanted])


def _register(world: World) -> Job:
    chance = world.chance
    names = [f"P{number}" for number in range(world.people)]
    away = set(names) - {one.given_name for one in world.books.registrations("") if one.state in LIVING}
    known = world.theme == "forms" or chance.random() < 0.3
    name = chance.choice(names if known or not away else sorted(away))
    request = RegistrationRequest(
        given_name=name,
        family_name="Tester",
        email=f"{name.lower()}@people.example",
        country="CH",
        category=chance.choice("abc"),
        language=chance.choice(("en", "ar", "en")),
        consent=True,
    )
    key = f"key-{name}-{request.category}-{request.language}" if chance.random() < 0.5 else None
    origin = chance.choice(("", "here", "there"))

    def register(slices: Slices) -> None:
        slices.registrations.register(content.EVENT, request, key, origin)
        world.books.promised.add(request.email)

    return register


def _look_for_links(world: World) -> Job:
    """Somebody has lost a mail: they press "Send it again" on the receipt, or give their address at ``/find``."""
    address = f"p{world.chance.randrange(world.people)}@people.example"
    if world.chance.random() < 0.5:
        return lambda slices: slices.registrations.send_again(content.EVENT, person_id(content.EVENT, address))
    return lambda slices: slices.registrations.want_links(address, "en")


def _behind_a_link(world: World, name: str, act: Callable[[Slices, str], object], state: str = "") -> Job:
    """Somebody follows a link of a mail: the latest of somebody in ``state``, or any, old ones too."""
    books, chance = world.books, world.chance
    if chance.random() < 0.7:
        living = [one.reference for one in books.registrations(state)]
        links = [books.links[one][name] for one in living if name in books.links[one]]
    else:
        links = [row.payload[name] for row in list(books.rows.values())[-LATELY:] if name in row.payload]
    token = chance.choice(links).split("/r/")[1].split("/")[0] if links else "none"
    return lambda slices: act(slices, token)


def _void_link(world: World, slices: Slices) -> None:
    known = [document.id for document in world.store.query("registrations", limit=1000)]
    if known:
        slices.registrations.void_link(content.EVENT, world.chance.choice(known))
