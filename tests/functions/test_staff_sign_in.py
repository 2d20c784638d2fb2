"""Signing in and out at the desk, and what roles allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Response
from werkzeug.test import TestResponse

from shared.ports import Create, Replace
from shared.staff import members, sessions
from shared.staff import sign_in as pages
from shared.staff.gate import DeskGate
from shared.staff.members import member
from shared.web.site import ANYBODY, Site
from shared.web.visit import Visit
from shared.wiring import Platform
from tests.functions.browser import SETTINGS, Browser, platform, words
from tests.functions.signed_in import csrf_token

AMINA = "amina@who.test"


def person(role: str = "officer", **others: Any) -> dict[str, Any]:
    return {"name": "Amina Diallo", "organisation": "who", "role": role, "languages": ["en"], "queues": []} | others


@pytest.fixture
def here(tmp_path: Path) -> Platform:
    built = platform(tmp_path)
    built.store.commit([Create(members.STAFF, AMINA, person() | {"email": AMINA})])
    return built


def desk(here: Platform) -> Site:
    site = Site(here, Path("unused"), DeskGate())
    pages.routes(site)

    @site.route("/desk", may="desk.view")
    @site.route("/desk", "POST", may="inquiries.answer")
    def home(visit: Visit) -> Response:
        return Response(f"hello {member(visit).email} {visit.request.form.get('text', '')}")

    @site.route("/desk/rules", may="deliveries.view")
    def rules(visit: Visit) -> Response:
        return Response("rules")

    @site.route("/mailbox", may=ANYBODY)
    def mailbox(visit: Visit) -> Response:
        return Response("mails")

    return site


def links(here: Platform) -> list[str]:
    """The links that were mailed, oldest first."""
    rows = sorted(here.store.query("outbox"), key=lambda row: row.data["time"])
    return [row.data["data"]["link"].removeprefix(SETTINGS.base_url) for row in rows]


def ask(here: Platform, browser: Browser, email: str = AMINA) -> TestResponse:
    here.clock.forward(seconds=1)  # type: ignore[attr-defined]
    return browser.send(browser.get("/desk/sign-in"), email=email)


def sign_in(here: Platform, browser: Browser) -> TestResponse:
    ask(here, browser)
    link = links(here)[-1]
    return browser.send(browser.get(link), at=link)


def test_a_link_by_mail_signs_in_and_leads_back_to_the_page(here: Platform) -> None:
    browser = Browser(desk(here))
    asked = browser.get("/desk?late=1")
    assert asked.headers["Location"] == "https://onestop.test/desk/sign-in?next=/desk%3Flate%3D1"
    browser.send(browser.follow(asked), email=" Amina@WHO.test ")
    link = links(here)[0]
    done = browser.send(browser.get(link), at=link)
    assert done.headers["Location"] == "https://onestop.test/desk?late=1"
    assert browser.follow(done).text.strip() == f"hello {AMINA}"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_plain_http(here: Platform) -> None:
    done = sign_in(here, Browser(desk(here)))
    cookie = next(c for c in done.headers.getlist("Set-Cookie") if c.startswith("__Host-desk="))
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; "))


def test_opening_the_link_does_not_use_it_up(here: Platform) -> None:
    browser = Browser(desk(here))
    ask(here, browser)
    link = links(here)[0]
    for _ in range(3):
        assert Browser(desk(here)).get(link).status_code == 200  # a mail scanner
    assert browser.send(browser.get(link), at=link).status_code == 303


def test_a_link_signs_in_once(here: Platform) -> None:
    browser, thief = Browser(desk(here)), Browser(desk(here))
    ask(here, browser)
    link = links(here)[0]
    page = thief.get(link)
    browser.send(browser.get(link), at=link)
    assert thief.send(page, at=link, email=AMINA).status_code == 410
    assert thief.get("/desk").status_code == 303
    assert browser.get("/desk").status_code == 200


def test_two_uses_of_a_link_at_the_same_moment_make_one_session(
    here: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, other = Browser(desk(here)), Browser(desk(here))
    ask(here, browser)
    link = links(here)[0]
    page, seen = other.get(link), pages._asked

    def both_read_before_one_writes(visit: Visit, token: str) -> Any:
        found = seen(visit, token)
        monkeypatch.setattr(pages, "_asked", seen)
        other.send(page, at=link, email=AMINA)
        return found

    opened = browser.get(link)
    monkeypatch.setattr(pages, "_asked", both_read_before_one_writes)
    assert browser.send(opened, at=link).status_code == 410
    assert here.store.count(sessions.SESSIONS) == 1


def test_a_link_ends_after_a_quarter_of_an_hour(here: Platform) -> None:
    browser = Browser(desk(here))
    ask(here, browser)
    link = links(here)[0]
    page = browser.get(link)
    here.clock.forward(minutes=15, seconds=1)  # type: ignore[attr-defined]
    assert browser.send(page, at=link).status_code == 410


@pytest.mark.parametrize("token", ["", "x", "0" * 32 + "!ffffffff.AAAA", "0" * 32])
def test_a_forged_link_is_refused(here: Platform, token: str) -> None:
    assert Browser(desk(here)).get(f"/desk/sign-in/{token}x").status_code == 410


def test_a_token_of_another_purpose_is_no_session(here: Platform) -> None:
    browser = Browser(desk(here))
    sign_in(here, browser)
    session = here.store.query(sessions.SESSIONS)[0].id
    for token in (session, here.tokens.sign("csrf", session), here.tokens.sign("sign-in", session)):
        stranger = Browser(desk(here))
        stranger.set_cookie("desk", token)
        assert stranger.get("/desk").status_code == 303
    browser.set_cookie("desk", here.tokens.sign("desk.session", session))
    assert browser.get("/desk").status_code == 200


def test_the_answer_does_not_tell_whether_an_address_is_staff(here: Platform) -> None:
    known = ask(here, Browser(desk(here)), AMINA)
    unknown = ask(here, Browser(desk(here)), "nobody@who.test")
    assert known.status_code == unknown.status_code == 200
    assert words(known).replace(AMINA, "") == words(unknown).replace("nobody@who.test", "")
    assert len(links(here)) == 1
    assert here.store.count(pages.SIGN_INS) == 2 * 2  # the same work is done for both


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test", "/desk/\\evil", "/events", "/deskevil", "/desk\n"]
)
def test_sign_in_leads_to_the_desk_only(here: Platform, target: str) -> None:
    browser = Browser(desk(here))
    browser.send(browser.get("/desk/sign-in"), email=AMINA, next=target)
    link = links(here)[0]
    done = browser.send(browser.get(link), at=link)
    assert done.headers["Location"] == "https://onestop.test/desk"


def test_an_idle_session_ends_and_a_used_one_lives_a_working_day(here: Platform) -> None:
    browser, idle, clock = Browser(desk(here)), Browser(desk(here)), here.clock
    sign_in(here, browser)
    sign_in(here, idle)
    for _ in range(11):
        clock.forward(hours=1)  # type: ignore[attr-defined]
        assert browser.get("/desk").status_code == 200
    assert idle.get("/desk").status_code == 303
    clock.forward(hours=1, seconds=1)  # type: ignore[attr-defined]
    assert browser.get("/desk").status_code == 303


def test_signing_out_ends_the_session_even_for_a_copied_cookie(here: Platform) -> None:
    browser = Browser(desk(here))
    sign_in(here, browser)
    copied = browser.cookie("desk")
    token = csrf_token(here, browser)
    browser.post("/desk/sign-out", {"csrf_token": token})
    assert browser.cookie("desk") == ""
    browser.set_cookie("desk", copied)
    assert browser.get("/desk").status_code == 303


def test_signing_out_everywhere_ends_all_sessions_and_links_of_this_person_alone(here: Platform) -> None:
    here.store.commit([Create(members.STAFF, "bo@wto.test", person())])
    phone, laptop, colleague = Browser(desk(here)), Browser(desk(here)), Browser(desk(here))
    sign_in(here, phone)
    sign_in(here, laptop)
    ask(here, colleague, "bo@wto.test")
    link = links(here)[-1]
    colleague.send(colleague.get(link), at=link)
    ask(here, Browser(desk(here)))
    unused = links(here)[-1]
    token = csrf_token(here, laptop)
    laptop.post("/desk/sign-out/everywhere", {"csrf_token": token})
    assert phone.get("/desk").status_code == laptop.get("/desk").status_code == 303
    assert phone.get(unused).status_code == 410
    assert colleague.get("/desk").status_code == 200


def test_membership_and_role_are_read_afresh(here: Platform) -> None:
    browser = Browser(desk(here))
    sign_in(here, browser)
    assert browser.get("/desk/rules").status_code == 403
    here.store.commit([Replace(members.STAFF, AMINA, person("administrator"), None)])
    assert browser.get("/desk/rules").status_code == 200
    here.store.commit([Replace(members.STAFF, AMINA, person("no such role"), None)])
    assert browser.get("/desk").status_code == 303


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("officer", 200), ("administrator", 200)])
def test_a_viewer_looks_and_changes_nothing(here: Platform, role: str, status: int) -> None:
    here.store.commit([Replace(members.STAFF, AMINA, person(role), None)])
    browser = Browser(desk(here))
    sign_in(here, browser)
    assert browser.get("/desk").status_code == 200
    token = csrf_token(here, browser)
    assert browser.post("/desk", {"csrf_token": token}).status_code == status


def test_a_form_sent_after_the_session_ended_can_be_sent_again(here: Platform) -> None:
    browser = Browser(desk(here))
    sign_in(here, browser)
    here.clock.forward(hours=3)  # type: ignore[attr-defined]
    token = csrf_token(here, browser)
    kept = browser.post("/desk?a=1", {"csrf_token": token, "text": 'a "long" answer\nin <two> lines'})
    assert kept.status_code == 401
    sign_in(here, browser)
    again = browser.send(kept)  # shown when nobody was signed in: who is now is to confirm it
    assert "Send it again" in words(again)
    assert browser.send(again).text.replace("\r", "") == f'hello {AMINA} a "long" answer\nin <two> lines'


def test_paths_that_are_open_need_no_session(here: Platform) -> None:
    browser = Browser(desk(here))
    assert browser.get("/mailbox").text == "mails"
    assert browser.get("/healthz").status_code == 200
    assert browser.get("/desk").status_code == 303


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    """PEM keys: ``public`` as the proxy publishes them, and both private ones."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pairs = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("google", "stranger")}
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public = {"google": pairs["google"].public_key().public_bytes(encoding, form).decode()}
    private = {
        name: pair.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        for name, pair in pairs.items()
    }
    return {"public": public, **private}


