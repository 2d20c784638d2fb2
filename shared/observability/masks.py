"""What no log may hold: addresses of people, and whatever opens a door by itself (links, tokens, passwords)."""

from __future__ import annotations

import re
from typing import Any

MASK = "***"
_SUSPECT = re.compile(r"[@/~?&=]|reply\+|bearer|basic|authorization|cookie|eyJ|\.[a-z2-7]{26}", re.IGNORECASE)
_END = r"""[^\s/?&#"'<>(),;\\]"""  # of what stands in a path, a query or a header
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # a header by name, or a scheme by itself (RFC 9110, 11.4); a JSON Web Token
    (
        re.compile(r"""(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['"]?\s{0,9}[:=,]\s{0,9})[^\r\n]*"""),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]+"), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[\w-]*\.[\w-]*\.[\w-]*"), MASK),
    # the user and password of a URL (RFC 3986, 3.2.1), values of a query
    (re.compile(r"(://)[^\s/@]{1,300}@"), rf"\1{MASK}@"),
    (re.compile(rf"([?&][\w.\[\]%+-]{{1,100}}=){_END}+"), rf"\1{MASK}"),
    # links of ours: registrations, inquiries, sign-in, receipts; what ``shared.keys.tokens`` signs, anywhere
    (re.compile(rf"((?:/r|/i|/desk/sign-in|/registered)/){_END}+"), rf"\1{MASK}"),
    (re.compile(r"(?<![\w:@+.%-])[\w:@+.%-]{1,200}(?:~|%7E)[0-9a-f]{0,16}(?:~|%7E)[\w-]{20,100}", re.IGNORECASE), MASK),
    (re.compile(r"reply(?:\+|%2B)[\w.-]+", re.IGNORECASE), f"reply+{MASK}"),
    (re.compile(r"(?<=\.)[a-z2-7]{26}(?![\w.-])", re.IGNORECASE), MASK),
    # an address: its first letter and its domain stay
    (re.compile(r"(?<![\w.+-])([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)"), rf"\1{MASK}@\2"),
)


def masked(text: str) -> str:
    """``text`` for a log. Linear in its length."""
    if not _SUSPECT.search(text):
        return text
    for pattern, mask in _RULES:
        text = pattern.sub(mask, text)
    return text


def masked_value(value: Any) -> Any:
    """The same for what is to become JSON: texts in lists and objects too, and what has no form in JSON, as text."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(str(name)): masked_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [masked_value(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else masked(str(value))
