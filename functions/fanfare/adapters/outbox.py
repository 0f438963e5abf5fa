"""What is sent at the end of a request, because an instance has no CPU between two: never for long, and never at all where nobody takes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from fanfare.ports import Clock

T = TypeVar("T")
PATIENCE_SECONDS = 2.0
"""A request waits no longer for all of its outboxes together."""
PAUSE = timedelta(seconds=60)
"""So long nothing is sent after a failure: a dead receiver costs one request in a minute its two seconds."""
MOST = 2_048
"""What waits; the oldest goes first."""


class Outbox(Generic[T]):
    """Keeps what is to be sent. `send` returns whether it was taken; it runs in a thread of its own, so that whoever waits can stop waiting."""

    def __init__(self, name: str, send: Callable[[Sequence[T]], bool], clock: Clock) -> None:
        self.name = name
        self._send = send
        self._clock = clock
        self._waiting: deque[T] = deque(maxlen=MOST)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._resumes_at: datetime | None = None

    def put(self, item: T) -> None:
        """Keep something for the next flush."""
        self._waiting.append(item)

    def begin(self) -> Future[bool] | None:
        """Begin to send what waits; None if nothing does, or during a pause."""
        if not self._waiting or (self._resumes_at is not None and self._clock.now() < self._resumes_at):
            return None
        return self._thread.submit(self._send, self._drain())

    def settle(self, sending: Future[bool]) -> bool:
        """Give up what is not sent by now, and pause; returns whether it was sent."""
        is_sent = sending.done() and sending.exception() is None and sending.result()
        if not is_sent:
            sending.cancel()
        self._resumes_at = None if is_sent else self._clock.now() + PAUSE
        return is_sent

    def _drain(self) -> list[T]:
        """Take what waits; other threads may take of it, or add to it, at the same time."""
        taken: list[T] = []
        while self._waiting and len(taken) < MOST:
            try:
                taken.append(self._waiting.popleft())
            except IndexError:
                break
        return taken


def flush_all(outboxes: Iterable[Outbox[Any]]) -> list[str]:
    """Send what waits in all of them, side by side; returns the names of those whose receiver did not take it."""
    begun = [(outbox, sending) for outbox in outboxes if (sending := outbox.begin()) is not None]
    wait([sending for _, sending in begun], timeout=PATIENCE_SECONDS)
    return [outbox.name for outbox, sending in begun if not outbox.settle(sending)]
