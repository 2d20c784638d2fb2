"""The services of all slices in one process, under a clock that goes from one appointment to the next."""

from __future__ import annotations

import base64
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from flask import Request
from werkzeug.test import EnvironBuilder

from functions.inquiries import handlers as inquiries_handlers
from functions.inquiries.main import means_of
from functions.inquiries.services import Service
from functions.notification import handlers as notification_handlers
from functions.notification.deliveries.service import Deliveries
from functions.registration import handlers as registration_handlers
from functions.registration.registrations.service import Registrations
from infra.local.ticker import minute_of, tick
from shared import topology
from shared.contracts.bus_events import OUTBOX, message
from shared.ports import Delete, Message
from shared.wiring import Platform

TICKS = range(5, 20, 3)  # hours (UTC) at which the clock's work is done; once a minute would do nothing more
PAGE = 200


class SetClock:
    """``shared.ports.Clock`` that stands where it was put."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Town:
    """
    Args:
        here: where all of it is stored; its own clock is not asked.
        begin, end: nothing happens before or after.
    """

    def __init__(self, here: Platform, begin: datetime, end: datetime, seed: int) -> None:
        self.random, self.begin, self.end = random.Random(seed), begin, end
        self._clock = SetClock(begin)
        here = replace(here, clock=self._clock, push_guard=None)
        settings = here.settings
        self.store, self.tokens = here.store, here.tokens
        self.registrations = Registrations(here.store, here.clock, here.tokens, settings.base_url)
        self.means = means_of(here)
        self.mail_domain = settings.inbound_domain
        self.inquiries = Service(self.means)
        deliveries = Deliveries(
            here.store, here.mailer, here.clock, settings.mail_from, singles=0, base_url=settings.base_url
        )
        self._intakes = {
            "registration": registration_handlers.intake(here, self.registrations),
            "inquiries": inquiries_handlers.intake(here, self.inquiries),
            "notification": notification_handlers.intake(here, deliveries),
        }
        self._subscriptions = topology.load().subscriptions_of
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    @property
    def now(self) -> datetime:
        """Of the appointment that is being kept."""
        return self._clock.at

    def at(self, when: datetime, do: Callable[[], None]) -> None:
        """Do it then, unless that lies after the end."""
        if when <= self.end:
            heapq.heappush(self._agenda, (max(when, self.begin), next(self._numbers), do))

    def later(self, least: float, most: float, do: Callable[[], None], office: bool = False) -> None:
        """Do it between so many hours from now; ``office``: in working hours (Monday to Friday, Geneva's day)."""
        when = self.now + timedelta(hours=self.random.uniform(least, most))
        self.at(in_office(when) if office else when, do)

    def live(self) -> None:
        """Until the end: keep every appointment, tell everybody what came of it, and do the clock's work."""
        day = self.begin.replace(hour=0, minute=0)
        while day <= self.end:
            for hour in TICKS:
                self.at(day.replace(hour=hour), self._tick)
            day += timedelta(days=1)
        self.at(self.end, self._tick)
        while self._agenda:
            self._clock.at, _, do = heapq.heappop(self._agenda)
            do()
            self._tell()

    def _tick(self) -> None:
        self._push(tick(self.now, minute_of(self.now)))

    def _tell(self) -> None:
        while rows := self.store.query(OUTBOX, limit=PAGE):
            for row in rows:
                self._push(message(row.id, row.data))
            self.store.commit([Delete(OUTBOX, row.id, None) for row in rows])

    def _push(self, sent: Message) -> None:
        body = {"message": {"data": base64.b64encode(sent.data).decode(), "attributes": sent.attributes}}
        for subscription in self._subscriptions(sent.topic):
            builder = EnvironBuilder(method="POST", json=body | {"subscription": subscription.name})
            answer = self._intakes[subscription.function](Request(builder.get_environ()))
            if answer.status_code != 204:
                raise RuntimeError(f"{subscription.name} answers {answer.status_code} to {sent.attributes}")


def in_office(when: datetime) -> datetime:
    """The same instant, or the next one in working hours."""
    if when.hour >= 16:
        when = when.replace(hour=7) + timedelta(days=1)
    if when.hour < 8:
        when = when.replace(hour=8)
    return when + timedelta(days=max(0, 7 - when.weekday()) if when.weekday() > 4 else 0)
