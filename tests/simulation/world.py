"""A world of one event and three organisations: what people, staff and the clock do to it, in an order and with faults
that a seed chooses; then it comes to rest, and is looked at (``invariants.py``, ``at_rest.py``).
"""

from __future__ import annotations

import io
import json
import random
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from flask import Request

from functions.inquiries import handlers as inquiries_events
from functions.inquiries.means import Means
from functions.inquiries.services import Service
from functions.notification import handlers as notification_events
from functions.notification.deliveries.service import Deliveries
from functions.registration import handlers as registration_events
from functions.registration.events.models import EventDefinition
from functions.registration.registrations.service import Registrations
from infra.local.pusher import push_body
from shared import settings, topology
from shared.adapters.embedded.bus import Queued
from shared.contracts.bus_events import message, outbox_row
from shared.contracts.clock import Tick
from shared.contracts.registration import SeatsReleased
from shared.intake import DEAD_LETTER_TOPIC, DEAD_LETTERS, replay
from shared.keys.tokens import Tokens
from shared.outbox import RelayingStore
from shared.ports import Message, Store, Unavailable, utc_text
from shared.wiring import Platform
from tests.simulation import content, inquirers, registrants
from tests.simulation.at_rest import AtRest
from tests.simulation.memory import MemoryBus, MemoryFiles, MemoryMailer, MemoryStore, Pending
from tests.simulation.scene import Plan, SetClock, Slices
from tests.simulation.scheduler import Chances, Port, Process, Scheduler

BASE = "https://onestop.example"
DOMAIN = "onestop.example"
REST = timedelta(minutes=20)  # between two ticks, when all has come to rest
MAX_TICKS = 150
Spoil = Callable[[Any, Any], Any]
"""A planted fault around the store, which also gets the bus: the negative control."""


@cache
def _settings() -> settings.Settings:
    return settings.from_environment({"ONESTOP_SECRET_KEYS": "a key", "ONESTOP_BASE_URL": BASE})


