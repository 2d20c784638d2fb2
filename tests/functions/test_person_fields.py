"""What forms ask about a person: one name as it is written, a country by its name, an address that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.registration.registrations.models import RegistrationRequest
from shared.formats import mail_domains
from shared.names import without_family
from tests.functions.browser import Browser, words
from tests.functions.inquiry_sites import new_world
from tests.functions.test_inquiry_pages import TYPED
from tests.functions.test_registration_pages import LINA, PageWorld


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    made = PageWorld(tmp_path)
    made.event(organisations=["wto"])
    return made


def request(**names: str) -> RegistrationRequest:
    other = {"email": "a@example.org", "country": "CH", "category": "participant", "consent": True}
    return RegistrationRequest.model_validate(other | names)


@pytest.mark.parametrize(
    ("names", "kept", "read"),
    [
        ({"full_name": "Wang Xiaoming", "family_name": "Wang"}, ("Xiaoming", "Wang"), "Wang Xiaoming"),
        ({"full_name": "Lina Haddad", "family_name": "Haddad"}, ("Lina", "Haddad"), "Lina Haddad"),
        ({"full_name": "Suharto"}, ("Suharto", ""), "Suharto"),
        ({"full_name": "Suharto", "family_name": "Suharto"}, ("Suharto", ""), "Suharto"),
        ({"full_name": "María José García Ruiz", "family_name": "García"}, ("María José García Ruiz", "García"), ""),
        ({"given_name": "Ada", "family_name": "King"}, ("Ada", "King"), "Ada King"),  # of programs, as ever
        ({"given_name": "Ada"}, ("Ada", ""), "Ada"),
    ],
)
def test_a_name_is_read_as_it_was_written(names: dict[str, str], kept: tuple[str, str], read: str) -> None:
    made = request(**names)
    assert (made.given_name, made.family_name) == kept
    assert made.name == (read or names["full_name"])


def test_a_form_of_before_is_the_same_form() -> None:
    assert request(given_name="Ada", family_name="King").model_dump(exclude=request(given_name="x").unsaid)
    assert request(given_name="Ada", family_name="King").unsaid == {"full_name"}
    assert without_family("Haddad", "Haddad") == "Haddad"


def test_a_person_without_a_family_name_registers(world: PageWorld) -> None:
    form = world.visitor.get("/events/forum/register")
    names = {"full_name": "Suharto", "family_name": "", "given_name": ""}
    assert world.visitor.send(form, **LINA | names).status_code == 303
    (kept,) = world.registrations()
    assert (kept.name, kept.family_name) == ("Suharto", "")


@pytest.mark.parametrize(
    ("typed", "code"),
    [("Côte d'Ivoire", "CI"), ("cote d ivoire", "CI"), ("Hong Kong, China", "HK"), ("JO", "JO"), ("الأردن", "JO")],
)
def test_a_country_is_named(world: PageWorld, typed: str, code: str) -> None:
    form = world.visitor.get("/events/forum/register")
    assert '<input type="text" id="f-country" name="country" value="" required' in form.text
    assert "<option>European Union</option>" in form.text  # as the event's organisation adds
    assert world.visitor.send(form, **LINA | {"country": typed}).status_code == 303
    assert world.registrations()[0].country == code


def test_a_browser_without_type_ahead_sends_what_was_chosen_from_the_list(world: PageWorld) -> None:
    form = world.visitor.get("/events/forum/register")
    assert world.visitor.send(form, **LINA | {"country": "", "country_listed": "Jordan"}).status_code == 303
    assert world.registrations()[0].country == "JO"


def test_no_country_comes_back_as_it_was_typed(world: PageWorld) -> None:
    page = world.visitor.send(world.visitor.get("/events/forum/register"), **LINA | {"country": "Utopia"})
    assert page.status_code == 422
    assert 'value="Utopia"' in page.text


def test_a_mistyped_address_is_asked_about_and_taken_as_chosen(world: PageWorld) -> None:
    asked = world.visitor.send(world.visitor.get("/events/forum/register"), **LINA | {"email": "lina@gmial.com"})
    assert asked.status_code == 422
    assert "Did you mean lina@gmail.com?" in words(asked)
    assert not world.registrations()
    assert world.visitor.send(asked, email_meant="lina@gmail.com").status_code == 303
    assert [one.email for one in world.registrations()] == ["lina@gmail.com"]


@pytest.mark.parametrize("choice", [{}, {"email_meant": "lina@gmial.com"}], ids=["nothing chosen", "as written"])
def test_nobody_is_forced_to_another_address(world: PageWorld, choice: dict[str, str]) -> None:
    asked = world.visitor.send(world.visitor.get("/events/forum/register"), **LINA | {"email": "lina@gmial.com"})
    assert world.visitor.send(asked, **choice).status_code == 303
    assert [one.email for one in world.registrations()] == ["lina@gmial.com"]


def test_an_address_typed_anew_counts_more_than_a_choice_of_before(world: PageWorld) -> None:
    asked = world.visitor.send(world.visitor.get("/events/forum/register"), **LINA | {"email": "lina@gmial.com"})
    sent = world.visitor.send(asked, email="lina@who.int", email_meant="lina@gmail.com")
    assert (sent.status_code, world.registrations()[0].email) == (303, "lina@who.int")


def test_the_contact_form_asks_the_same(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    browser = Browser(world.web)
    asked = browser.send(browser.get("/contact"), **TYPED | {"email": "w@wipo.itn", "country": "Chinese Taipei"})
    assert "Did you mean w@wipo.int?" in words(asked)
    assert browser.send(asked, email_meant="w@wipo.int").status_code == 303


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a@gmial.com", "a@gmail.com"),
        ("a@gmail.con", "a@gmail.com"),
        ("a@gmal.cmo", "a@gmail.com"),
        ("a@hotmial.fr", "a@hotmail.fr"),
        ("a@yahooo.com", "a@yahoo.com"),
        ("a@outlok.com", "a@outlook.com"),
        ("a@ministry.example.ogr", "a@ministry.example.org"),
        ("a@gmail.com", ""),
        ("a@mail.com", ""),
        ("a@wto.org", ""),
        ("a@moh.gov.sn", ""),
        ("a@example.org", ""),
        ("no address", ""),
        ("@gmial.com", ""),
        ("", ""),
    ],
)
def test_a_domain_is_measured_against_those_that_people_have(written: str, meant: str) -> None:
    assert mail_domains.meant(written) == meant
