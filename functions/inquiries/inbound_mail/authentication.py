"""Whether the provider that took a mail in has verified its sender, by its ``Authentication-Results`` (RFC 8601).

Anybody may write such a header into a mail: only the topmost that bears our provider's id counts, since a provider puts
its own on top and removes what poses as it (section 5). One of them holds all results, or DMARC's stands on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.formats.addresses import ascii_domain

MAX_FIELD = 10_000  # characters; nobody's results are longer
NO_POLICY = ("none", "bestguesspass")  # the second is Exchange Online's


class Verdict(NamedTuple):
    """Whether the sender is who they say."""

    is_verified: bool
    says: str  # the results, for people: "spf=fail dmarc=fail"


@dataclass(frozen=True)
class Result:
    """One method's result in Authentication-Results (RFC 8601, 2.2)."""

    method: str
    value: str  # pass, fail, none ...
    properties: dict[str, str] = field(default_factory=dict)  # by "header.from" and its kin


def verdict(fields: Sequence[str], authserv: str, sender: str) -> Verdict:
    """Verified: ``dmarc=pass``; where the domain has no DMARC policy, DKIM or SPF pass for a domain aligned with it.

    Args:
        fields: values of the mail's ``Authentication-Results``, topmost first.
        authserv: the provider's id; empty: nobody verifies.
        sender: folded address in ``From``.
    """
    if not authserv:
        return Verdict(False, "")
    results = next((found for id, found in map(_read, fields) if id == authserv.lower()), [])
    says = " ".join(f"{result.method}={result.value}" for result in results)
    domain = sender.rpartition("@")[2]
    dmarc = [result for result in results if result.method == "dmarc" and result.value not in NO_POLICY]
    if dmarc:
        passes = all(one.value == "pass" and _same(one.properties.get("header.from", domain), domain) for one in dmarc)
    else:
        passes = any(one.value == "pass" and _is_aligned(_authenticated(one), domain) for one in results)
    return Verdict(passes, says)


def _authenticated(result: Result) -> str:
    """The domain that a result of DKIM (RFC 6376) or SPF (RFC 7208) vouches for; empty for none."""
    told = result.properties
    if result.method == "dkim":
        return told.get("header.d") or told.get("header.i", "").rpartition("@")[2]
    return told.get("smtp.mailfrom", "").rpartition("@")[2] if result.method == "spf" else ""


def _same(one: str, other: str) -> bool:
    try:
        return ascii_domain(one.strip(".")) == other
    except ValueError:
        return False


def _is_aligned(authenticated: str, domain: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1) without a list of public suffixes: the same domain, or one within the other.

    Stricter than the organisational domain where two are siblings, and laxer only for who runs a public suffix.
    """
    try:
        name = ascii_domain(authenticated.strip("."))
    except ValueError:
        return False
    within = name.endswith(f".{domain}") or domain.endswith(f".{name}")
    return "." in name and (name == domain or within)


def _read(value: str) -> tuple[str, list[Result]]:
    """The authserv-id in lower case and the results. What does not follow the grammar says nothing."""
    if len(value) > MAX_FIELD:
        return "", []
    statements = list(_statements(value))
    id = statements[0][0].lower() if statements and statements[0] else ""
    results = []
    for words in statements[1:]:
        pairs = list(_pairs(words))
        if pairs:
            (method, result), *properties = pairs
            results.append(Result(method.partition("/")[0], result.lower(), dict(reversed(properties))))
    return id, results


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    """``name=value``, names in lower case; a sign that is left over is a part of a value (base64)."""
    at = 0
    while at + 2 < len(words):
        if words[at] != "=" and words[at + 1] == "=":
            yield words[at].lower(), words[at + 2]
            at += 3
        else:
            at += 1


def _statements(value: str) -> Iterator[list[str]]:
    """The words between semicolons, ``=`` being one; without comments, which nest, and with quotation marks taken off.

    In one pass (RFC 5322, 3.2). A comment or quotation that never ends takes the rest with it.
    """
    words: list[str] = []
    word: list[str] | None = None  # None: between words
    depth, quoted = 0, False
    letters = iter(value)
    for letter in letters:
        if letter == "\\" and (depth or quoted):
            letter = next(letters, "")
            if quoted and word is not None:
                word.append(letter)
        elif quoted:
            if letter == '"':
                quoted = False
            elif word is not None:
                word.append(letter)
        elif letter == "(":
            depth += 1
        elif depth:
            depth -= letter == ")"
        elif letter == '"':
            quoted, word = True, word or []
        elif letter in ";=" or letter.isspace():
            if word is not None:
                words.append("".join(word))
                word = None
            if letter == "=":
                words.append(letter)
            elif letter == ";":
                yield words
                words = []
        else:
            word = [] if word is None else word
            word.append(letter)
    if word is not None:
        words.append("".join(word))
    yield words
