"""The one place that chooses adapters. Only ``main.py`` files, the runner and the tools call it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from shared import topology
from shared.adapters.clock import SystemClock
from shared.keys.tokens import Tokens
from shared.observability import logs, tracing
from shared.ports import Bus, Clock, Files, Mailer, Store
from shared.private_folder import private_folder
from shared.settings import PUSH_KEYS, Settings, from_environment


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
    push_guard: Callable[[str], None] | None = None
    """Raises ``PermissionError`` for a header ``Authorization`` that is not our subscriptions'. None: no check."""


def build(settings: Settings) -> Platform:
    """Adapters are imported where they are chosen: the embedded engine never loads Google's clients."""
    if settings.on_this_machine:
        private_folder(settings.data)
    clock = SystemClock(settings.data / "clock.offset" if settings.test_clock else None)
    tokens = Tokens(settings.secret_keys, settings.desk_keys)
    plan = topology.load()
    store: Store
    bus: Bus
    if settings.engine == "cloud":
        from shared.adapters import cloud

        store, bus = cloud.connect(settings)
    else:
        from shared.adapters.embedded.bus import SqliteBus
        from shared.adapters.embedded.store import SqliteStore

        store = SqliteStore(settings.data / "store.db", plan.store)
        bus = SqliteBus(settings.data / "bus.db", plan, first_retry=1.0)
    return Platform(
        settings, store, bus, _mailer(settings), _files(settings), clock, tokens, _proxy(settings), _guard(settings)
    )


def _mailer(settings: Settings) -> Mailer:
    if settings.keeps_mail:
        from shared.adapters.embedded.mailer import MaildirMailer

        return MaildirMailer(settings.data / "mail")
    from shared.adapters.smtp import SmtpMailer

    return SmtpMailer(settings.smtp_relays)


def _files(settings: Settings) -> Files:
    if settings.on_this_machine:  # Cloud Storage has no official emulator
        from shared.adapters.embedded.files import FolderFiles

        return FolderFiles(settings.data / "files")
    from shared.adapters.cloud.storage import BucketFiles

    return BucketFiles(settings.files_bucket)


def _proxy(settings: Settings) -> Callable[[str], str] | None:
    if not settings.iap_audience:
        return None
    from shared.adapters.cloud.identity import IdentityAwareProxy

    return IdentityAwareProxy(settings.iap_audience).address


def _guard(settings: Settings) -> Callable[[str], None] | None:
    if not settings.push_auth:
        return None
    from shared.adapters.cloud.identity import PushGuard, kept

    if settings.engine == "embedded":
        keys = kept(settings.data / PUSH_KEYS)
        return PushGuard(settings.push_audience, settings.push_account, (settings.push_account,), keys)
    return PushGuard(settings.push_audience, settings.push_account, verified=settings.push_verified)


@cache
def platform() -> Platform:
    """This process's platform, from the environment. Raises ``shared.settings.BadSettings``."""
    logs.setup()
    made = build(from_environment())
    if made.settings.traces:
        from shared.adapters import otel

        tracing.use(otel.OpenTelemetry(otel.exporter(made.settings.traces)))
    gc.freeze()  # all that was imported
    gc.enable()
    return made
