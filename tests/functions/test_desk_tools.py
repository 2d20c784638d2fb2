"""The desk's pages beside the lists: dry runs of rules, absences, and mail that could not be threaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.ports import Create, utc_text
from tests.functions.browser import forms, press, words
from tests.functions.inquiry_sites import WHO_HEAD, WHO_OFFICER, World, new_world

WIPO = "helena.brandt@wipo.example"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return new_world(tmp_path)


def test_a_dry_run_shows_where_it_would_go_and_stores_nothing(world: World) -> None:
    browser = world.member(WHO_OFFICER)
    page = browser.get("/desk/routing")
    shown = press(browser, page, "/desk/routing", message="A tender", **{"topics[]": ["government-procurement"]})
    assert "WHO leads, with the support of WTO." in words(shown)
    draft = """
[[rules]]
id = "all"
title = "Everything to WIPO"
default = true
lead = "wipo"
queue = "general"
target_hours = 8
[[rules.examples]]
lead = "who"
"""
    drafted = words(press(browser, page, "/desk/routing", rules=draft))
    assert "WIPO leads, without support." in drafted
    assert "It says lead = “who”" in drafted
    assert world.platform.store.count("inquiries") == 0


@pytest.mark.parametrize("draft", ["[[rules", "rules = 1", "[[rules]]\nid = 'x'", "[[other]]\nid = 'x'"])
def test_a_faulty_draft_is_explained(world: World, draft: str) -> None:
    browser = world.member(WHO_OFFICER)
    back = press(browser, browser.get("/desk/routing"), "/desk/routing", rules=draft)
    assert back.status_code == 422
    assert "The rules cannot be used:" in words(back)


def test_a_word_of_a_draft_that_matches_too_much_is_explained(world: World) -> None:
    browser = world.member(WHO_OFFICER)
    draft = """
