"""Whatever the models admit can be stored, shown, mailed and exported: nothing raises, and words stay words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.content.models import Activity, CannedReply, Topic
from functions.registration.events.models import Category, EventDefinition, Kept
from functions.registration.events.questions import Option, Question
from functions.registration.registrations.models import RegistrationRequest
from infra import catalogues
from shared import languages
from shared.formats.addresses import folded_address
from shared.staff.models import Staff
from shared.web import templating
from tests.house import opened
from tests.payloads import every_inquiry_payload, every_payload
from tests.properties import admitted
from tests.properties.world import BASE, LANGUAGES, Case, World, in_language, payload_event

quick = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=3,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    catalogues.compile_all()
    folder = tmp_path_factory.mktemp("house")
    with opened(folder, ONESTOP_BASE_URL=BASE, ONESTOP_SMTPUTF8="on") as house:
        yield World(house)


def same(value: Any) -> st.SearchStrategy[Any]:
    return st.just(value)


@st.composite
def times(draw: st.DrawFn, first: int, last: int) -> dict[str, Any]:
    """Start and end, in days from now."""
    start = datetime.now(UTC) + timedelta(days=draw(st.integers(first, last)), minutes=draw(st.integers(1, 1439)))
    return {"starts_at": start, "ends_at": start + timedelta(minutes=draw(st.integers(1, 60 * 24 * 40)))}


@st.composite
def questions(draw: st.DrawFn) -> list[Question]:
    drawn = []
    for number, kind in enumerate(
        draw(st.lists(st.sampled_from(["text", "long_text", "choice", "choices", "yes_no"]), max_size=4))
    ):
        options = (
            [draw(admitted.models(Option, id=same(f"o{n}"))) for n in range(2)] if kind.startswith("choice") else []
        )
        drawn.append(
            draw(
                admitted.models(
                    Question, id=same(f"q{number}"), kind=same(kind), required=same(False), options=same(options)
                )
            )
        )
    return drawn


@st.composite
def answers(draw: st.DrawFn, asked: list[Question]) -> dict[str, Any]:
    kinds = {
        "text": admitted.lines,
        "long_text": admitted.prose,
        "choice": same("o1"),
        "choices": same(["o0", "o1"]),
        "yes_no": same(True),
    }
    return {question.id: draw(kinds[question.kind]) for question in asked}


@st.composite
def events(draw: st.DrawFn, id: str, first: int, last: int) -> EventDefinition:
    categories = [draw(admitted.models(Category, id=same(f"c{n}"))) for n in range(draw(st.integers(1, 3)))]
    return draw(
        admitted.models(
            EventDefinition,
            id=same(id),
            organisations=same(["who"]),
            categories=same(categories),
            questions=same(draw(questions())),
            registration_opens_at=same(None),
            registration_closes_at=same(None),
            listed=same(True),
            kept=same(Kept()),
            seats=st.sampled_from([None, 1, 3]),
            waitlist=same(True),
            reminders=same(["1d"]),
            **{name: same(value) for name, value in draw(times(first, last)).items()},
        )
    )


@st.composite
def activities(draw: st.DrawFn) -> Activity:
    begins = draw(st.one_of(st.none(), admitted.PLAIN[admitted.date]))
    known = {"id": same("drawn"), "topics": same(["drawn"]), "organisations": same(["who"]), "ends_on": same(begins)}
    return draw(admitted.models(Activity, **known, starts_on=same(begins), on_request=same(begins is None)))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    event = draw(events("drawn", 1, 400))
    person = admitted.models(RegistrationRequest, category=same("c0"), consent=same(True), answers=same({}))
    nobody = same([])
    return Case(
        event=event,
        shown=draw(events("shown", -400, 400)),
        people=draw(st.lists(person, min_size=1, max_size=2, unique_by=lambda one: folded_address(one.email))),
        answers=draw(answers(event.questions)),
        inquiry=draw(
            admitted.models(
                InquiryRequest, topics=nobody, activity=same(None), share_with=same("who"), consent=same(True)
            )
        ),
        staff=draw(admitted.models(Staff, organisation=same("who"), role=same("administrator"), queues=nobody)),
        activity=draw(activities()),
        topic=draw(admitted.models(Topic, id=same("drawn"), organisations=same(["who"]))),
        canned=draw(admitted.models(CannedReply, id=same("drawn"), organisations=nobody, topics=nobody)),
        names={"name": draw(admitted.localised), "short_name": draw(admitted.lines)},
        prose=draw(admitted.prose),
        reason=draw(admitted.lines),
    )


@quick
@given(case=cases())
def test_every_page_and_every_export(world: World, case: Case) -> None:
    world.forget()
    world.run(case)


LINES = ("given_name", "family_name", "name", "requester", "author", "organisation", "given_by", "assignee", "subject")
KINDS = {
    **dict.fromkeys((*LINES, "organiser", "topics", "wanted"), "line"),
    **dict.fromkeys(("reason", "requester_organisation"), "optional_line"),
    **dict.fromkeys(("message", "text"), "prose"),
    **dict.fromkeys(("email", "contact_email"), "email"),
    **dict.fromkeys(("title", "location"), "texts"),
    **{name: name for name in ("country", "timezone", "language")},
}
"""Which words stand in a field of a payload."""
WORDS = {
    "line": admitted.lines,
    "optional_line": admitted.optional_lines,
    "prose": admitted.prose,
    "email": admitted.email,
    "texts": admitted.localised.map(lambda value: {"en": value} if isinstance(value, str) else value),
    "country": admitted.country,
    "timezone": admitted.zone,
    "language": admitted.language,
}


def dressed(data: Any, words: dict[str, Iterator[Any]], key: str = "") -> Any:
    """A payload with other words in it."""
    if isinstance(data, list):
        return [dressed(value, words, key) for value in data]
    if key in KINDS and isinstance(data, dict) == (KINDS[key] == "texts") and isinstance(data, str | dict):
        return next(words[KINDS[key]])
    if isinstance(data, dict):
        return {name: dressed(value, words, name) for name, value in data.items()}
    return data


@quick
@given(drawn=st.fixed_dictionaries({kind: st.lists(one, min_size=3, max_size=3) for kind, one in WORDS.items()}))
def test_every_mail_in_both_languages(world: World, drawn: dict[str, list[Any]]) -> None:
    words = {kind: cycle(some) for kind, some in drawn.items()}
    for payload in [*every_payload(), *every_inquiry_payload()]:
        told = dressed(payload.model_dump(mode="json"), words)
        world.mail(payload_event(type(payload).model_validate(told)))
        for language in LANGUAGES:
            world.mail(payload_event(type(payload).model_validate(in_language(told, language))))


# -- the guards, off --


def hostile_case() -> Case:
    """One that any of the guards below must catch."""
    start = datetime.now(UTC) + timedelta(days=9)
    texts = {"title": "<zz>", "summary": "<zz>", "location": "<zz>", "organiser": "<zz>"}
    event = {
        **texts, "id": "drawn", "organisations": ["who"], "contact_email": "a@example.org", "mode": "virtual",
        "timezone": "UTC", "starts_at": start, "ends_at": start + timedelta(hours=1),
        "categories": [{"id": "c0", "name": "<zz>"}],
    }  # fmt: skip
    person = {
        "given_name": "<zz>",
        "family_name": "{event}",
        "email": "b@example.org",
        "country": "CH",
        "language": "zz-ZZ",
    }
    asked = {"requester_type": "other", "subject": "<zz>", "message": "%s", "share_with": "who", "consent": True}
    return Case(
        event=EventDefinition.model_validate(event),
        shown=EventDefinition.model_validate({**event, "id": "shown"}),
        people=[RegistrationRequest.model_validate({**person, "category": "c0", "consent": True})],
        answers={},
        inquiry=InquiryRequest.model_validate({**person, **asked}),
        staff=Staff.model_validate(
            {"email": "c@example.org", "name": "<zz>", "organisation": "who", "role": "administrator",
             "languages": ["xx"]}
        ),
        activity=Activity.model_validate(
            {"id": "drawn", "title": "<zz>", "summary": "<zz>", "kind": "event", "topics": ["drawn"],
             "organisations": ["who"], "audience": ["other"], "languages": ["x-zz"], "on_request": True,
             "contact": "a@example.org"}
        ),
        topic=Topic.model_validate({"id": "drawn", "name": "<zz>"}),
        canned=CannedReply.model_validate({"id": "drawn", "title": "<zz>", "text": "{name}"}),
        names={"name": "<zz>", "short_name": "<zz>"},
        prose="<zz>",
        reason="<zz>",
    )  # fmt: skip


def test_a_hostile_case_is_shown(world: World) -> None:
    world.forget()
    world.run(hostile_case())


def test_a_language_without_a_fallback_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from babel import Locale

    def former(tag: str, reader: str | None = None) -> str:
        return str(Locale.parse(tag, sep="-").get_display_name(reader or tag))

    monkeypatch.setattr(languages, "name", former)
    world.forget()
    with pytest.raises(AssertionError, match="UnknownLocaleError"):
        world.run(hostile_case())
    world.house.complaints.clear()


def test_a_page_that_does_not_escape_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = templating.environment

    def careless(*options: Any) -> jinja2.Environment:
        return made(*options).overlay(autoescape=False)

    monkeypatch.setattr(templating, "environment", careless)
    world.forget()
    with pytest.raises(AssertionError, match="a text became a tag"):
        world.run(hostile_case())
    world.house.complaints.clear()
