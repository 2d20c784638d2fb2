"""Saved views of the list: mine and my organisation's, kept by two at once, with the rights of the one table."""

from __future__ import annotations

import re
import threading
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from shared.adapters.embedded.store import SqliteStore
from shared.errors import FaultyFields
from shared.ports import Replace
from shared.staff import saved_views
from shared.staff.members import Member
from shared.staff.saved_views import MAX_VIEWS, SavedViews
from tests.functions.browser import Browser, forms, press, words
from tests.functions.inquiry_sites import WHO_HEAD, WHO_OFFICER, World, new_world
from tests.functions.test_desk import WIPO

AMARA = Member("amara@who.example", "Amara", "who", "focal_point", (), ())
LUCAS = Member("lucas@who.example", "Lucas", "who", "officer", (), ())
ELENA = Member("elena@wipo.example", "Elena", "wipo", "officer", (), ())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


@pytest.fixture
def views(tmp_path: Path) -> SavedViews:
    return SavedViews(SqliteStore(tmp_path / "views.db", {"views": {}}), "views")


def names(views: SavedViews, person: Member) -> list[tuple[str, bool]]:
    return [(one.view.name, one.shared) for one in views.of(person).all]


def keep(browser: Browser, name: str, at: str = "/desk/inquiries", **others: str) -> TestResponse:
    """Save the list, as the address ``at`` shows it."""
    return press(browser, browser.get(at), "/desk/inquiries/views", name=name, **others)


def tabs(page: TestResponse) -> dict[str, str]:
    """Addresses by name."""
    found = re.search(r'<nav class="tabs".*?</nav>', page.text, re.DOTALL)
    links = re.findall(r'<a href="([^"]+)"[^>]*>(?:<bdi>)?([^<]+)', found[0] if found else "")
    return {unescape(name): unescape(address) for address, name in links}


# -- what is kept --


def test_views_are_a_person_s_or_an_organisation_s(views: SavedViews) -> None:
    views.save(AMARA, False, "Mine", "state=assigned")
    views.save(AMARA, True, "Ours", "late=1")
    assert names(views, AMARA) == [("Ours", True), ("Mine", False)]
    assert names(views, LUCAS) == [("Ours", True)]
    assert names(views, ELENA) == []


def test_a_name_is_given_once_and_sent_twice_it_is_one(views: SavedViews) -> None:
    first = views.save(AMARA, False, "  Late ", "late=1")
    assert views.save(AMARA, False, "late", "late=1") == first
    with pytest.raises(FaultyFields):
        views.save(AMARA, False, "LATE", "state=closed")
    views.save(AMARA, True, "Late", "state=closed")
    assert len(views.of(AMARA).all) == 2


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "a\x00b", "x" * 61])
def test_what_is_no_name_is_refused(views: SavedViews, name: str) -> None:
    with pytest.raises(FaultyFields) as refused:
        views.save(AMARA, False, name, "")
    assert refused.value.errors.keys() == {"name"}
    assert refused.value.told(str)["name"].count("{") == 0


def test_there_is_an_end_to_views(views: SavedViews) -> None:
    for number in range(MAX_VIEWS):
        views.save(AMARA, True, f"View {number}", "")
    with pytest.raises(FaultyFields, match="20 views"):
        views.save(AMARA, True, "One more", "")
    assert views.save(AMARA, False, "One more", "").name == "One more"


