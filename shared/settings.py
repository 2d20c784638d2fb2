"""Settings, read once from environment variables, most of them ``ONESTOP_*``."""

from __future__ import annotations

import importlib.util
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

from shared.formats.addresses import ascii_domain
from shared.private_folder import private_folder

LOCAL_PUSHER = "pusher@onestop.local"  # the local runner's stand-in for Pub/Sub's service account
PUSH_KEYS = "push.keys.json"  # in the data folder: its public keys


class BadSettings(Exception):
    """A setting is missing or makes no sense; the text names the variable and the mend."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Against machines that fill in forms; 0 lifts a limit."""

    visitor: int = 120  # forms and API posts in an hour from one address (IPv6: one /64)
    network: int = 1200  # the same from one network (IPv4 /24, IPv6 /48)
    busy: int = 300  # forms and API posts in five minutes in the whole system; beyond, each needs a proof of work
    seconds: int = 2  # a form sent sooner after it was shown needs a proof of work
    origin: int = 300  # forms and API posts in an hour from the pages of one other site; beyond, as when it is busy
    mails: int = 3  # a day to an address that has confirmed nothing, one by one; those beyond are merged


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between a laptop, the emulators and the cloud."""

    engine: str  # "embedded" or "cloud" (with the emulators' variables set: the emulators)
    data: Path  # the embedded engine's folder
    base_url: str  # the one origin, without a trailing slash
    secret_keys: tuple[str, ...]  # the last one signs, all are accepted
    allowed_origins: tuple[str, ...]  # CORS
    mail_from: str  # "onestop <noreply@example.org>"
    smtp_relays: tuple[str, ...]  # smtp[s]://user:password@host:port, tried in this order; none: the maildir
    project: str  # Google Cloud project
    test_clock: bool  # the clock follows the file `clock.offset` in the data folder
    emulated: bool = False  # the cloud engine talks to the emulators
    files_bucket: str = ""  # Cloud Storage, for attachments and exports
    push_auth: bool = True  # pushes must carry a token of `push_account` for `push_audience`
    push_verified: bool = False  # Cloud Run has verified the token's signature, and removed it
    push_audience: str = ""
    push_account: str = ""
    iap_audience: str = ""  # Identity-Aware Proxy guards the desks and signs for this audience
    trusted_hops: int = 0  # our own proxies in front, each of which appends to X-Forwarded-For
    limits: Limits = Limits()
    inbound_secret: str = ""  # what a mail provider's inbound hook must know; none: no mail is taken in
    smtputf8: bool = False  # a relay takes addresses with letters beyond ASCII before the @ (RFC 6531)
    inbound_authserv: str = ""  # the provider's id in Authentication-Results (RFC 8601); none: no sender is verified
    reply_domain: str = ""  # of the addresses that answers to our mails go to; none: that of mail_from
    desk_keys: tuple[
        str, ...
    ] = ()  # as secret_keys, for what makes a browser a colleague's; none where only the public comes
    mailbox_open: bool = False  # the local mailbox shows everybody's mails to whoever reaches this server
    traces: str = ""  # where OpenTelemetry spans go: "otlp", "console" or nowhere

    @property
    def secure(self) -> bool:
        """Whether visitors come by HTTPS; then cookies go no other way."""
        return self.base_url.startswith("https:")

    @property
    def on_this_machine(self) -> bool:
        """Embedded or on the emulators: files and mail may stay in the data folder."""
        return self.engine == "embedded" or self.emulated

    @property
    def inbound_domain(self) -> str:
        """The part after the @ of our reply addresses."""
        return self.reply_domain or self.from_domain

    @property
    def trusts_senders(self) -> bool:
        """No mail leaves this machine or comes from elsewhere, and no provider is named: nobody could verify."""
        return self.keeps_mail and not self.inbound_authserv

    @property
    def from_domain(self) -> str:
        """Of the address that our mails come from."""
        return self.mail_from.rpartition("@")[2].rstrip("> ")

    @property
    def keeps_mail(self) -> bool:
        """Whether mail ends in the local mailbox instead of going out."""
        return self.on_this_machine and not self.smtp_relays


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises ``BadSettings``."""

    def listed(name: str) -> tuple[str, ...]:
        return tuple(environ.get(name, "").split())

    engine = environ.get("ONESTOP_ENGINE", "embedded")
    if engine not in ("embedded", "cloud"):
        raise BadSettings(f"ONESTOP_ENGINE is {engine!r}: set it to 'embedded' or 'cloud'")
    emulated = engine == "cloud" and "FIRESTORE_EMULATOR_HOST" in environ
    data = Path(environ.get("ONESTOP_DATA", ".onestop")).absolute()
    keys = listed("ONESTOP_SECRET_KEYS")
    if not keys and engine == "cloud" and not emulated:
        raise BadSettings("ONESTOP_SECRET_KEYS is not set: give at least one random key of 32 characters or more")
    keys = keys or (_local_key(data),)
    on_cloud = engine == "cloud" and not emulated
    return Settings(
        engine=engine,
        data=data,
        base_url=environ.get("ONESTOP_BASE_URL", "http://127.0.0.1:8080").rstrip("/"),
        secret_keys=keys,
        desk_keys=listed("ONESTOP_DESK_KEYS") or (() if on_cloud else keys),
        allowed_origins=listed("ONESTOP_ALLOWED_ORIGINS"),
        mail_from=_sender(environ.get("ONESTOP_MAIL_FROM", "onestop <noreply@onestop.example>")),
        smtp_relays=listed("ONESTOP_SMTP_RELAYS"),
        project=environ.get("GOOGLE_CLOUD_PROJECT", "onestop-local"),
        test_clock=environ.get("ONESTOP_TEST_CLOCK") == "1",
        emulated=emulated,
        files_bucket=environ.get("ONESTOP_FILES_BUCKET", ""),
        push_auth=_push_auth(environ.get("ONESTOP_PUSH_AUTH", "on"), emulated),
        push_verified=environ.get("ONESTOP_PUSH_AUTH") == "platform",
        push_audience=environ.get("ONESTOP_PUSH_AUDIENCE", "onestop" if engine == "embedded" else ""),
        push_account=environ.get("ONESTOP_PUSH_ACCOUNT", LOCAL_PUSHER if engine == "embedded" else ""),
        iap_audience=environ.get("ONESTOP_IAP_AUDIENCE", ""),
        trusted_hops=_number("ONESTOP_TRUSTED_HOPS", environ.get("ONESTOP_TRUSTED_HOPS", "0")),
        limits=_limits(environ.get("ONESTOP_LIMITS", "")),
        inbound_secret=environ.get("ONESTOP_INBOUND_SECRET", ""),
        inbound_authserv=environ.get("ONESTOP_INBOUND_AUTHSERV", "").strip(),
        smtputf8=_switch("ONESTOP_SMTPUTF8", environ.get("ONESTOP_SMTPUTF8", "off")),
        reply_domain=_domain("ONESTOP_REPLY_DOMAIN", environ.get("ONESTOP_REPLY_DOMAIN", "")),
        mailbox_open=_mailbox(environ.get("ONESTOP_MAILBOX", "local")),
        traces=_traces(environ.get("OTEL_TRACES_EXPORTER", "")),
    )


