"""Where a request comes from, as an address that limits can be counted by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import Request

Address = IPv4Address | IPv6Address
# A port may follow; brackets set it apart from an IPv6 address (RFC 3986, 3.2.2), which may name a zone (RFC 4007, 11).
_IPV4 = re.compile(r"(\d{1,9}(?:\.\d{1,9}){3})(?::\d{1,9})?", re.ASCII)
_IPV6 = re.compile(r"\[?([0-9A-Fa-f:]{2,45}(?:\.[0-9.]{1,40})?)(?:%[^\]\s]{1,40})?(?:\](?::\d{1,9})?)?", re.ASCII)


@dataclass(frozen=True)
class Place:
    """What counts as one visitor and as one network: IPv4 itself and its /24; IPv6 a /64 and its /48."""

    visitor: str
    network: str


def place_of(request: Request, trusted_hops: int) -> Place | None:
    """Where the visitor is, as the outermost of our own ``trusted_hops`` proxies saw it.

    Each of them appends to ``X-Forwarded-For`` whom it talks to; everything further left is hearsay. None where that
    names no address of the network: one that cannot be read, fewer entries than proxies, or this machine itself
    although the request comes from elsewhere. Such visitors must not share a limit, nor have none.
    """
    entries = _entries(request.headers.get("X-Forwarded-For", ""))
    if trusted_hops == 0:
        said = request.remote_addr or ""
    elif trusted_hops <= len(entries):
        said = entries[-trusted_hops]
    else:
        return None
    address = parse_address(said)
    return _place(address) if address and not address.is_loopback else None


def is_this_machine(request: Request) -> bool:
    """Whether one of this machine's own programs asks, alone or through our gateway.

    A header can only take this away: whoever is connected must be here, and nobody from elsewhere named on the way.
    """
    return _all_here(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""))


@lru_cache(1000)  # each request asks several times, and those of one proxy name the same
def _all_here(connected: str, forwarded: str) -> bool:
    seen = [parse_address(entry) for entry in [connected, *_entries(forwarded)]]
    return all(address is not None and address.is_loopback for address in seen)


@lru_cache(1000)
def parse_address(text: str) -> Address | None:
    """The address in ``192.0.2.1``, ``192.0.2.1:443``, ``2001:db8::1``, ``[2001:db8::1]:443``, ``fe80::1%eth0``, with
    leading zeros too; an IPv4 address inside an IPv6 one is itself (RFC 4291, 2.5.5.2). None for anything else."""
    text = text.strip().strip('"')
    try:
        if plain := _IPV4.fullmatch(text):
            return IPv4Address(".".join(str(int(part)) for part in plain[1].split(".")))
        if found := _IPV6.fullmatch(text):
            address = ip_address(found[1])
            return getattr(address, "ipv4_mapped", None) or address
    except ValueError:
        pass
    return None


def _entries(forwarded: str) -> list[str]:
    """Empty entries of a list count for nothing (RFC 9110, 5.6.1.2)."""
    return [entry.strip() for entry in forwarded.split(",") if entry.strip()]


def _place(address: Address) -> Place:
    near, far = (64, 48) if address.version == 6 else (32, 24)
    return Place(*(str(ip_network((address, bits), strict=False)) for bits in (near, far)))
