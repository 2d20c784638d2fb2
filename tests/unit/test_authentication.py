"""Who verified a mail's sender: the header of RFC 8601, as providers write it and as attackers would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.inquiries.inbound_mail.authentication import verdict

MX = "mx.provider.example"
SENDER = "amina@health.example"
GOOGLE = (
    "mx.google.com; dkim=pass header.i=@health.example header.s=s1 header.b=Ab1c=; "
    "spf=pass (google.com: domain of amina@health.example designates 192.0.2.1 as permitted sender) "
    "smtp.mailfrom=amina@health.example; dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=health.example"
)
AMAZON = (
    "amazonses.com; spf=pass (spfCheck: domain of health.example designates 192.0.2.1 as permitted sender) "
    "client-ip=192.0.2.1; envelope-from=amina@health.example; helo=mail.health.example; "
    "dkim=pass header.i=@health.example; dmarc=pass header.from=health.example;"
)


@pytest.mark.parametrize(
    ("results", "sender"),
    [
        ("dmarc=pass header.from=health.example", SENDER),
        ("dmarc=pass", SENDER),
        ("dmarc = pass (p=none)", SENDER),
        ("DMARC=Pass header.from=HEALTH.example", SENDER),
        ('dmarc=pass header.from="health.example"', SENDER),
        ("dmarc/1=pass", SENDER),
        ("spf=fail smtp.mailfrom=list.example; dmarc=pass", SENDER),
        ("dkim=pass header.d=health.example", SENDER),
        ("dkim=fail header.d=x.example; dkim=pass header.i=@mail.health.example", SENDER),
        ("dmarc=none; dkim=pass header.d=health.example", SENDER),
        ("dmarc=bestguesspass; spf=pass smtp.mailfrom=health.example", SENDER),
        ("spf=pass smtp.mailfrom=bounce@health.example", SENDER),
        ("dkim=pass header.d=health.example", "amina@nairobi.health.example"),
        ("dkim=pass header.d=xn--mnchen-3ya.example", "amina@xn--mnchen-3ya.example"),
        ("dkim=pass header.d=münchen.example", "amina@xn--mnchen-3ya.example"),
        ("dkim=pass header.b=aGk= header.d=health.example", SENDER),
    ],
)
def test_a_pass_of_the_senders_domain_verifies(results: str, sender: str) -> None:
    assert verdict([f"{MX}; {results}"], MX, sender).is_verified
    assert verdict([f"{MX.upper()} 1; {results}"], MX, sender).is_verified


@pytest.mark.parametrize(
    "results",
    [
        "",
        "none",
        "dmarc=fail header.from=health.example",
        "dmarc=temperror",
        "dmarc=none",
        "dmarc=fail; dkim=pass header.d=health.example",  # the policy's word comes first
        "dmarc=fail; dmarc=pass",
        "dmarc=pass header.from=evil.example",
        "spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example",
        "spf=pass smtp.helo=health.example",
        "dkim=pass header.d=example",  # a whole top-level domain
        "dkim=pass header.d=nothealth.example",
        "dkim=pass header.d=health.example.evil.example",
        "dkim=pass",
        "dkim=none header.d=health.example",
        "dkim=fail (dmarc=pass)",
        "dkim=fail (a (nested; dmarc=pass) b; dmarc=pass)",
        r"dkim=fail (an escaped \) bracket; dmarc=pass)",
        'dkim=fail reason="; dmarc=pass"',
        r'dkim=fail reason="\"; dmarc=pass"',
        'spf=fail smtp.mailfrom="a; dmarc=pass header.from=health.example; x"@evil.example',
        "spf=fail dmarc=pass",
        "x-dmarc=pass",
        "dkim=fail (never ends; dmarc=pass",
        'dkim=fail reason="never ends; dmarc=pass',
    ],
)
def test_all_else_does_not(results: str) -> None:
    assert not verdict([f"{MX}; {results}"], MX, SENDER).is_verified


def test_providers_as_they_write() -> None:
    assert verdict([GOOGLE], "mx.google.com", SENDER) == (True, "dkim=pass spf=pass dmarc=pass")
    assert verdict([AMAZON], "amazonses.com", SENDER).is_verified
    for header, id in ((GOOGLE, "mx.google.com"), (AMAZON, "amazonses.com")):
        failed = header.replace("dmarc=pass", "dmarc=fail")
        assert not verdict([failed], id, SENDER).is_verified


def test_only_the_topmost_of_the_providers_id_counts() -> None:
    passed, failed = f"{MX}; dmarc=pass", f"{MX}; dmarc=fail"
    other = "mx.elsewhere.example; dmarc=pass"
    assert verdict([other, passed], MX, SENDER).is_verified
    for fields in ([failed, passed], [other, failed, passed], [other], [f"{MX}.evil.example; dmarc=pass"], []):
        assert not verdict(fields, MX, SENDER).is_verified


def test_without_a_provider_nobody_is_verified() -> None:
    for fields in ([f"{MX}; dmarc=pass"], ["; dmarc=pass"], [" "], []):
        assert not verdict(fields, "", SENDER).is_verified


@given(st.text(alphabet='a;="()\\ .@', max_size=40))
def test_what_a_sender_controls_stays_where_a_provider_puts_it(text: str) -> None:
    """Quoted as the grammar asks, no local part makes a result."""
    quoted = text.replace("\\", r"\\").replace('"', r"\"")
    value = f'{MX}; spf=fail smtp.mailfrom="{quoted}; dmarc=pass"@evil.example; dmarc=fail'
    assert verdict([value], MX, SENDER) == (False, "spf=fail dmarc=fail")


@pytest.mark.parametrize(
    "value", ["(" * 100_000, "x=y " * 50_000, '"' + "\\" * 100_000, ";" * 100_000, "=" * 100_000, "a" * 200_000]
)
def test_hostile_headers_say_nothing(value: str) -> None:
    assert not verdict([f"{MX}; {value}"] * 20, MX, SENDER).is_verified
    assert not verdict([f"{MX}; {value}"[:10_000]] * 20, MX, SENDER).is_verified
