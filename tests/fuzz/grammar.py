"""Requests as nobody wrote them: over every route, between what is right and what is nasty, from one seed."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

from werkzeug.routing import Map, Rule

from tests.fuzz.nasty import BOUNDARY, BROKEN_JSON, FILES, FORM, JSON, NASTY, ODD_HEADERS, ODD_JSON, RAW, TYPES, VERBS


@dataclass(frozen=True)
class Caller:
    """Somebody with cookies; ``token`` goes into their forms."""

    name: str
    cookies: str = ""
    token: str = ""


@dataclass
class Call:
    """One request, and where it goes (a target, or the gateway's choice)."""

    method: str
    address: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    at: str = ""
    chunked: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        return self.method, self.address, tuple(self.headers), self.body, self.at, self.chunked

    def __str__(self) -> str:
        headers = {name: value[:80] for name, value in self.headers}
        return f"{self.method} {self.address[:300]!r} {headers} {self.body[:600]!r}{' chunked' * self.chunked}"


@dataclass
class Grammar:
    """
    Args:
        maps: the URL map of each target that has one.
        known: good values by the name of a field or part of a path.
        samples: whole good bodies by a part of the address that takes them.
        callers: who may send; the first is a stranger.
        mails: good mails for the hook, with a recipient.
        pushes: good messages for the events targets: attributes and data.
    """

    dice: random.Random
    maps: Mapping[str, Map]
    known: Mapping[str, Sequence[str]]
    samples: Mapping[str, Mapping[str, Any]]
    callers: Sequence[Caller]
    mails: Sequence[tuple[str, bytes]]
    pushes: Sequence[tuple[dict[str, str], bytes]]
    secret: str
    push_authorization: str

    def __post_init__(self) -> None:
        self._rules = [(at, rule) for at, map in self.maps.items() for rule in map.iter_rules()]
        self._weights = [_weight(rule) for _, rule in self._rules]
        self._names = sorted(self.known)
        self._any = sorted({value for values in self.known.values() for value in values})

    def keep(self, prefix: str) -> None:
        """From now on only the routes below one path."""
        self._rules = [(at, rule) for at, rule in self._rules if rule.rule.startswith(prefix)]
        self._weights = [1] * len(self._rules)

    def call(self) -> Call:
        kinds: list[tuple[int, Callable[[], Call]]] = [
            (82, self._routed),
            (8, self._mail),
            (7, self._push),
            (3, self._stray),
        ]
        make = self.dice.choices([make for _, make in kinds], [weight for weight, _ in kinds])[0]
        return make()

    # -- values --

    def _one(self, *chances: float) -> int:
        """The number of the chance that came true; the last number where none did."""
        point = self.dice.random()
        for number, chance in enumerate(chances):
            if point < chance:
                return number
            point -= chance
        return len(chances)

    def _value(self, name: str) -> str:
        good = self.known.get(name) or self._any
        match self._one(0.55, 0.25, 0.08, 0.06):
            case 0:
                return self.dice.choice(good)
            case 1:
                return self.dice.choice(NASTY)
            case 2:
                return self.dice.choice(self._any)
            case 3:
                text = self.dice.choice(good)
                place = self.dice.randint(0, len(text))
                return text[:place] + self.dice.choice(NASTY)[:2000] + text[place:]
            case _:
                return "".join(
                    chr(self.dice.choice((self.dice.randrange(128), self.dice.randrange(0xD800))))
                    for _ in range(self.dice.randrange(40))
                )

    def _quoted(self, text: str) -> str:
        raw = self.dice.choice(RAW) if self.dice.random() < 0.03 else text.encode()
        return quote_from_bytes(raw, safe="") if self.dice.random() < 0.97 else quote_from_bytes(raw, safe="/?&=;~@:")

    def _query(self) -> str:
        if self.dice.random() < 0.5:
            return ""
        pairs = [(self.dice.choice(self._names), "") for _ in range(self.dice.choice((1, 1, 2, 3, 5)))]
        joined = "&".join(f"{self._quoted(name)}={self._quoted(self._value(name))}" for name, _ in pairs)
        return "?" + self.dice.choice((joined, joined, joined, joined, joined, "&&&=&", "%", "a" * 9000, "a=b&" * 1500))

    def _headers(self, caller: Caller) -> list[tuple[str, str]]:
        def latin(text: str) -> str:
            """As it comes off the wire: any bytes but a line's end."""
            return text.encode().decode("latin-1").replace("\r", "").replace("\n", "").replace("\0", "")[:8000]

        found = [("Cookie", caller.cookies)] if caller.cookies else []
        if self.dice.random() < 0.15:
            names = ("visitor", "lang", "desk", "__Host-desk", "__Host-visitor", "x")
            found = [("Cookie", f"{self.dice.choice(names)}={latin(self._value('lang'))}; {caller.cookies}")]
        for name, values in ODD_HEADERS.items():
            if self.dice.random() < 0.05:
                found.append((name, latin(self.dice.choice(values) if self.dice.random() < 0.8 else self._value("q"))))
        return found

    # -- bodies --

    def _new_address(self) -> str:
        return f"p{self.dice.randrange(10**9)}@ministry.example"

    def _fields(self, address: str, token: str) -> list[tuple[str, str]]:
        sample = next((body for part, body in self.samples.items() if part in address), {})
        fields: list[tuple[str, str]] = []
        for name, value in sample.items():
            if name == "email" and self.dice.random() < 0.9:
                value = self._new_address()
            for one in value if isinstance(value, list) else [value]:
                text = ("on" if one is True else str(one)) if self.dice.random() < 0.93 else self._value(name)
                fields.append((f"{name}[]" if isinstance(value, list) else name, text))
        if not sample or self.dice.random() < 0.4:
            fields += [(name, self._value(name)) for name in self.dice.choices(self._names, k=self.dice.randrange(6))]
        if fields and self.dice.random() < 0.15:
            fields += [self.dice.choice(fields)] * self.dice.choice((1, 3, 30))
        if fields and self.dice.random() < 0.15:
            fields.remove(self.dice.choice(fields))
        if self.dice.random() < 0.02:
            fields += [("a", "b")] * self.dice.choice((900, 1500))
        return [("csrf_token", token if self.dice.random() < 0.96 else self._value("token")), *fields]

    def _form(self, address: str, token: str) -> tuple[str, bytes]:
        fields = self._fields(address, token)
        if self.dice.random() < 0.6:
            return FORM, urlencode(fields, errors="replace").encode()
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields
        ]
        for _ in range(self.dice.choice((0, 0, 1, 1, 2, 11))):
            name = self._value("file").replace('"', "%22").replace("\r", "").replace("\n", "")
            head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="attachments"; filename="{name}"\r\n\r\n'
            parts.append(head.encode() + self.dice.choice(FILES) * self.dice.choice((1, 1, 1000)) + b"\r\n")
        body = b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
        if self.dice.random() < 0.08:
            body = body[: self.dice.randrange(len(body))]
        if self.dice.random() < 0.04:
            place = self.dice.randrange(len(body))
            body = body[:place] + self.dice.choice(RAW) + body[place + 3 :]
        return f"multipart/form-data; boundary={BOUNDARY}", body

    def _json(self, address: str) -> tuple[str, bytes]:
        if self.dice.random() < 0.2:
            return JSON, self.dice.choice(BROKEN_JSON)
        body = dict(next((body for part, body in self.samples.items() if part in address), {}))
        if "email" in body:
            body["email"] = self._new_address()
        if self.dice.random() < 0.3:
            content = base64.b64encode(self.dice.choice(FILES)).decode()
            files: Any = [
                {"name": self._value("file"), "content": content if self.dice.random() < 0.8 else self._value("file")}
            ]
            body["attachments"] = (
                files * self.dice.choice((1, 1, 11)) if self.dice.random() < 0.9 else self.dice.choice(ODD_JSON)
            )
        for name in list(body):
            if self.dice.random() < 0.08:
                body[name] = self._value(name) if self.dice.random() < 0.6 else self.dice.choice(ODD_JSON)
            elif self.dice.random() < 0.03:
                del body[name]
        if self.dice.random() < 0.2:
            body["answers"] = {
                self.dice.choice(self.known["answers"]): self.dice.choice(
                    (self._value("function"), self.dice.choice(ODD_JSON))
                )
            }
        if self.dice.random() < 0.1:
            body[self._value("q")] = self.dice.choice(ODD_JSON)
        return JSON, json.dumps(body, ensure_ascii=self.dice.random() < 0.8).encode(errors="surrogatepass")

    # -- whole requests --

    def _routed(self) -> Call:
        at, rule = self.dice.choices(self._rules, self._weights)[0]
        caller = self.dice.choice(self.callers)
        method = (
            self.dice.choice(sorted(rule.methods or {"GET"})) if self.dice.random() < 0.95 else self.dice.choice(VERBS)
        )
        path = self._path(rule)
        headers, body = self._headers(caller), b""
        if method in ("POST", "PUT", "PATCH") or self.dice.random() < 0.02:
            kind, body = (
                self._json(path)
                if path.startswith("/api/") and self.dice.random() < 0.6
                else self._form(path, caller.token)
            )
            headers.append(("Content-Type", kind if self.dice.random() < 0.95 else self.dice.choice(TYPES)))
        if self.dice.random() < 0.01:
            headers.append(("Content-Length", self.dice.choice(("0", "-1", "x", "5", "99999999999"))))
        return Call(method, path + self._query(), headers, body, at, self.dice.random() < 0.05)

    def _path(self, rule: Rule) -> str:
        path = ""
        for dynamic, part in rule._trace:
            if not dynamic:
                path += part.removeprefix("|")
                continue
            choices = (
                self.known.get(f"{rule.rule.strip('/').split('/')[0]}.{part}") or self.known.get(part) or self._any
            )
            path += self._quoted(self.dice.choice(choices) if self.dice.random() < 0.75 else self._value(part))
        return path

    def _mail(self) -> Call:
        recipient, raw = self.dice.choice(self.mails)
        for _ in range(self.dice.choice((0, 1, 1, 2, 4))):
            place = self.dice.randrange(len(raw) + 1)
            bit = self.dice.choice(
                (*RAW, b"\n", b"\r\n", b"=?utf-7?q?+2AA-?=", b'"' * 500, b"<a " * 200, b"\0", self._value("q").encode())
            )
            raw = raw[:place] + bit + raw[place + self.dice.choice((0, 0, 1, 30)) :]
        if self.dice.random() < 0.1:
            raw = raw[: self.dice.randrange(len(raw) + 1)]
        who = recipient if self.dice.random() < 0.85 else self._value("email")
        headers = [("Authorization", f"Bearer {self.secret}")] if self.dice.random() < 0.95 else []
        sender = f"&sender={self._quoted(self._value('email'))}" if self.dice.random() < 0.3 else ""
        return Call("POST", f"/inbound/mail?recipient={self._quoted(who)}{sender}", headers, raw)

    def _push(self) -> Call:
        attributes, data = self.dice.choice(self.pushes)
        attributes = dict(attributes)
        for name in list(attributes):
            if self.dice.random() < 0.08:
                attributes[name] = self._value(name)
        if self.dice.random() < 0.3:
            content = json.loads(data)
            if content:
                content[self.dice.choice(sorted(content))] = self.dice.choice(
                    (self._value("q"), self.dice.choice(ODD_JSON))
                )
            data = json.dumps(content).encode()
        push: Any = {
            "message": {"data": base64.b64encode(data).decode(), "attributes": attributes},
            "subscription": "projects/p/subscriptions/fuzz",
            "deliveryAttempt": self.dice.choice((1, 2, None, "x", 2**70, -1)),
        }
        if self.dice.random() < 0.15:
            push["message"][self.dice.choice(("data", "attributes"))] = self.dice.choice(ODD_JSON)
        body = json.dumps(push).encode() if self.dice.random() < 0.9 else self.dice.choice(BROKEN_JSON)
        headers = [("Authorization", self.push_authorization), ("Content-Type", JSON)]
        target = self.dice.choice(("registration-events", "inquiries-events", "notification-events"))
        return Call("POST", self.dice.choice(("/", "/", "/x")), headers, body, target)

    def _stray(self) -> Call:
        """No route at all."""
        path = "/".join(["", *(self._quoted(self._value("q"))[:5000] for _ in range(self.dice.choice((0, 1, 2, 5))))])
        return Call(self.dice.choice(VERBS), (path or "*") + self._query(), self._headers(self.callers[0]))


def _weight(rule: Rule) -> int:
    """What takes something in is asked more often than what shows it."""
    if "POST" not in (rule.methods or ()):
        return 2
    return 16 if rule.rule.startswith(("/api/", "/contact")) else 4
