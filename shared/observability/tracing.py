"""Spans: what a request, a push or a mail took, and what led to what. ``wiring`` switches them on.

A span belongs to the trace that ``shared.observability.logs`` is in, so enter the trace first. It is a child of the
span around it, or else of the one that ``enter_trace`` was told. Attributes hold nothing about a person: no address, no
path (it may hold a personal link), no text of an exception.
Names: https://opentelemetry.io/docs/specs/semconv/.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol, TypeVar

from shared.observability.logs import current_trace

Kind = Literal["server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int]


class Tracer(Protocol):
    """Makes the spans; ``shared.adapters.otel`` has the one that there is."""

    def span(self, name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[None]:
        """Around what is done inside; an exception that leaves it is noted by its class."""
        ...

    def describe(self, attributes: Attributes, name: str = "", failed: bool = False) -> None:
        """Add to the span that is open: ``attributes``, another ``name``, that it ``failed``."""
        ...

    def outgoing(self) -> str:
        """``traceparent`` (W3C Trace Context) for what is sent on; the log's trace id where no span is open."""
        ...


class Answer(Protocol):
    """What a span notes of an HTTP answer."""

    @property
    def status_code(self) -> int:
        """The HTTP status (RFC 9110, 15)."""
        ...


A = TypeVar("A", bound=Answer)
_tracer: Tracer | None = None
_OFF = nullcontext()


def use(tracer: Tracer | None) -> None:
    """From now on ``tracer`` makes this process's spans; None: nobody does."""
    global _tracer
    _tracer = tracer


def span(name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[None]:
    """What is done inside is a span; an exception that leaves it is noted by its class."""
    return _tracer.span(name, kind, attributes) if _tracer else _OFF


def routed(method: str, route: str) -> None:
    """The request's span is named by its route (``/r/<token>``), of which there are few."""
    if _tracer:
        _tracer.describe({"http.route": route}, name=f"{method} {route}")


def answered(answer: A) -> A:
    """``answer``, its status noted in the span."""
    if _tracer:
        status = answer.status_code
        _tracer.describe({"http.response.status_code": status}, failed=status >= 500)
    return answer


def outgoing() -> str:
    """What an event carries on: the span at hand as a W3C ``traceparent``; without one, the bare trace id."""
    return _tracer.outgoing() if _tracer else current_trace()