class World:
    def __init__(self, plan: Plan, spoil: Spoil = lambda store, bus: store) -> None:
        self.plan, self._spoil = plan, spoil
        self.chance = random.Random(f"{plan.seed} world")
        self.clock = SetClock()
        self.seconds = 0.0
        self.topology = topology.load()
        self.store = MemoryStore(self.topology.store).filled_from(content.imported())
        self.bus, self.files, self.mailer = MemoryBus(self.topology), MemoryFiles(), MemoryMailer()
        self.tokens = Tokens(["key"])
        if self.chance.random() < 0.3:
            self.mailer.gone = self.chance.choice(["p0@people.example", *(one.email for one in content.staff())])
        self.theme = plan.theme
        self.people = min(plan.people, 4) if self.theme in ("seats", "forms") else plan.people
        likely, switch = 0.004 * plan.faults, self.chance.choice((0.1, 0.5, 0.9))
        if self.theme == "clock":
            likely *= 4  # a page of reminders is a single commit
        stall = 0.05 if self.theme == "seats" else self.chance.choice((0.0, 0.02, 0.05))
        chances = Chances(likely, likely, switch, stall)
        self.scheduler = Scheduler(self.chance, chances, self._over)
        self.scheduler.processes = [Process(number) for number in range(self.chance.choice((2, 3, 5)))]
        self.books = AtRest(self)
        self.store.watch, self.mailer.watch = self.books.committed, self.books.sent
        self.pace = timedelta(hours=self.chance.choice((0.2, 1, 8) if self.theme != "clock" else (2, 6)))
        self.starts_at = content.BEGINNING + timedelta(days=self.chance.choice((1, 2, 5)), hours=2)
        self.wanted = self.drawn_event()
        self.events = self.duplicates = 0
        self.retries: list[Callable[[Slices], object]] = []  # what somebody was not answered, and asks again
        self._functions = {s.name: s.function for s in self.topology.subscriptions}

    def drawn_event(self) -> EventDefinition:
        return content.event(self.chance, self.starts_at, self.theme)

    # -- what happens --

    def run(self, use: Any) -> list[str]:
        """The violations that were seen, each with the invariant's name. ``use``: of ``scheduler.determined``."""
        use(self.chance, lambda: self.seconds, self.scheduler.pause)
        if self.chance.random() < 0.8:  # else somebody imports the event while others ask for it
            registrants.bring_in(self, self._made(self.scheduler.processes[0]))
        started = 0
        while not self.books.violations:
            busy = [process for process in self.scheduler.processes if process.job]
            if started >= self.plan.jobs and not busy:
                break
            self._pass_time()
            process = self.scheduler.next()
            if process.job:
                self.scheduler.go_on(process)
            elif started < self.plan.jobs:
                started += 1
                self._start(process, self._next_job())
        if not self.books.violations:
            self._come_to_rest()
        return self.books.violations

    def _pass_time(self) -> None:
        if self.chance.random() < 0.005:
            passed = self.pace * self.chance.random()
        else:
            passed = timedelta(seconds=self.chance.choice((0, 0, 0.01, 0.6, 2.1)))
        self.pass_(passed)

    def pass_(self, passed: timedelta) -> None:
        self.clock.instant += passed
        self.seconds += passed.total_seconds()

    def _start(self, process: Process, job: Callable[[Slices], object]) -> None:
        self.events += 1
        process.began, process.began_at = self.books.commits, self.clock.now()
        self.scheduler.start(process, lambda: self.attempt(process, job))

    def attempt(self, process: Process, job: Callable[[Slices], object]) -> None:
        """One request or push: what the product refuses is no fault, what it does not expect is one."""
        try:
            job(self._made(process))
        except (*registrants.REFUSALS, *inquirers.REFUSALS):
            pass
        except Unavailable:
            if self.chance.random() < 0.7:
                self.retries.append(job)
        except Exception:
            self.books.violated("NO-ERROR", traceback.format_exc(limit=-4))

    def _over(self, process: Process) -> None:
        self.books.over(process)

    def _next_job(self) -> Callable[[Slices], object]:
        pending, chance = self.bus.pending, self.chance
        if pending and chance.random() < min(0.8, 0.25 + 0.02 * len(pending)):
            return self._delivery(self._next_pending())
        if self.retries and chance.random() < 0.3:
            return self.retries.pop(chance.randrange(len(self.retries)))
        ticks, registrations = {
            "all": (0.1, 0.5),
            "seats": (0.03, 0.97),
            "inquiries": (0.1, 0.0),
            "clock": (0.4, 0.6),
            "forms": (0.05, 0.95),
            "imports": (0.05, 0.95),
        }[self.theme]
        kind = chance.random()
        if kind < ticks:
            return self._tick
        return registrants.move(self) if kind < ticks + registrations else inquirers.move(self)

    def _made(self, process: Process) -> Slices:
        if process.made is None:
            ports = (Port(real, self.scheduler) for real in (self.store, self.bus, self.mailer, self.files))
            port, bus, mailer, files = ports
            store: Any = RelayingStore(self._spoil(port, bus), bus)  # type: ignore[arg-type]
            here = Platform(_settings(), store, bus, mailer, files, self.clock, self.tokens)  # type: ignore[arg-type]
            process.made = _slices(here)
        made: Slices = process.made
        return made

    # -- the bus and the clock --

    def _tick(self, slices: Slices) -> None:
        """Cloud Scheduler publishes one; the platform erases what is past its time."""
        self.store.erase_expired(utc_text(self.clock.now()))
        row = outbox_row("clock", Tick(), self.clock.now())
        slices.platform.bus.publish([message(row.id, row.data)])

    def _next_pending(self) -> Pending:
        """Any; where seats are what it is about, what moves them comes first, now that somebody looks for one."""
        if self.theme == "seats" and self.chance.random() < 0.6:
            told = [one for one in self.bus.pending if one.message.attributes["type"] == SeatsReleased.type]
            if told:
                return self.chance.choice(told)
        return self.chance.choice(self.bus.pending)

    def _delivery(self, pending: Pending) -> Callable[[Slices], object]:
        """Push a message. Now and then it comes again though it was acknowledged, or several times at once."""
        if self.chance.random() < 0.1:
            self.duplicates += 1
            pending = Pending(pending.subscription, pending.message, pending.attempt)
            self.bus.pending.append(pending)

        return self._once(pending)

    def push(self, slices: Slices, pending: Pending) -> bool:
        """Whether it was acknowledged."""
        queued = Queued(pending.subscription, pending.message, pending.attempt)
        body = json.dumps(push_body(queued)).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        answer = slices.intakes[self._functions[pending.subscription]](Request(environ))
        if answer.status_code == 500:
            self.books.violated("NO-ERROR", f"a push of {pending.message.attributes['type']} was answered with 500")
        return answer.status_code == 204

    def _failed(self, pending: Pending) -> None:
        """Pub/Sub counts, and moves to the dead letters what failed too often."""
        pending.attempt += 1
        if pending.attempt > self.topology.delivery.attempts and pending in self.bus.pending:
            self.bus.pending = [one for one in self.bus.pending if one is not pending]
            attributes = {"CloudPubSubDeadLetterSourceSubscription": pending.subscription}
            letter = replace(pending.message, attributes=pending.message.attributes | attributes)
            for subscription in self.topology.subscriptions_of(DEAD_LETTER_TOPIC):
                self.bus.pending.append(Pending(subscription.name, letter))

    # -- rest --

    def _come_to_rest(self) -> None:
        self.scheduler.chances = Chances(switch=0.0)
        process = Process(99)
        for retry in self.retries:
            self._alone(process, retry)
        registrants.bring_in(self, self._made(process))  # an organiser who was interrupted runs it again
        for _ in range(MAX_TICKS):
            self._alone(process, self._tick)
            self._deliver_all(process)
            self._replay_letters(process)
            if not self.books.queued() or self.books.violations:
                break
            self.pass_(REST)
        else:
            self.books.violated("QUIET", f"after {MAX_TICKS} ticks there is still {self.books.queued()}")
        if not self.books.violations:
            self._alone(process, self._tick)
            self._deliver_all(process)
            self.books.look(self._made(process))
        if not self.books.violations:
            self._replay_everything(process)

    def _alone(self, process: Process, job: Callable[[Slices], object]) -> None:
        self.events += 1
        process.began, process.began_at = self.books.commits, self.clock.now()
        self.scheduler.alone(process, lambda: self.attempt(process, job))

    def _deliver_all(self, process: Process) -> None:
        for _ in range(3000):
            if not self.bus.pending or self.books.violations:
                return
            pending = self.bus.pending[0]
            before = len(self.bus.pending)
            self._alone(process, self._once(pending))
            if len(self.bus.pending) >= before:
                self.bus.pending.append(self.bus.pending.pop(0))

    def _once(self, pending: Pending) -> Callable[[Slices], object]:
        def deliver(slices: Slices) -> None:
            if self.push(slices, pending):
                self.bus.pending = [one for one in self.bus.pending if one is not pending]
            else:
                self._failed(pending)

        return deliver

    def _replay_letters(self, process: Process) -> None:
        """An operator replays the dead letters, now that all is well."""
        topics = {s.name: s.topic for s in self.topology.subscriptions}
        for letter in self.store.query(DEAD_LETTERS, ("state", "==", "open"), order="time"):
            self._alone(process, lambda slices, id=letter.id: replay(slices.platform, id, topics.__getitem__))  # type: ignore[misc]
        self._deliver_all(process)

    def _replay_everything(self, process: Process) -> None:
        """Deliver all that was ever published once more: nothing may change."""
        before, mails = self.store.contents(), len(self.mailer.sent)
        for sent in [one for one in self.bus.published.values() if one.attributes["type"] != Tick.type]:
            self._publish_again(sent)
        self._deliver_all(process)
        if self.store.contents() != before or len(self.mailer.sent) != mails:
            after = self.store.contents()
            changed = sorted(name for name in before.keys() | after if before.get(name) != after.get(name))
            self.books.violated("REPLAY-NEUTRAL", f"{len(self.mailer.sent) - mails} mails, and {changed} changed")

    def _publish_again(self, sent: Message) -> None:
        self.duplicates += 1
        for subscription in self.topology.subscriptions_of(sent.topic):
            self.bus.pending.append(Pending(subscription.name, sent))


def _slices(here: Platform) -> Slices:
    store: Store = here.store
    registrations = Registrations(store, here.clock, here.tokens, BASE)
    means = Means(store, here.files, here.clock, here.tokens, BASE, DOMAIN, trusts_senders=True)
    inquiries = Service(means)
    deliveries = Deliveries(store, here.mailer, here.clock, f"onestop <noreply@{DOMAIN}>", base_url=BASE)
    intakes = {
        "registration": registration_events.intake(here, registrations),
        "inquiries": inquiries_events.intake(here, inquiries),
        "notification": notification_events.intake(here, deliveries),
    }
    return Slices(registrations, inquiries, deliveries, intakes, here)
