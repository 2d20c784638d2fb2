"""Personal links: a signed reference with the number of the link's generation.

What a link leads to keeps the generation that holds. Counting it up voids every link before, wherever it was leaked to.
Links end some time after they are of use, and the owner of the address on record can have a new one mailed. Links made
before there were generations are those of generation 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.keys.tokens import BadToken, Tokens

RENEWED_LIFE = timedelta(days=30)  # of a link that was mailed on request


class VoidLink(BadToken):
    """Ours, and of no use any more: an older generation, or past its time."""


@dataclass(frozen=True)
class Link:
    """What a link says; ``expires`` where it has been given a time of its own."""

    reference: str
    generation: int = 0
    expires: datetime | None = None

    def token(self, tokens: Tokens, purpose: str) -> str:
        """Signed for ``purpose``: no other purpose's link opens with it."""
        value = f"{self.reference}:{self.generation}" if self.generation else self.reference
        return tokens.sign(purpose, value, self.expires)

    @classmethod
    def read(cls, tokens: Tokens, purpose: str, token: str) -> Link:
        """Whether it holds is to be asked where its reference leads to. Raises ``BadToken``."""
        value, expires = tokens.signed(purpose, token)
        reference, _, generation = value.partition(":")
        return cls(reference, int(generation or 0), expires)

    def holds(self, generation: int, until: datetime, now: datetime) -> bool:
        """Whether it is of the ``generation`` that holds, and its time is not over: ``until``, or its own if later."""
        return self.generation == generation and now <= max(until, self.expires or until)

    def check(self, generation: int, until: datetime, now: datetime) -> None:
        """Raises ``VoidLink`` where it does not hold."""
        if not self.holds(generation, until, now):
            raise VoidLink("an older or expired link")
