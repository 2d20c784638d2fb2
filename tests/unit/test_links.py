"""A personal link holds for its generation and its time, and nothing but the key makes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.keys.links import Link, VoidLink
from shared.keys.tokens import BadToken, Tokens

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(days=1), NOW - timedelta(days=1)
TOKENS = Tokens(["key"])


@pytest.mark.parametrize("link", [Link("ABCD-EFGH"), Link("ABCD-EFGH", 3), Link("ABCD-EFGH", 12, LATER)])
def test_a_link_reads_as_it_was_made(link: Link) -> None:
    assert Link.read(TOKENS, "manage", link.token(TOKENS, "manage")) == link


def test_links_of_before_there_were_generations_are_the_first() -> None:
    assert Link.read(TOKENS, "manage", TOKENS.sign("manage", "ABCD-EFGH")) == Link("ABCD-EFGH", 0)
    assert Link("ABCD-EFGH").token(TOKENS, "manage") == TOKENS.sign("manage", "ABCD-EFGH")


def test_the_generation_is_signed() -> None:
    """The negative control: with the key itself a holder of an old link could count it up, without it not."""
    old = Link("ABCD-EFGH", 1).token(TOKENS, "manage")
    counted = old.replace(":1~", ":2~")
    assert counted != old
    for forged in (counted, old.replace(":1~", "~"), Link("ABCD-EFGH", 2).token(Tokens(["mine"]), "manage")):
        with pytest.raises(BadToken):
            Link.read(TOKENS, "manage", forged)
    assert Link.read(Tokens(["mine"]), "manage", Link("ABCD-EFGH", 2).token(Tokens(["mine"]), "manage")).generation == 2


def test_a_link_of_another_purpose_is_none() -> None:
    with pytest.raises(BadToken):
        Link.read(TOKENS, "manage", Link("ABCD-EFGH").token(TOKENS, "verify"))


@pytest.mark.parametrize(
    ("link", "generation", "until", "holds"),
    [
        (Link("A"), 0, LATER, True),
        (Link("A"), 0, EARLIER, False),
        (Link("A"), 1, LATER, False),  # a newer one was made
        (Link("A", 2), 1, LATER, False),
        (Link("A", 1), 1, LATER, True),
        (Link("A", 1, LATER), 1, EARLIER, True),  # mailed on request, long after
        (Link("A", 1, EARLIER), 1, EARLIER, False),
        (Link("A", 1, EARLIER), 1, LATER, True),  # and its own time shortens nothing
        (Link("A", 0, LATER), 1, EARLIER, False),
    ],
)
def test_it_holds_for_its_generation_and_its_time(link: Link, generation: int, until: datetime, holds: bool) -> None:
    assert link.holds(generation, until, NOW) is holds
    if not holds:
        with pytest.raises(VoidLink):
            link.check(generation, until, NOW)
