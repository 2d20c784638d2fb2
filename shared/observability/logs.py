"""Structured logs in Cloud Logging's JSON form, one line an entry, with the trace that led here.

Fields: https://cloud.google.com/logging/docs/structured-logging. Whatever is logged is masked
(``shared.observability.masks``): an address appears as ``a***@example.org``, a personal link as ``/r/***``. Nothing
that a visitor wrote is logged.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from shared.observability.masks import masked, masked_value

_trace: ContextVar[str] = ContextVar("trace", default="")
_source: ContextVar[str] = ContextVar("source", default="")  # what it was found in
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-")  # W3C Trace Context
_TRACE = re.compile(r"^(?!0{32})([0-9a-f]{32})\b")
SERVERS = ("gunicorn.error", "gunicorn.access")
_text = json.JSONEncoder(ensure_ascii=False, default=str).encode


def current_trace() -> str:
    """The trace id (32 hex digits) of what is being worked on; made up where there is none."""
    if not _trace.get():
        _trace.set(secrets.token_hex(16))
    return _trace.get()


def enter_trace(*candidates: str | None) -> str:
    """Go on under the first valid trace among header values (``traceparent``, ``X-Cloud-Trace-Context``) or ids."""
    for candidate in candidates:
        found = candidate and (_TRACEPARENT.match(candidate) or _TRACE.match(candidate))
        if found:
            _trace.set(found[1])
            _source.set(candidate or "")
            return found[1]
    _trace.set(secrets.token_hex(16))
    _source.set("")
    return _trace.get()


def trace_source() -> str:
    """What ``enter_trace`` found the trace in, a ``traceparent`` perhaps, which names a span too; "" for a new one."""
    return _source.get()


class JsonFormatter(logging.Formatter):
    """One JSON object a line, as Cloud Logging reads it, without what no log may hold (``masks``)."""

    def format(self, record: logging.LogRecord) -> str:
        """With the ``fields`` that the record has, and its exception's traceback."""
        project = os.environ.get("GOOGLE_CLOUD_PROJECT")
        trace = _trace.get()
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "message": masked(record.getMessage()),
            "logger": record.name,
            **masked_value(getattr(record, "fields", {})),
        }
        if trace:
            entry["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace}" if project else trace
        if record.exc_info:
            entry["exception"] = masked(self.formatException(record.exc_info))
        return _text(entry)


def setup() -> None:
    """Send this process's log to standard error. Calling it again changes nothing."""
    # What no entry shows need not be found out (https://docs.python.org/3/howto/logging.html#optimization).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    if not any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        root.handlers[:] = [handler]
        root.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    for server in SERVERS:  # their loggers have handlers of their own, and name the request's whole address
        for own in logging.getLogger(server).handlers:
            own.setFormatter(JsonFormatter())