class TestIdentityAwareProxy:
    AUDIENCE = "/projects/1/global/backendServices/2"

    @pytest.fixture
    def browser(self, tmp_path: Path, keys: dict[str, Any]) -> Browser:
        from shared.adapters.cloud.identity import IdentityAwareProxy

        proxy = IdentityAwareProxy(self.AUDIENCE, lambda: keys["public"])
        here = platform(tmp_path, vouched_address=proxy.address)
        here.store.commit([Create(members.STAFF, AMINA, person())])
        return Browser(desk(here))

    def header(self, keys: dict[str, Any], key: str = "google", kid: str = "google", **claims: Any) -> dict[str, str]:
        import time

        from google.auth import crypt, jwt

        now = int(time.time())
        said = {
            "iss": "https://cloud.google.com/iap",
            "aud": self.AUDIENCE,
            "email": AMINA,
            "sub": "accounts.google.com:1",
            "iat": now - 5,
            "exp": now + 600,
        } | claims
        token = jwt.encode(crypt.EsSigner.from_string(keys[key], kid), said)
        return {"X-Goog-IAP-JWT-Assertion": token.decode()}

    def test_its_genuine_header_signs_in_without_a_link(self, browser: Browser, keys: dict[str, Any]) -> None:
        assert browser.get("/desk", headers=self.header(keys)).text.strip() == f"hello {AMINA}"

    @pytest.mark.parametrize(
        "fault",
        [
            {"key": "stranger"},
            {"key": "stranger", "kid": "unknown"},
            {"aud": "/projects/1/global/backendServices/3"},
            {"iss": "https://accounts.google.com"},
            {"exp": 1_700_000_000, "iat": 1_699_999_000},
            {"email": "nobody@who.test"},
            {"email": ""},
        ],
    )
    def test_a_header_that_is_forged_or_meant_for_others_is_refused(
        self, browser: Browser, keys: dict[str, Any], fault: dict[str, Any]
    ) -> None:
        assert browser.get("/desk", headers=self.header(keys, **fault)).status_code == 403

    def test_an_unsigned_or_missing_header_is_refused(self, browser: Browser, keys: dict[str, Any]) -> None:
        import base64

        head, body, _ = self.header(keys)["X-Goog-IAP-JWT-Assertion"].split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        for value in ("", "x", "a.b.c", f"{head}.{body}.", f"{none}.{body}."):
            assert browser.get("/desk", headers={"X-Goog-IAP-JWT-Assertion": value}).status_code == 403
        assert browser.get("/desk").status_code == 403

    def test_a_link_by_mail_does_not_sign_in_around_the_proxy(self, tmp_path: Path) -> None:
        here = platform(tmp_path)
        here.store.commit([Create(members.STAFF, AMINA, person())])
        browser = Browser(desk(here))
        sign_in(here, browser)

        def refuse(header: str) -> str:
            raise PermissionError("no header")

        behind = Browser(desk(replace(here, vouched_address=refuse)))
        behind.set_cookie("desk", browser.cookie("desk"))
        assert browser.get("/desk").status_code == 200
        assert behind.get("/desk").status_code == 403


def test_what_was_typed_and_where_it_leads_survive_a_fault_and_a_change_of_language(here: Platform) -> None:
    browser = Browser(desk(here))
    form = browser.get("/desk/sign-in?next=/desk/events")
    faulty = browser.send(form, email="amina at who.test")
    assert faulty.status_code == 422
    arabic = browser.send(faulty, at="/desk/sign-in?lang=ar", shown_in="en")
    assert arabic.status_code == 200
    assert 'dir="rtl"' in arabic.text
    for page in (faulty, arabic):
        assert 'value="amina at who.test"' in page.text
        assert 'name="next" value="/desk/events"' in page.text
    assert here.store.count("sign_ins") == 0
