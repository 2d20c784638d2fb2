"""Strategies for everything that a pydantic model admits, read off its fields.

A field's type says what it holds (``shared.fields``), so a new field is drawn without a line here. What no type says
(which ids exist, which of two dates comes first) is given as a strategy of its own, by the field's name.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from zoneinfo import available_timezones

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import AfterValidator, BaseModel, StringConstraints, TypeAdapter, ValidationError

from shared import fields
from shared.formats import countries

MAX_ID = 15  # characters; ids that are longer bring nothing
M = TypeVar("M", bound=BaseModel)
Named = Mapping[str, SearchStrategy[Any]]

HOSTILE = [
    "<zz onload=1>",
    '"><zz onload=1>',
    "'><zz onload=1>",
    "</textarea><zz>",
    "</title><zz>",
    "<!--",
    "]]>",
    "&lt;zz&gt;",
    "&amp;",
    "{{ 7*7 }}",
    "{% raise %}",
    "{event}",
    "{0}",
    "{",
    "}",
    "{name}{reference}{staff}",
    "%(count)s",
    "%s%d%",
    "%",
    "=HYPERLINK(1)",
    ";=1+1",
    "＝1",
    "+1",
    "@a",
    "a\tb",
    "_x000B_",
    "\\",
    "\\n",
    "a;b,c",
    '"quoted"',
    "O’Neill",
    "BEGIN:VEVENT",
    "Bcc: x@example.org",
    "=?utf-8?q?x?=",
    "محمد عبد الله",
    "שלום עולם",
    "नमस्ते",
    "世界卫生组织",
    "a\u0301\u0302",
    "👩\u200d🔬🏳️\u200d🌈",
    "\u202eevil",
    "\u2067x",
    "می\u200cخواهم",
    "\ufeffx",
    "\U000e0041x",
    "W" * 180,
    "ﷺ" * 60,
    "i\u0307İß",
    "javascript:alert(1)",
    "../../etc/passwd",
    "1" * 150,
    "K7QM-3XHD",
    "null",
    "-",
    ".",
    "\u00a0x",
]
LETTERS = st.characters(exclude_categories=("Cs", "Cc"))
TAG_SAMPLES = [
    "ay",
    "xx",
    "zz-ZZ",
    "x-klingon",
    "i-default",
    "en-GB-oed",
    "root",
    "und",
    "ar-EG",
    "zh-cmn-Hans-CN",
    "iw",
]


def admitted(kind: Any) -> Callable[[Any], bool]:
    adapter = TypeAdapter(kind)

    def fits(value: Any) -> bool:
        try:
            adapter.validate_python(value)
        except ValidationError:
            return False
        return True

    return fits


def texts(most: int, lines: bool) -> SearchStrategy[str]:
    alphabet = st.one_of(LETTERS, st.just("\n")) if lines else LETTERS
    pieces = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(alphabet, min_size=1, max_size=20)), max_size=3)
    return pieces.map(lambda parts: "\n".join(parts) if lines else " ".join(parts)).filter(lambda t: len(t) <= most)


lines = texts(fields.MAX_LINE, False).filter(admitted(fields.Line))
optional_lines = texts(fields.MAX_LINE, False).filter(admitted(fields.OptionalLine))
prose = texts(2000, True).filter(admitted(fields.Prose))
language = st.one_of(
    st.sampled_from(TAG_SAMPLES),
    st.from_regex(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?(-[0-9][a-z0-9]{3})?(-x-[a-z]{1,8})?", fullmatch=True),
).filter(admitted(fields.Language))
local_parts = st.one_of(
    st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", fullmatch=True),
    st.sampled_from(["jürgen", "用户", "a.b", "O'Neill"]),
)
domains = st.sampled_from(
    ["example.org", "münchen.example", "例え.jp", "xn--mnchen-3ya.example", "EXAMPLE.org", "a-b.example"]
)
email = st.builds("{}@{}".format, local_parts, domains).filter(admitted(fields.Email))
paths = st.text(LETTERS, max_size=20)
web = st.builds("https://example.org/{}".format, paths).filter(admitted(fields.WebAddress))
localised = st.one_of(
    lines,
    st.dictionaries(st.one_of(st.just("ar"), language), prose, max_size=2).flatmap(
        lambda t: lines.map(lambda e: {**t, "en": e})
    ),
)
country = st.sampled_from(sorted(countries.codes()))
zone = st.sampled_from(sorted(available_timezones())).filter(admitted(fields.Zone))
moment = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))

BY_VALIDATOR: dict[str, SearchStrategy[Any]] = {
    "_visible": lines,  # a line; prose is told by its length
    "printable_line": optional_lines,
    "language_tag": language,
    "_country": country,
    "_zone": zone,
    "_email": email,
    "_web_address": web,
    "_with_english": localised,
    "_of_our_days": moment,
}
PLAIN: dict[Any, SearchStrategy[Any]] = {
    bool: st.booleans(),
    date: st.dates(date(1900, 1, 1), date(2199, 1, 1)),
    datetime: moment,
    time: st.times().map(lambda t: t.replace(microsecond=0)),
}


def models(model: type[M], **named: SearchStrategy[Any]) -> SearchStrategy[M]:
    """Instances of ``model``; ``named`` are strategies for fields whose type does not say enough."""
    model.model_rebuild()
    drawn: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        into = drawn if field.is_required() or name in named else optional
        given = named.get(name)
        into[field.alias or name] = values(field.annotation, tuple(field.metadata)) if given is None else given
    whole = st.fixed_dictionaries(drawn, optional=optional)
    return whole.filter(admitted(model)).map(model.model_validate)


def values(annotation: Any, metadata: tuple[Any, ...] = ()) -> SearchStrategy[Any]:
    """Of one type. Raises ``TypeError`` for a type that is not known here."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values(args[0], (*args[1:], *metadata))
    for mark in reversed(metadata):
        known = BY_VALIDATOR.get(getattr(mark.func, "__name__", "")) if isinstance(mark, AfterValidator) else None
        if known is not None:
            long = any(isinstance(m, StringConstraints) and m.max_length == fields.MAX_PROSE for m in metadata)
            return prose if long else known
    if origin in (Union, types.UnionType):
        return st.one_of(*(st.none() if one is type(None) else values(one) for one in args))
    if origin is Literal:
        return st.sampled_from(args)
    if origin is list:
        return st.lists(
            values(args[0]), min_size=_limit(metadata, MinLen, 0), max_size=min(3, _limit(metadata, MaxLen, 3))
        )
    if origin is dict:
        return localised.filter(lambda value: isinstance(value, dict)) if args[1] is not Any else st.just({})
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return models(annotation)
    if annotation is str:
        return _patterned(metadata)
    if annotation in (int, float):
        return _numbers(annotation, metadata)
    return PLAIN[annotation]


def _patterned(metadata: tuple[Any, ...]) -> SearchStrategy[str]:
    for mark in metadata:
        if isinstance(mark, StringConstraints) and isinstance(mark.pattern, str):
            return st.from_regex(mark.pattern.rstrip("$") + r"\Z").filter(lambda text: len(text) <= MAX_ID)
    return optional_lines


def _numbers(kind: type, metadata: tuple[BaseMetadata, ...]) -> SearchStrategy[Any]:
    low = max(
        [m.ge for m in metadata if isinstance(m, Ge)] + [m.gt + 1 for m in metadata if isinstance(m, Gt)], default=0
    )
    high = min(
        [m.le for m in metadata if isinstance(m, Le)] + [m.lt - 1 for m in metadata if isinstance(m, Lt)], default=1000
    )
    return st.integers(low, high) if kind is int else st.floats(low, high)


def _limit(metadata: tuple[Any, ...], kind: Any, otherwise: int) -> int:
    name = {MinLen: "min_length", MaxLen: "max_length"}[kind]
    return next((getattr(mark, name) for mark in metadata if isinstance(mark, kind)), otherwise)
