"""One request in the making on an HTTP/2 connection, then the rest of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from local.fcm.exchange import Request, body_limit_bytes


@dataclass(slots=True)
class Stream:
    """What has arrived of a request; then `unsent`, what is still to be sent of its answer."""

    pseudo: dict[str, str]
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    on_given: Callable[[], None] | None = None
    timer: asyncio.TimerHandle | None = None
    is_over_limit: bool = False

    @classmethod
    def opened(cls, fields: Iterable[tuple[bytes | str, bytes | str]]) -> Stream:
        """Begin a request from its header fields."""
        pairs = [(_text(name), _text(value)) for name, value in fields]
        pseudo = {name: value for name, value in pairs if name.startswith(":")}
        return cls(pseudo, {name: value for name, value in pairs if not name.startswith(":")})

    def receive(self, data: bytes) -> None:
        """Add a piece of the body; past the limit nothing more is kept."""
        if self.is_over_limit:
            return
        self.body += data
        self.is_over_limit = len(self.body) > body_limit_bytes(self.pseudo.get(":path", "*"))
        if self.is_over_limit:
            self.body.clear()

    def request(self) -> Request:
        """Return the complete request."""
        return Request(self.pseudo[":method"], self.pseudo.get(":path", "*"), self.headers, bytes(self.body), "2")

    def cancel(self) -> None:
        """Give up an answer that waits for its time."""
        if self.timer:
            self.timer.cancel()


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
