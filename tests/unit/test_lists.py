"""How a list is looked at stands in its address, the same for every way to ask for the same."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from shared.web.lists import Column, Kind, Listing

KIND = Kind(
    "/things",
    (
        Column("name", "Name"),
        Column("age", "Age", ("young", "old")),
        Column("size", "Size"),
        Column("made", "Made", usual=False),
    ),
    filters=("q", "kind"),
    orders=("old", "young", "best"),
)


def listing(**asked: str | list[str]) -> Listing:
    return KIND.listing(MultiDict(asked))


def test_a_list_that_is_asked_for_nothing_has_no_query() -> None:
    assert (listing().address(), listing().filters, listing().order) == ("/things", {}, "old")
    assert [column.id for column in listing().columns] == ["name", "age", "size"]


@pytest.mark.parametrize(
    "asked",
    [
        {"columns": "name,made", "order": "young", "kind": "x", "density": "dense"},
        {"columns": ["made", "name", "made"], "order": "young", "kind": " x ", "density": "dense", "q": " "},
        {"columns": ["made,nothing"], "order": "young", "kind": "x", "density": "dense", "colour": "red"},
    ],
)
def test_one_look_has_one_address(asked: dict[str, str | list[str]]) -> None:
    found = listing(**asked)
    assert found.query == "kind=x&order=young&columns=name%2Cmade&density=dense"
    assert KIND.kept(found.query) == found


def test_what_there_is_not_is_left_out() -> None:
    found = listing(order="worst", columns="nothing", density="airy", q="w" * 300)
    assert (found.order, found.shown, found.dense) == ("old", ("name",), False)
    assert len(found.filters["q"]) == 200


def test_each_filter_is_a_tag_that_leads_to_the_list_without_it() -> None:
    found = listing(q="a b", kind="x")
    told = [("q", "Words", "a b"), ("kind", "Kind", "An X")]
    assert [tag[1:] for tag in found.tags(told, ("from", "v"))] == [
        ("a b", "/things?kind=x&from=v"),
        ("An X", "/things?q=a+b&from=v"),
    ]
    assert found.all().address() == "/things"


def test_a_column_orders_up_and_then_down_and_says_so() -> None:
    (age,) = (column for column in KIND.columns if column.orders)
    first = listing(order="best")
    up = first.by(age)
    assert [one.direction(age) for one in (first, up, up.by(age), listing())] == [
        "",
        "ascending",
        "descending",
        "descending",
    ]
    assert up.by(age).by(age) == up
    heads = {head["id"]: head for head in up.heads(str.upper, ("from", "v"))}
    assert [*heads] == ["name", "age", "size"]
    assert (heads["age"]["label"], heads["age"]["sorted"], heads["age"]["href"]) == (
        "AGE",
        "ascending",
        "/things?from=v",
    )
    assert [(head["heading"], bool(head["href"])) for head in up.heads(str, ordered=False)] == [
        (True, False),
        (False, False),
        (False, False),
    ]
