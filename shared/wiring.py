"""The one place that chooses adapters. Only ``main.py`` files, the runner and the tools call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from shared import logs, topology
from shared.adapters.clock import SystemClock
from shared.ports import Bus, Clock, Files, Mailer, Store
from shared.settings import Settings, from_environment
from shared.tokens import Tokens


@dataclass(frozen=True)
class Platform:
    """The ports with their adapters, as one process has them."""

    settings: Settings
    store: Store
    bus: Bus
    mailer: Mailer
    files: Files
    clock: Clock
    tokens: Tokens
    vouched_address: Callable[[str], str] | None = None
    """Where Identity-Aware Proxy guards the desks: the address that its signed header vouches for; raises
    ``PermissionError`` for a header that is not its own. None: staff sign in with links by mail."""


def build(settings: Settings) -> Platform:
    """Adapters are imported where they are chosen: the embedded engine never loads Google's clients."""
    clock = SystemClock(settings.data / "clock.offset" if settings.test_clock else None)
    tokens = Tokens(settings.secret_keys)
    if settings.engine == "cloud":
        from shared.adapters import cloud

        store, bus, relays, files = cloud.connect(settings)
        return Platform(settings, store, bus, relays, files, clock, tokens, _proxy(settings))
    from shared.adapters.embedded.bus import SqliteBus
    from shared.adapters.embedded.files import FolderFiles
    from shared.adapters.embedded.mailer import MaildirMailer
    from shared.adapters.embedded.store import SqliteStore

    plan = topology.load()
    mailer: Mailer = MaildirMailer(settings.data / "mail")
    if settings.smtp_relays:
        from shared.adapters.smtp import SmtpMailer

        mailer = SmtpMailer(settings.smtp_relays)
    return Platform(
        settings,
        SqliteStore(settings.data / "store.db", plan.store),
        SqliteBus(settings.data / "bus.db", plan, first_retry=1.0),
        mailer,
        FolderFiles(settings.data / "files"),
        clock,
        tokens,
        _proxy(settings),
    )


def _proxy(settings: Settings) -> Callable[[str], str] | None:
    if not settings.iap_audience:
        return None
    from shared.adapters.cloud.iap import IdentityAwareProxy

    return IdentityAwareProxy(settings.iap_audience).address


@cache
def platform() -> Platform:
    """This process's platform, from the environment. Raises ``shared.settings.BadSettings``."""
    logs.setup()
    return build(from_environment())
