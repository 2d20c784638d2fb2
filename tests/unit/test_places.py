"""Whom a limit counts: addresses, however they are written, and nobody's mere claim."""

from __future__ import annotations

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.web.http.places import Place, is_this_machine, parse_address, place_of

PROXY = "10.0.0.1"
VISITOR = Place("203.0.113.9/32", "203.0.113.0/24")


def asking(forwarded: str | None, peer: str = PROXY) -> Request:
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    return Request(EnvironBuilder(headers=headers, environ_base={"REMOTE_ADDR": peer}).get_environ())


@pytest.mark.parametrize(
    ("forwarded", "hops", "expected"),
    [
        (None, 0, Place("10.0.0.1/32", "10.0.0.0/24")),
        ("203.0.113.9", 0, Place("10.0.0.1/32", "10.0.0.0/24")),  # forged: no proxy of ours is in front
        ("203.0.113.9", 1, VISITOR),
        ("198.51.100.66, 203.0.113.9", 1, VISITOR),  # the left one is the visitor's own claim
        ("198.51.100.66, 203.0.113.9, 35.191.0.1", 2, VISITOR),
        ("203.0.113.9, ", 1, VISITOR),  # a second header of the visitor's, empty, came to stand behind our proxy's
        (" , 203.0.113.9,,", 1, VISITOR),
        ("203.0.113.9:52114", 1, VISITOR),
        ("203.000.113.009", 1, VISITOR),
        ("::ffff:203.0.113.9", 1, VISITOR),
        ("[::ffff:203.0.113.9]:443", 1, VISITOR),
        ("[::FFFF:CB00:7109]", 1, VISITOR),
        (None, 1, None),  # came around our proxy
        ("203.0.113.9", 2, None),
        ("203.0.113.9, unknown", 1, None),  # never what stands beside the entry that counts
        ("203.0.113.9, _hidden", 1, None),
        ("198.51.100.66, 127.0.0.1", 1, None),  # one more proxy on this machine than we were told of
        ("127.0.0.1", 1, None),
        ("[::1]:80", 1, None),
    ],
)
def test_only_our_own_proxies_say_where_the_visitor_is(forwarded: str | None, hops: int, expected: Place) -> None:
    assert place_of(asking(forwarded), hops) == expected


@pytest.mark.parametrize(
    ("address", "visitor", "network"),
    [
        ("203.0.113.9", "203.0.113.9/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:0DB8:0001:0002::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("[2001:db8:1:2::7]:443", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:2::7%eth0", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("[2001:db8:1:2::7%25eth0]:443", "2001:db8:1:2::/64", "2001:db8:1::/48"),
    ],
)
def test_one_visitor_is_one_however_the_address_is_written(address: str, visitor: str, network: str) -> None:
    assert place_of(asking(address), 1) == Place(visitor, network)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "1.2.3",
        "1.2.3.256",
        "1.2.3.4.5",
        "999999999999.1.1.1",
        "²03.0.113.9",
        ":::",
        "[::1",
        "%",
        "1.2.3.4:",
    ],
)
@pytest.mark.parametrize("times", [1, 10_000])
def test_what_is_no_address_is_none_and_no_error(text: str, times: int) -> None:
    found = parse_address(text * times)
    assert found is None or str(found) == "::1"


@pytest.mark.parametrize(
    ("forwarded", "peer", "expected"),
    [
        (None, "127.0.0.1", True),
        (None, "::1", True),
        ("127.0.0.1", "127.0.0.1", True),  # through our gateway
        ("127.0.0.1", "203.0.113.9", False),  # forged, in every place of the header
        ("127.0.0.1, 127.0.0.1", "169.254.1.1", False),
        ("127.0.0.1, 203.0.113.9", "127.0.0.1", False),
        ("203.0.113.9, 127.0.0.1", "127.0.0.1", False),  # a web server of the operator's in front of the gateway
        ("unknown", "127.0.0.1", False),
        ("127.0.0.1", "", False),
    ],
)
def test_no_header_makes_a_stranger_one_of_this_machines_programs(
    forwarded: str | None, peer: str, expected: bool
) -> None:
    assert is_this_machine(asking(forwarded, peer)) is expected
