"""Whoever looks after mail reads what it is about, never the code of a bus event."""

from __future__ import annotations

import importlib
import pkgutil

from functions.notification import labels
from functions.notification.mails import own_notices
from shared import contracts
from shared.contracts.bus_events import Payload


def test_every_bus_event_has_a_name_at_the_desk() -> None:
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"{contracts.__name__}.{module.name}")
    assert own_notices.__name__  # which has the slice's own
    assert set(labels.kinds(str)) == {type for type, kind in Payload.kinds.items() if "tests" not in kind.__module__}
