"""Mail addresses: the form that is sent and the form that is compared.

People write the domain of one mailbox in several ways (``münchen.example``, ``MÜNCHEN.example``,
``xn--mnchen-3ya.example``). Mail goes out in ASCII, and whether two addresses are one is asked of their folded forms.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from functools import lru_cache
from unicodedata import normalize

MAX_DOMAIN = 253  # characters, RFC 1035, section 2.3.4; also spares the library long nonsense


def ascii_domain(domain: str) -> str:
    """The domain in A-labels and lower case: IDNA 2008 (RFC 5891) after the mapping of UTS #46.

    Raises ``ValueError`` where a domain beyond ASCII is none.
    """
    if domain.isascii():
        return domain.lower()
    if len(domain) > MAX_DOMAIN:
        raise ValueError(f"a domain has at most {MAX_DOMAIN} characters")
    import idna  # most addresses need none of its tables

    return idna.encode(domain, uts46=True).decode()


def ascii_address(address: str) -> str:
    """The address as envelopes and headers carry it: its domain in ASCII. The local part is its host's affair
    (RFC 5321, section 2.4); one beyond ASCII stays so and needs SMTPUTF8 (RFC 6531).

    Raises ``ValueError`` as ``ascii_domain``.
    """
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


@lru_cache(64)  # one request asks several times
def folded_address(address: str) -> str:
    """The same for all spellings of one address: for keys and comparisons. Fails for no text."""
    text = normalize("NFC", address.strip())
    try:
        return ascii_address(text).lower()
    except ValueError:
        return text.lower()


def address_key(address: str) -> str:
    """A document id for the address, the same for all its spellings."""
    return hashlib.sha256(folded_address(address).encode()).hexdigest()[:40]


def mentions(address: str) -> re.Pattern[str]:
    """Finds the address in text, in any case, its domain in either alphabet; never as a part of a longer address."""
    import idna

    local, _, domain = folded_address(address).rpartition("@")
    domains = {domain}
    with suppress(idna.IDNAError):  # no domain of the DNS: it has this spelling only
        domains.add(idna.decode(domain))
    either = "|".join(map(re.escape, sorted(domains)))
    return re.compile(rf"(?<![\w.+-]){re.escape(local)}@(?:{either})(?![\w-]|\.\w)", re.IGNORECASE)