def at_once(views: SavedViews, saves: list[tuple[str, str]]) -> list[bool]:
    """Save all of them for the organisation at the same time, each read before any is written; which were kept."""
    both_have_read, kept = threading.Barrier(len(saves)), [False] * len(saves)

    def save(place: int, name: str, query: str) -> None:
        try:
            views.save(AMARA, True, name, query)
            kept[place] = True
        except FaultyFields:
            pass

    store, waited = views._store, threading.local()
    get = store.get

    def read(*what: str) -> object:
        found = get(*what)
        if not getattr(waited, "once", False):
            waited.once = True
            both_have_read.wait(10)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "get", read)
        threads = [threading.Thread(target=save, args=(place, *one)) for place, one in enumerate(saves)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return kept


def test_two_who_save_at_once_both_keep_theirs(views: SavedViews) -> None:
    views.save(AMARA, True, "First", "")
    assert at_once(views, [("One", "late=1"), ("Two", "late=1")]) == [True, True]
    assert {name for name, _ in names(views, LUCAS)} == {"First", "One", "Two"}


def test_of_two_who_give_one_name_at_once_one_is_told(views: SavedViews) -> None:
    assert sorted(at_once(views, [("One", "late=1"), ("One", "state=closed")])) == [False, True]
    assert names(views, LUCAS) == [("One", True)]


def test_without_the_version_one_of_the_two_would_be_lost(views: SavedViews, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(
        saved_views, "Replace", lambda collection, id, data, version: Replace(collection, id, data, None)
    )
    with pytest.raises(AssertionError):
        test_two_who_save_at_once_both_keep_theirs(views)


# -- at the desk --


def test_a_view_is_kept_shown_changed_and_removed(world: World) -> None:
    world.receive(subject="Assigned to somebody")
    browser = world.member(WHO_OFFICER)
    saved = keep(browser, "Closed ones", "/desk/inquiries?state=closed&order=target&columns=subject,due&density=dense")
    page = browser.follow(saved)
    assert "The view is kept." in words(page)
    address = tabs(page)["Closed ones"]
    assert f'<a href="{address}" aria-current="page">' in page.text
    assert "Assigned to somebody" not in words(page)
    assert {("order", "target"), ("density", "dense")} <= set(forms(page)[0].fields)
    assert "Remove the filter: State : Closed" in words(page).replace("State:", "State :")

    kept = browser.get(address)
    changed = press(browser, browser.get(f"{_looked_at(kept)}&state=assigned"), "/views/change")
    again = browser.follow(changed)
    assert "The view is changed." in words(again)
    assert "Assigned to somebody" in words(browser.get(address))

    removed = browser.follow(press(browser, again, "/views/remove"))
    assert "The view is removed." in words(removed)
    assert "Assigned to somebody" in words(removed), "the list is still looked at as it was"
    assert tabs(removed) == {}
    assert "This view is not there any more" in words(browser.get(address))
    assert "Closed ones" in tabs(browser.follow(press(browser, removed, "/desk/inquiries/views")))


def _looked_at(page: TestResponse) -> str:
    """The address of the list without the filter, which still says which view it began with."""
    (address,) = re.findall(r'<a class="tag" href="([^"]+)"', page.text)
    return unescape(address)


def test_the_list_opens_with_the_view_of_my_choice(world: World) -> None:
    world.receive(subject="Something open")
    browser = world.member(WHO_OFFICER)
    page = browser.follow(keep(browser, "Closed ones", "/desk/inquiries?state=closed"))
    page = browser.follow(press(browser, page, "/views/open-with"))
    assert "The list opens with this view" in words(page)
    for address, shown in [("/desk/inquiries", False), ("/desk/inquiries?lang=en", False)]:
        assert ("Something open" in words(browser.get(address))) is shown
    assert "Something open" in words(browser.get(tabs(page)["All"]))
    assert "Something open" in words(world.member(WHO_HEAD).get("/desk/inquiries")), "mine alone"
    page = browser.follow(press(browser, browser.get("/desk/inquiries"), "/views/open-with"))
    assert "Something open" in words(browser.get("/desk/inquiries"))


def test_who_shares_is_said_by_the_table(world: World) -> None:
    head, officer = world.member(WHO_HEAD), world.member(WHO_OFFICER)
    page = head.follow(keep(head, "For all of us", "/desk/inquiries?late=1", share="organisation"))
    address = tabs(page)["For all of us"]
    seen = officer.get(address)
    assert "Remove the filter: Target : Late only" in words(seen).replace("Target:", "Target :")
    assert not [form for form in forms(seen) if form.action.endswith(("/views/change", "/views/remove"))]
    token = dict(forms(seen)[-1].fields)["csrf_token"]
    view = address.partition("view=")[2]
    for action, form in [("", {"name": "x", "share": "organisation"}), ("/remove", {}), ("/change", {})]:
        sent = officer.post(f"/desk/inquiries/views{action}", {"csrf_token": token, "from": view, **form})
        assert sent.status_code == 403, action
    assert "For all of us" in tabs(head.get("/desk/inquiries"))
    assert "For all of us" not in tabs(world.member(WIPO).get("/desk/inquiries"))
    assert "not there any more" in words(world.member(WIPO).get(address))


def test_a_name_that_is_taken_comes_back_with_the_list_as_it_was(world: World) -> None:
    browser = world.member(WHO_OFFICER)
    keep(browser, "Late", "/desk/inquiries?late=1")
    refused = keep(browser, "Late", "/desk/inquiries?state=closed")
    assert refused.status_code == 422
    assert "There is a view of this name already. Choose another name." in words(refused)
    assert ("state", "closed") in forms(refused)[0].fields
    assert ("name", "Late") in forms(refused)[0].fields
    empty = keep(browser, " ", "/desk/inquiries?state=closed")
    assert (empty.status_code, "This field is required." in words(empty)) == (422, True)


def test_words_that_may_name_a_person_are_not_kept(world: World) -> None:
    browser = world.member(WHO_OFFICER)
    keep(browser, "A search", "/desk/inquiries?q=Kamau&state=assigned")
    (shelf,) = world.platform.store.query("inquiry_views")
    assert [view["query"] for view in shelf.data["views"]] == ["state=assigned"]
    assert "Kamau" not in str(shelf.data)


def test_acting_on_a_view_that_a_colleague_removed_says_so(world: World) -> None:
    browser = world.member(WHO_OFFICER)
    page = browser.follow(keep(browser, "Late", "/desk/inquiries?late=1"))
    press(browser, page, "/views/remove")
    for action in ("/views/remove", "/views/open-with"):
        assert "This view is not there any more" in words(browser.follow(press(browser, page, action)))
