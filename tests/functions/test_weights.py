"""What each public page weighs as it comes over the wire, with its style sheets, scripts and pictures (but for
those that a browser loads when somebody scrolls to them).

``make weights`` shows the table. A connection's first flight carries ten segments of 1,460 bytes (RFC 6928), which is
where "14 kB" comes from: 14,000 of them for what we send leaves the rest to the headers.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from werkzeug.routing import Rule

from functions.inquiries.casework.case import MESSAGES
from functions.inquiries.casework.drafts import DRAFTS, LIFE, PURPOSE
from shared.ports import Create, utc_text
from shared.web.http import compression
from shared.web.http.one_time_pad import padded
from shared.web.http.rate_limits import Limiter
from tests.functions.inquiry_world import REQUEST
from tests.fuzz.village import Village, maps
from tests.house import Answer, House, opened

MAX_WEIGHT = 14_000  # bytes
LANGUAGES, METHODS = ("en", "ar"), ("GET", "POST")
VISITOR = "0" * 32
LINKED = re.compile(r'<(?:link|script|img(?![^>]*loading="lazy"))[^>]*(?:href|src)="(/assets/[^"]+)"')
WORKER = re.compile(r'new URL\("([\w.-]+)"')  # a script that a script loads


@dataclass(frozen=True)
class Weighed:
    """One page in one language. ``files`` is what it links, in bytes like ``page``."""

    rule: str
    address: str
    language: str
    page: int
    files: int

    @property
    def all(self) -> int:
        return self.page + self.files


@dataclass
class Scales:
    """
    Args:
        known: values for the parts of paths, by name, or by the beginning of the path and the name.
        cookies: of the visitor, who is in the middle of asking for assistance.
        reached: routes that gave what they have, and not only said that there is nothing.
    """

    house: House
    known: dict[str, list[str]]
    cookies: str
    reached: set[str] = field(default_factory=set)
    _sizes: dict[str, int] = field(default_factory=dict)

    def weigh(self, beginning: str = "/") -> Iterator[Weighed]:
        """Every page of the public targets, as it is asked for, and then as it answers an empty form."""
        for method, rule in itertools.product(METHODS, public()):
            if method in (rule.methods or ()) and rule.rule.startswith(beginning):
                for address, language in itertools.product(self._addresses(rule), LANGUAGES):
                    yield from self._weighed(f"{method} {rule.rule}", method, address, language)

    def _weighed(self, name: str, method: str, address: str, language: str) -> Iterator[Weighed]:
        answer = self.send(method, f"{address}?lang={language}")
        if answer.status == 200:
            self.reached.add(name)
        if answer.body and answer.headers["Content-Type"].startswith("text/html"):
            files = sum(map(self._size, self._files_of(answer)))
            yield Weighed(name, address, language, len(answer.body), files)

    def send(self, method: str, address: str) -> Answer:
        """A browser that GETs, or POSTs an empty form."""
        headers = [("Accept-Encoding", "gzip"), ("Accept", "text/html"), ("Cookie", self.cookies)]
        if method == "GET":
            return self.house.send(method, address, headers)
        token = padded(self.house.platform.tokens.sign("csrf", VISITOR))
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        return self.house.send(method, address, headers, f"csrf_token={token}".encode())

    def _addresses(self, rule: Rule) -> Iterator[str]:
        first, names = rule.rule.split("/")[1], sorted(rule.arguments)
        for values in itertools.product(*(self.known.get(f"{first}.{name}") or self.known[name] for name in names)):
            parts = dict(zip(names, values, strict=True))
            yield re.sub(r"<(?:\w+:)?(\w+)>", lambda found: parts[found[1]], rule.rule)  # noqa: B023 - at once

    def _files_of(self, answer: Answer) -> set[str]:
        """Addresses of what the page loads, and of what that loads."""
        packed = answer.headers.get("Content-Encoding") == "gzip"
        linked = set(LINKED.findall((zlib.decompress(answer.body, 31) if packed else answer.body).decode()))
        scripts = {address for address in linked if ".js" in address}
        return linked | {f"/assets/{name}" for at in scripts for name in WORKER.findall(self.house.get(at).text)}

    def _size(self, address: str) -> int:
        if address not in self._sizes:
            self._sizes[address] = len(self.house.get(address, headers=[("Accept-Encoding", "gzip")]).body)
        return self._sizes[address]


def public() -> list[Rule]:
    """The routes that everybody may ask for."""
    return [rule for at, map in maps().items() if at.endswith("-web") for rule in map.iter_rules()]


def heaviest(weighed: list[Weighed]) -> dict[tuple[str, str], Weighed]:
    """By route and language."""
    return {(one.rule, one.language): one for one in sorted(weighed, key=lambda one: one.all)}


@pytest.fixture(scope="module")
def scales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scales]:
    """In busy times: forms carry a challenge then, and load the scripts that solve it."""
    with opened(tmp_path_factory.mktemp("house")) as house, pytest.MonkeyPatch.context() as patch:
        village = Village(house)
        village.settle()
        patch.setattr(Limiter, "reached", lambda *about: True)
        made = Scales(house, _known(village), f"visitor={VISITOR}; draft={_draft(village)}")
        assert made.send("POST", f"/r/{made.known['r.token'][0]}/verify").status == 303
        yield made


def _known(village: Village) -> dict[str, list[str]]:
    store, sign = village.platform.store, village.platform.tokens.sign

    def ids(collection: str, limit: int = 1000) -> list[str]:
        return [document.id for document in store.query(collection, limit=limit)]

    events, registrations, inquiries = ids("events"), ids("registrations", 4), ids("inquiries")
    messages = store.query(MESSAGES, limit=1000)
    return {
        "slug": events,
        "event": events,
        "activity": ids("activities"),
        "id": ids("activities"),
        "i.id": [file["id"] for message in messages for file in message.data["attachments"]],
        "r.token": [sign(purpose, one) for one in registrations for purpose in ("verify", "manage")],
        "i.token": [sign("inquiry", one) for one in inquiries],
        "receipt": [sign("receipt", f"{event}:{registrations[0]}:unverified") for event in events],
        "series.id": ids("series"),
        "name": ["style.css"],
        "assets.id": ids("themes") + ids("organisations"),
        "kind": ["emblem", "banner"],
        "pages.id": ids("pages"),
    }


def _draft(village: Village) -> str:
    """The token of a request that is written as far as the last step."""
    here = village.platform
    until = here.clock.now() + LIFE
    here.store.commit([Create(DRAFTS, "0" * 32, {"values": REQUEST, "expire_at": utc_text(until)})])
    return here.tokens.sign(PURPOSE, "0" * 32, until)


def test_every_public_page_fits_into_a_first_flight(scales: Scales) -> None:
    weighed = list(scales.weigh())
    found = heaviest(weighed)
    print(f"\n{'compressed bytes':44} {'en: page':>9} {'in all':>7} {'ar: page':>9} {'in all':>7}")
    for rule in sorted({rule for rule, _ in found}, key=lambda rule: -found[rule, "en"].all):
        figures = "".join(f" {one.page:9} {one.all:7}" for one in (found[rule, language] for language in LANGUAGES))
        print(f"{rule:44}{figures}")
    heavy = [one for one in found.values() if one.all > MAX_WEIGHT]
    assert not heavy, f"above {MAX_WEIGHT} bytes, compressed, with style sheet and scripts: {heavy}"
    asked = {f"GET {rule.rule}" for rule in public() if "GET" in (rule.methods or ())}
    assert asked <= scales.reached, "give these routes something to show (_known)"


def test_without_compression_it_would_not(scales: Scales, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(compression, "takes_gzip", lambda request: False)
    assert max(one.all for one in scales.weigh("/contact")) > MAX_WEIGHT