[[rules]]
id = "x"
title = "X"
when = { words = ["a*"] }
lead = "wipo"
queue = "general"
target_hours = 8
[[rules.examples]]
subject = "A b"
lead = "wipo"
"""
    back = press(browser, browser.get("/desk/routing?lang=ar"), "/desk/routing", rules=draft)
    assert back.status_code == 422
    assert "x.when.words[1]: ستطابق الكلمة «a*» أكثر مما ينبغي" in words(back)


def test_what_is_wrong_is_told_in_the_readers_language(world: World) -> None:
    browser = world.member(WHO_OFFICER)
    page = browser.get("/desk/routing?lang=ar")
    title = "[[rules]]\nid = 'x'"
    example = (
        f"{title}\ntitle='X'\ndefault=true\nlead='who'\nqueue='general'\ntarget_hours=8\n[[rules.examples]]\nlead='wto'"
    )
    told = {
        "[[rules": "النص ليس TOML صحيحاً",
        "rules = 1": "اكتبوا كل قاعدة",
        title: "rules[1].title: هذا الحقل مطلوب.",
        f"{title}\n{title}": "rules[1].title",
        example: "x.examples[1]: يذكر lead = «wto»",
        example.replace("target_hours=8", "target_hours='a'"): "rules[1].target_hours: يجب أن تكون القيمة رقماً.",
    }
    for draft, text in told.items():
        assert text in words(press(browser, page, "/desk/routing", rules=draft))
    absent = browser.send(browser.get("/desk/settings"), first="2026-12-02", last="2026-12-01")
    assert "يجب ألا يسبق اليومُ الأخير اليومَ الأول." in words(absent)


def test_absences_are_own_or_the_focal_points_matter(world: World) -> None:
    officer, head = world.member(WHO_OFFICER), world.member(WHO_HEAD)
    mine = officer.get("/desk/settings")
    assert len([form for form in forms(mine) if form.action == "/desk/settings"]) == 1
    assert officer.send(mine, email=WHO_HEAD, first="2028-12-01", last="2028-12-14").status_code == 303, "always mine"
    assert _absence(world, WHO_OFFICER) == ("2028-12-01", "2028-12-14")
    assert _absence(world, WHO_HEAD) == (None, None)
    assert "Change" not in words(officer.get("/desk/people"))
    of_another = head.get(f"/desk/people?of={WHO_OFFICER}")
    assert "1–14 Dec 2028" in words(of_another)
    assert head.send(of_another, first="", last="").status_code == 303
    assert _absence(world, WHO_OFFICER) == (None, None)
    assert head.send(of_another, email=WIPO, first="2028-12-01").status_code == 404
    for wrong in (
        {"first": "soon"},
        {"first": "2028-12-02", "last": "2028-12-01"},
        {"first": "", "last": "2028-12-01"},
    ):
        assert officer.send(mine, **wrong).status_code == 422
    entries = world.platform.store.query("staff_audit", order="time")
    assert [entry.data["action"] for entry in entries] == ["absence", "absence"]


def test_mail_kept_aside_is_read_by_its_organisation_and_dismissed_once(world: World) -> None:
    _keep_aside(world, "m1", ["who"])
    browser, stranger = world.member(WHO_OFFICER), world.member(WIPO)
    assert "Re: the plan" in words(browser.get("/desk/quarantine"))
    assert "Re: the plan" not in words(stranger.get("/desk/quarantine"))
    assert stranger.get("/desk/quarantine/m1").status_code == 404
    assert stranger.get("/desk/quarantine/m1/mail").status_code == 404
    page = browser.get("/desk/quarantine/m1")
    assert "&lt;b&gt;Hello&lt;/b&gt;" in page.text
    assert "dismissed" in words(browser.follow(press(browser, page, "/dismiss")))
    assert "Nothing is kept aside." in words(browser.get("/desk/quarantine"))


def test_mail_kept_aside_is_placed_by_somebody_who_has_the_inquiry(world: World) -> None:
    reference, foreign = world.receive(), world.receive(share_with="wipo")
    raw = b"From: W <w.kamau@other.example>\r\nSubject: Re: the plan\r\n\r\nFrom my other mailbox.\r\n"
    _keep_aside(world, "m1", ["who"], raw)
    browser = world.member(WHO_OFFICER)
    page = browser.get("/desk/quarantine/m1")
    for wrong in ("AAAA-AAAA", foreign, ""):
        back = press(browser, page, "/thread", reference=wrong)
        assert back.status_code == 422
        assert "Your organisation has no inquiry of this reference." in words(back)
    done = press(browser, page, "/thread", reference=reference.replace("-", "").lower())
    assert "From my other mailbox." in words(browser.follow(done))
    assert "Nothing is kept aside." in words(browser.get("/desk/quarantine"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nx",
        b"Content-Type: multipart/x\r\n\r\n",
    ],
)
def test_a_malformed_mail_can_be_looked_at(world: World, raw: bytes) -> None:
    _keep_aside(world, "m1", ["who"], raw)
    assert world.member(WHO_OFFICER).get("/desk/quarantine/m1").status_code == 200


def _keep_aside(
    world: World, id: str, organisations: list[str], raw: bytes = b"Subject: x\r\n\r\n<b>Hello</b>"
) -> None:
    world.platform.files.write(f"quarantine/{id}", raw, "message/rfc822")
    kept = {
        "received_at": utc_text(world.platform.clock.now()),
        "state": "open",
        "reason": "unknown_sender",
        "sender": "x@y.test",
        "recipients": ["reply@onestop.test"],
        "subject": "Re: the plan",
        "inquiry": None,
        "visible_to": organisations,
        "file": f"quarantine/{id}",
    }
    world.platform.store.commit([Create("quarantine", id, kept)])


def _absence(world: World, email: str) -> tuple[str | None, str | None]:
    found = world.platform.store.get("staff", email)
    assert found
    return found.data["absent_from"], found.data["absent_until"]
