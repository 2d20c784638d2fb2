"""The API for other sites' forms, the hook for inbound mail, and the events target."""

from __future__ import annotations

import base64
import io
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Request
from werkzeug.test import Client, EnvironBuilder, TestResponse

from functions.inquiries import handlers, toml_files
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.inquiries.web import api
from shared.contracts.bus_events import OUTBOX, message
from shared.contracts.inquiries import InquiryReceived, InquiryRouted
from shared.intake import Intake
from shared.keys.links import Link
from shared.ports import Create, Delete, Document
from shared.web.site import Site
from shared.wiring import Platform
from tests.functions.browser import SETTINGS, platform
from tests.functions.inquiry_world import REQUEST, samples

BODY = REQUEST | {"share_with": "all", "topics": ["local-production", "technology-transfer"]}
SECRET = "the provider's secret"


@dataclass
class Slice:
    platform: Platform
    service: Service
    client: Client
    intake: Intake

    def post(self, body: Any, **headers: str) -> TestResponse:
        return self.client.post("/api/inquiries", json=body, headers=headers)

    def rows(self) -> list[Document]:
        return self.platform.store.query(OUTBOX, order="time", limit=1000)

    def push(self, row: Document) -> int:
        """As Pub/Sub delivers one message."""
        sent = message(row.id, row.data)
        body = {
            "message": {"data": base64.b64encode(sent.data).decode(), "attributes": sent.attributes},
            "subscription": "projects/p/subscriptions/inquiries-inquiries",
        }
        builder = EnvironBuilder("/", method="POST", data=json.dumps(body), content_type="application/json")
        return self.intake(Request(builder.get_environ())).status_code


@pytest.fixture
def site(tmp_path: Path) -> Slice:
    here = platform(tmp_path, replace(SETTINGS, inbound_secret=SECRET))
    toml_files.import_into(here.store, samples(), here.clock.now())
    means = Means(here.store, here.files, here.clock, here.tokens, SETTINGS.base_url, SETTINGS.inbound_domain)
    service = Service(means)
    pages = Site(here, Path(api.__file__).parents[1] / "templates")
    api.register(pages, service)

    def application(environ: Any, start_response: Any) -> Any:
        return pages(Request(environ))(environ, start_response)

    return Slice(here, service, Client(application), handlers.intake(here, service))


# -- the API --


def test_a_request_by_api_gets_a_reference_and_its_page(site: Slice) -> None:
    answer = site.post(BODY)
    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["links"]["status"].startswith(f"{SETTINGS.base_url}/i/")
    token = answer.json["links"]["status"].rpartition("/")[2]
    assert site.service.requests.link(token).reference == answer.json["reference"]


def test_the_same_key_gets_the_first_answer_again(site: Slice) -> None:
    first, again = (site.post(BODY, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json == again.json
    reused = site.post({**BODY, "subject": "Other"}, **{"Idempotency-Key": "k1"})
    assert (reused.status_code, reused.json and reused.json["type"].rpartition("/")[2]) == (
        422,
        "idempotency-key-reused",
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "w.kamau"}, "email"),
        ({"country": "Kenya"}, "country"),
        ({"consent": False}, "consent"),
        ({"message": " "}, "message"),
        ({"subject": ""}, "subject"),
        ({"requester_type": "king"}, "requester_type"),
        ({"topics": ["no-such"]}, "topics"),
        ({"topics": "local-production"}, "topics"),
        ({"share_with": "fao"}, "share_with"),
        ({"language": "klingon!"}, "language"),
        ({"activity": "none"}, "activity"),
        ({"colour": "red"}, "colour"),
        ({"given_name": 7}, "given_name"),
        ({"message": "x" * 20_001}, "message"),
        ({"attachments": [{"name": "a.pdf", "content": "%%%"}]}, "attachments"),
        ({"attachments": [{"name": "a.pdf", "content": base64.b64encode(b"MZ\0").decode()}]}, "attachments"),
        ({"attachments": 7}, "attachments"),
    ],
)
def test_a_faulty_field_is_named(site: Slice, change: dict[str, Any], field: str) -> None:
    answer = site.post({**BODY, **change})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert [error["field"].partition(".")[0] for error in answer.json["errors"]] == [field]
    assert site.rows() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null"])
