"""What came out of one outlet: each event as it came, to the byte."""

from __future__ import annotations

import json
from threading import Event
from typing import NamedTuple

from tests.show.transcript import Transcript

LAST_KIND = "notification.read"
"""Nothing is told of this push after it: its recipient reads it once all else is over."""


class FollowError(Exception):
    """The push could not be followed, or two outlets tell different things; the message says which."""


class Copy(NamedTuple):
    """An event as one outlet told it; `seconds` since the beginning."""

    id: str
    kind: str
    body: bytes
    seconds: float


class Outlet:
    """The copies that have come, in their order; `is_complete` is set with the last of them."""

    def __init__(self, name: str, transcript: Transcript) -> None:
        self.name = name
        self.copies: list[Copy] = []
        self.is_complete = Event()
        self._transcript = transcript

    def take(self, body: bytes, remark: str = "") -> None:
        """Keep what came, and say so."""
        told = json.loads(body)
        seconds = self._transcript.note(self.name, f"{told['type']:<22}  {told['id']}  {remark}".rstrip())
        self.copies.append(Copy(told["id"], told["type"], body, seconds))
        if told["type"] == LAST_KIND:
            self.is_complete.set()

    def wait(self, seconds: float) -> None:
        """Return once the last event has come; FollowError if it has not by then."""
        if not self.is_complete.wait(seconds):
            raise FollowError(f"{self.name} told {[copy.kind for copy in self.copies]} and no {LAST_KIND} within {seconds:.0f} s.")
