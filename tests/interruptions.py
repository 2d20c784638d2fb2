"""A store between two of whose calls something else happens: steps in an order that is chosen by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from shared.ports import Store


@dataclass
class _Interruption:
    call: str
    collection: str
    moment: Literal["before", "after"]
    act: Callable[[], Any]


class Interrupted:
    """Passes every call on. What an interruption does goes past other interruptions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Interruption] = []

    def once(self, call: str, collection: str, moment: Literal["before", "after"], act: Callable[[], Any]) -> None:
        """``act`` when the next ``call`` (``get``, ``query``, ``commit`` ...) that names ``collection`` comes."""
        self._waiting.append(_Interruption(call, collection, moment, act))

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            named = {w.collection for w in arguments[0]} if name == "commit" else {arguments[0] if arguments else ""}
            found = next((one for one in self._waiting if one.call == name and one.collection in named), None)
            if found is None:
                return real(*arguments, **options)
            self._waiting.remove(found)
            if found.moment == "before":
                found.act()
            result = real(*arguments, **options)
            if found.moment == "after":
                found.act()
            return result

        return call if callable(real) else real

    @property
    def idle(self) -> bool:
        """Whether everything that was to happen has happened."""
        return not self._waiting