def test_what_is_no_json_object_is_told(site: Slice, body: bytes) -> None:
    answer = site.client.post("/api/inquiries", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert site.client.post("/api/inquiries", data=body, content_type="text/plain").status_code == 415


def test_attachments_come_in_base64(site: Slice) -> None:
    file = {"name": "plan.pdf", "content": base64.b64encode(b"%PDF-1.7").decode()}
    answer = site.post({**BODY, "attachments": [file]})
    assert answer.json is not None
    (kept,) = site.service.requests.status(Link(answer.json["reference"])).messages[0].attachments
    assert (kept.name, kept.media_type, kept.size) == ("plan.pdf", "application/pdf", 8)


def test_a_plain_form_of_another_site_leads_to_the_status_page(site: Slice) -> None:
    fields = {**BODY, "consent": "on", "attachments": (io.BytesIO(b"a,b\n1,2\n"), "data.csv"), "website": "ignored"}
    answer = site.client.post("/api/inquiries", data=fields)
    assert answer.status_code == 303
    assert "/i/" in answer.headers["Location"]


def test_activities_filter_and_search(site: Slice) -> None:
    def ids(query: str) -> list[str]:
        answer = site.client.get(f"/api/activities?{query}")
        assert answer.json is not None
        return [activity["id"] for activity in answer.json["activities"]]

    assert len(ids("")) == 25
    assert ids("organisation=wipo&kind=dispute_resolution") == ["mediation-life-sciences"]
    assert "patent-landscapes" in ids("q=landscape")
    assert ids("q=nothing-like-it") == []
    assert ids("topic=no-such") == []
    assert site.client.get("/api/activities?audience=king").status_code == 422
    assert site.client.get("/api/activities/patent-landscapes").json["sample"] is True  # type: ignore[index]
    assert site.client.get("/api/activities/none").status_code == 404


# -- the hook --


def test_the_hook_takes_mail_from_the_provider_alone(site: Slice) -> None:
    raw = b"From: a@b.example\nTo: nobody@onestop.test\nSubject: Hello\n\nHello\n"
    for auth in (None, ("hook", "wrong")):
        assert site.client.post("/inbound/mail", data=raw, auth=auth).status_code == 401
    answer = site.client.post("/inbound/mail", data=raw, auth=("hook", SECRET))
    assert answer.json == {"outcome": "quarantined", "reason": "unknown_address"}
    bearer = site.client.post("/inbound/mail", data=raw, headers={"Authorization": f"Bearer {SECRET}"})
    assert bearer.json == {"outcome": "duplicate", "reason": "unknown_address"}


def test_without_a_secret_no_mail_is_taken_in(site: Slice) -> None:
    closed = Site(replace(site.platform, settings=SETTINGS), Path())
    api.register(closed, site.service)
    client = Client(lambda environ, start: closed(Request(environ))(environ, start))
    assert client.post("/inbound/mail", data=b"x", auth=("hook", "")).status_code == 401


# -- events --


def test_a_thousand_pushes_doubled_and_disordered_route_each_inquiry_once(site: Slice) -> None:
    references = [site.post({**BODY, "subject": f"Plant {n}"}).json["reference"] for n in range(100)]  # type: ignore[index]
    rows = [row for row in site.rows() if row.data["type"] == InquiryReceived.type]
    pushes = rows * 10
    random.Random(7).shuffle(pushes)
    assert {site.push(row) for row in pushes} == {204}
    routed = [row for row in site.rows() if row.data["type"] == InquiryRouted.type]
    assert len(routed) == 2 * len(references), "one for the lead and one for the supporter of each"
    assert {row.data["data"]["reference"] for row in routed} == set(references)
    assert site.platform.store.count("assignments") == 2 * len(references)


def test_an_inquiry_waits_while_there_are_no_rules(site: Slice) -> None:
    current = site.platform.store.get("rule_sets", "current")
    assert current
    site.platform.store.commit([Delete("rule_sets", "current", None)])
    site.post(BODY)
    (row,) = site.rows()
    assert site.push(row) == 500, "it comes again"
    site.platform.store.commit([Create("rule_sets", "current", current.data)])
    assert site.push(row) == 204
    assert site.platform.store.count("assignments") == 2