def _switch(name: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise BadSettings(f"{name} is {text!r}: set it to 'on' or 'off'")
    return text == "on"


def _sender(text: str) -> str:
    """``name <address>`` with the domain in ASCII. Raises ``BadSettings``."""
    address = parseaddr(text)[1]
    local, at, domain = address.rpartition("@")
    if not (local.isascii() and local and domain):
        raise BadSettings(f"ONESTOP_MAIL_FROM is {text!r}: write 'name <address@example.org>'")
    return text.replace(address, f"{local}{at}{_domain('ONESTOP_MAIL_FROM', domain)}")


def _domain(name: str, text: str) -> str:
    """A mail domain in ASCII. Raises ``BadSettings``."""
    try:
        return ascii_domain(text)
    except ValueError as error:
        raise BadSettings(f"{name} has {text!r}, which is no domain: {error}") from None


def _limits(text: str) -> Limits:
    """``off``, or numbers for some of the limits: ``visitor=500 busy=0``. Raises ``BadSettings``."""
    if text == "off":
        return Limits(**dict.fromkeys(Limits.__slots__, 0))
    numbers = {}
    for name, _, number in (word.partition("=") for word in text.split()):
        if name not in Limits.__slots__:
            raise BadSettings(f"ONESTOP_LIMITS does not know {name!r}: one of {', '.join(Limits.__slots__)}")
        numbers[name] = _number(f"ONESTOP_LIMITS, {name}", number)
    return Limits(**numbers)


def _traces(exporter: str) -> str:
    """The exporter, "" for none. Raises ``BadSettings``."""
    if exporter in ("", "none"):
        return ""
    if exporter not in ("otlp", "console"):
        raise BadSettings(f"OTEL_TRACES_EXPORTER is {exporter!r}: set it to 'otlp', 'console' or 'none'")
    if importlib.util.find_spec("opentelemetry") is None:
        needed = "pip install -r tests/requirements.txt"
        raise BadSettings(f"OTEL_TRACES_EXPORTER is {exporter!r}, but OpenTelemetry is not installed: {needed}")
    return exporter


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadSettings(f"{name} is {text!r}: write a whole number, 0 or more")
    return int(text)


def _mailbox(value: str) -> bool:
    if value not in ("local", "open"):
        raise BadSettings(f"ONESTOP_MAILBOX is {value!r}: set it to 'local' (this machine alone) or 'open' (everybody)")
    return value == "open"


def _push_auth(value: str, emulated: bool) -> bool:
    """The Pub/Sub emulator alone sends no tokens, so there alone the check may be off. ``platform``: the function is
    behind Cloud Run's own check (IAM), which removes the signature from what it lets through."""
    if value not in ("on", "off", "platform"):
        raise BadSettings(f"ONESTOP_PUSH_AUTH is {value!r}: set it to 'on', 'platform' or 'off'")
    if value == "off" and not emulated:
        raise BadSettings("ONESTOP_PUSH_AUTH is 'off': only the emulators may push without a token; set it to 'on'")
    return value != "off"


def _local_key(data: Path) -> str:
    """The key of this data folder, made on first use; the first of several processes wins."""
    path = data / "secret.key"
    if not path.exists():
        private_folder(data)
        draft = data / f"secret.key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32))
        with suppress(FileExistsError):
            os.link(draft, path)  # atomic
        draft.unlink()
    return path.read_text().strip()
